/* broker/engine/intake.h: a client's message: read, checked, routed. */
#ifndef WSB_BROKER_ENGINE_INTAKE_H
#define WSB_BROKER_ENGINE_INTAKE_H

#include "broker/engine/state.h"

void intake_message(struct engine *engine, struct session *session, struct span payload,
		    bool binary, uint64_t now_us);

/* A fresh exchange with the message as it will be forwarded, and where its id stands. WSB_ELIMIT:
 * too many are in flight; WSB_ENOMEM. */
enum wsb_err request_keep(struct engine *engine, struct exchange **out,
			  const struct message *message) WSB_CHECKED;

#endif
