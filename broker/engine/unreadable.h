/* broker/engine/unreadable.h: messages that nobody can use. */
#ifndef WSB_BROKER_ENGINE_UNREADABLE_H
#define WSB_BROKER_ENGINE_UNREADABLE_H

#include "broker/engine/state.h"

/* Answers one that could not be read at all, or closes the client. */
void unreadable_answer(struct engine *engine, struct session *session, bool binary,
		       enum encoding encoding, struct span payload);
/* Logs the first one of a client with what it looks like and the envelope that would fit. */
void unreadable_note(struct engine *engine, struct session *session, enum encoding encoding,
		     struct span payload) WSB_RARE;

#endif
