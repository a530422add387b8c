/* broker/engine/failover.h: what becomes of requests whose attempt has failed or takes too long. */
#ifndef WSB_BROKER_ENGINE_FAILOVER_H
#define WSB_BROKER_ENGINE_FAILOVER_H

#include "broker/engine/state.h"

/* The connection has gone: what was sent on it goes elsewhere, or is settled. */
void failover_connection(struct engine *engine, struct connection *connection, uint64_t now_us);
/* The attempt was answered with an error that counts as a failure. True: it goes on elsewhere, and
 * this answer is nobody's any more. */
bool failover_refused(struct engine *engine, struct attempt *attempt, uint64_t now_us) WSB_RARE;
/* Its attempts that are out, and have been for longer than attempt_timeout, count against their
 * endpoints: another one was answered first, or none was. */
void failover_blame_late(const struct engine *engine, const struct exchange *exchange,
			 uint64_t now_us);
/* An endpoint of this pool has just been ejected: what waits in its outboxes goes elsewhere. */
void failover_rescue(struct engine *engine, struct lane *lane, uint64_t now_us);
/* It has waited for a place as long as anybody may. */
void failover_queue_age(struct engine *engine, struct exchange *exchange, uint64_t now_us);
/* A deadline of this exchange has passed. */
void failover_timer(struct engine *engine, struct exchange *exchange, uint64_t now_us);

#endif
