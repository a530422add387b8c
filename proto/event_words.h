/* proto/event_words.h: what stands in the texts of events, for those that write and read them. */
#ifndef WSB_PROTO_EVENT_WORDS_H
#define WSB_PROTO_EVENT_WORDS_H

#include "proto/event.h"

struct event_words {
	const char *type;
	const char *op;
};

/* Of each type but EVENT_OTHER. */
extern const struct event_words event_words[EVENT_OTHER];

#endif
