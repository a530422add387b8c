/* broker/engine/deliver.h: up: an upstream's message and the client that waits for it. */
#ifndef WSB_BROKER_ENGINE_DELIVER_H
#define WSB_BROKER_ENGINE_DELIVER_H

#include "broker/engine/state.h"

void deliver_message(struct engine *engine, struct connection *connection, struct span payload,
		     bool binary, uint64_t now_us);

#endif
