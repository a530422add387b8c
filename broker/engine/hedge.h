/* broker/engine/hedge.h: when a request of a route with `hedge` has taken longer than nineteen of
 * twenty of its kind do, so that a second attempt is worth its price (J. Dean and L. A. Barroso,
 * "The Tail at Scale", 2013). */
#ifndef WSB_BROKER_ENGINE_HEDGE_H
#define WSB_BROKER_ENGINE_HEDGE_H

#include "broker/engine/state.h"

/* One for each route of the present configuration that hedges. */
enum wsb_err hedges_make(struct hedges *hedges, const struct config *config) WSB_CHECKED;
void hedges_free(struct hedges *hedges);
/* These are the present ones from now on; what is known of routes that have stayed is kept. */
void hedges_take(struct engine *engine, struct hedges *next);

/* How long an attempt of this request may take; 0: it is not hedged, or too few answers are known.
 */
uint64_t hedge_after_us(const struct engine *engine, const struct exchange *exchange);
/* A request that may be hedged has been answered, so long after its first attempt was sent. */
void hedge_answered(struct engine *engine, const struct exchange *exchange, uint64_t latency_us);
/* Every tick. */
void hedges_upkeep(struct engine *engine, uint64_t now_us);

#endif
