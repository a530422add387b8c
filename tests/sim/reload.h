/* tests/sim/reload.h: other configurations while everything is under way. */
#ifndef WSB_TESTS_SIM_RELOAD_H
#define WSB_TESTS_SIM_RELOAD_H

#include <stdbool.h>
#include <stdint.h>
#include "tests/support/setup.h"

struct pool;
struct sim;

/* What a pool was allowed at any time. */
struct sim_bounds {
	uint64_t in_flight;
	uint64_t queue_requests;
	uint64_t queue_bytes;
};

/* What was allowed at any time counts for what began then. */
struct latitude {
	struct sim_bounds pools[SETUP_POOLS];
	uint64_t send_buffer;
	bool may_be_cut; /* clients have had little room at any time */
	bool may_be_idle;
	bool may_be_limited;
	bool may_come_back; /* what has carried no requests for a while may do so again */
};

/* Which of the plan's pools this one is. */
size_t sim_pool_index(const struct sim *sim, const struct pool *pool);

void reload_begin(struct sim *sim);
void reload_happen(struct sim *sim);

#endif
