/* broker/engine/overdue.h: writes whose callers have been told that time was up, while the upstream
 * may still be at it. What was read after that, and cached, is old when the write is done after
 * all: so its late answer invalidates, as it would have in time. */
#ifndef WSB_BROKER_ENGINE_OVERDUE_H
#define WSB_BROKER_ENGINE_OVERDUE_H

#include "broker/engine/state.h"

/* The exchange, of a route that invalidates, ends without an answer. Remembered if one may still
 * come; of more than OVERDUE_MAX the latest. */
void overdue_remember(struct engine *engine, const struct exchange *exchange, uint64_t now_us);
/* What an upstream answers to a request that has ended. */
void overdue_answered(struct engine *engine, uint64_t id, const struct message *answer,
		      uint64_t now_us);
/* Forgets those whose answers will not come any more. */
void overdue_tick(struct engine *engine, uint64_t now_us);
void overdue_fini(struct engine *engine);

#endif
