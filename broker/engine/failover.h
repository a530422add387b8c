/* broker/engine/failover.h: what becomes of requests whose attempt has failed or takes too long. */
#ifndef WSB_BROKER_ENGINE_FAILOVER_H
#define WSB_BROKER_ENGINE_FAILOVER_H

#include "broker/engine/state.h"

/* The connection has gone: what was sent on it goes elsewhere, or is settled. */
void failover_connection(struct engine *engine, struct connection *connection, uint64_t now_us);
/* A deadline of this exchange has passed. */
void failover_timer(struct engine *engine, struct exchange *exchange, uint64_t now_us);

#endif
