/* broker/admin/ailment.h: what ails an endpoint, as far as it should wake an operator. Pure. */
#ifndef WSB_BROKER_ADMIN_AILMENT_H
#define WSB_BROKER_ADMIN_AILMENT_H

#include "broker/admin/verdict.h"

/* Whether it is in this state, as the snapshot names it. */
bool ailment_is_state(const struct endpoint_view *endpoint, const char *state);

/* Whether an operator took it out of use. */
bool ailment_stands_aside(const struct endpoint_view *endpoint);

/* How long endpoints of a pool take: half of them are no slower. 0: nobody has answered lately. */
struct usual {
	uint64_t p50_us;
	uint64_t p99_us;
};

void ailment_usual(const struct pool_view *pool, struct usual *out);

/* Adds at most one reason: the worst that can be said of this endpoint of the pool. */
void ailment_judge(const struct pool_view *pool, const struct endpoint_view *endpoint,
		   const struct usual *usual, struct verdict *verdict);

#endif
