/* broker/engine/intake.h: a client's message: read, checked, routed. */
#ifndef WSB_BROKER_ENGINE_INTAKE_H
#define WSB_BROKER_ENGINE_INTAKE_H

#include "broker/engine/state.h"

void intake_message(struct engine *engine, struct session *session, struct span payload,
		    bool binary, uint64_t now_us);

#endif
