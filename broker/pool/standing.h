/* broker/pool/standing.h: where an endpoint stands: what the operator wants of it and what it can
 * do, in one word. */
#ifndef WSB_BROKER_POOL_STANDING_H
#define WSB_BROKER_POOL_STANDING_H

#include "broker/pool/pool.h"

/* Compares what its facts say now with what was told last and reports the change, if there is one,
 * for endpoint->cause. pool_upkeep calls it, which everybody calls who changes a fact. */
void standing_review(struct endpoint *endpoint, uint64_t now_us);

#endif
