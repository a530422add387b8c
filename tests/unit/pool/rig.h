/* tests/unit/pool/rig.h: a pool with upstreams that are a few booleans, and a clock that is turned
 * by hand. */
#ifndef WSB_TESTS_UNIT_POOL_RIG_H
#define WSB_TESTS_UNIT_POOL_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/pool/pool.h"

#define RIG_ENDPOINTS_MAX 16
#define RIG_STEP_US	  UINT64_C(1000)
#define RIG_START_US	  UINT64_C(5000000)

struct rig {
	struct pool_settings settings;
	struct endpoint_settings endpoints[RIG_ENDPOINTS_MAX];
	struct outbox_pool outboxes;
	uint64_t next_id;
	struct pool *pool;
	uint64_t now_us;
	bool refuses[RIG_ENDPOINTS_MAX]; /* dials to this endpoint fail */
	uint64_t dials[RIG_ENDPOINTS_MAX];
};

/* Endpoints a, b, c, … of weight 1 and tier 1, least-connections, 256 in flight, no pace. What is
 * to differ is changed in the settings before rig_start. */
void rig_init(struct rig *rig, size_t endpoints, uint32_t size);
void rig_start(struct rig *rig);
void rig_stop(struct rig *rig);

/* Dials, opens or refuses, warms, drains and closes as an engine would, a millisecond a step: what
 * is dialled in one step has its answer in the next. */
void rig_run(struct rig *rig, uint64_t us);

void rig_make_ready(struct rig *rig, struct connection *connection);
void rig_lose(struct rig *rig, struct connection *connection, const char *reason);
/* Ends all connections of the endpoint that are open. */
void rig_kill(struct rig *rig, size_t endpoint);

/* The first connection of the endpoint in that state; NULL when there is none. */
struct connection *rig_find(struct rig *rig, size_t endpoint, enum connection_state state);

/* Asserts that every count agrees with the lists. */
void rig_check(struct rig *rig);

#endif
