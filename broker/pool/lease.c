#include "broker/pool/lease.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include "broker/pool/health.h"

static uint32_t lower(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t tier_to_use(const struct pool *pool)
{
	uint32_t lowest = UINT32_MAX;
	uint32_t lowest_ready = UINT32_MAX;
	uint32_t lowest_well = UINT32_MAX;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint *endpoint = pool->endpoints[i];
		uint32_t tier = endpoint->settings->tier;

		lowest = lower(lowest, tier);
		if (!endpoint_is_up(endpoint) || !endpoint_serves(endpoint))
			continue;
		lowest_ready = lower(lowest_ready, tier);
		if (endpoint_is_well(endpoint))
			lowest_well = lower(lowest_well, tier);
	}
	if (lowest == UINT32_MAX)
		return pool->tier; /* nobody is left */
	if (lowest_well != UINT32_MAX)
		return lowest_well;
	return lowest_ready != UINT32_MAX ? lowest_ready : lowest;
}

static void report_tier(struct pool *pool, uint32_t before, uint64_t now_us)
{
	char from[16], to[16];

	snprintf(from, sizeof(from), "%" PRIu32, before);
	snprintf(to, sizeof(to), "%" PRIu32, pool->tier);
	pool_report_pool(pool, &(struct pool_change){
				       .type = "pool.tier",
				       .level = pool->tier > before ? LOG_WARN : LOG_INFO,
				       .before = from,
				       .after = to,
				       .reason = pool->tier > before ? "none_ready" : "ready",
				       .now_us = now_us,
			       });
}

static void enter_tier(struct pool *pool, uint32_t tier, uint64_t now_us)
{
	uint32_t before = pool->tier;

	pool->tier = tier;
	for (size_t state = 0; state < CONNECTION_STATES; state++) {
		list_each(&pool->states[state], node) {
			struct connection *connection =
				list_entry(node, struct connection, state_link);

			connection->standby = !connection->dedicated &&
					      connection->endpoint->settings->tier > tier;
		}
	}
	report_tier(pool, before, now_us);
}

static void enter_panic(struct pool *pool, bool panic, uint64_t now_us)
{
	pool->panic = panic;
	pool->panics += panic;
	pool_report_pool(pool, &(struct pool_change){
				       .type = panic ? "pool.panic" : "pool.calm",
				       .level = panic ? LOG_ERROR : LOG_INFO,
				       .before = panic ? "calm" : "panic",
				       .after = panic ? "panic" : "calm",
				       .reason = "health",
				       .detail = panic ? "fewer than half of the endpoints are "
							 "well: all that are ready are used"
						       : "",
				       .now_us = now_us,
			       });
}

bool pool_carries(const struct pool *pool, const struct endpoint *endpoint)
{
	return endpoint_serves(endpoint) && endpoint->settings->tier == pool->tier &&
	       (pool->panic || endpoint_is_well(endpoint));
}

/* Each endpoint in use gets a run of the array as long as it has ready connections. */
static void build_ready(struct pool *pool)
{
	pool->ready_count = 0;
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		if (endpoint->ready == 0)
			endpoint->turn = 0; /* its turns begin anew when it comes back */
		if (!pool_carries(pool, endpoint))
			continue;
		endpoint->place = pool->ready_count;
		pool->ready_count += endpoint->ready;
	}
	assert(pool->ready_count <= pool->ready_capacity);
	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		connection->carries =
			!connection->dedicated && pool_carries(pool, connection->endpoint);
		if (connection->carries)
			pool->ready[connection->endpoint->place++] = connection;
	}
	pool->ready_stale = false;
}

void pool_refresh_ready(struct pool *pool, uint64_t now_us)
{
	uint32_t tier = tier_to_use(pool);
	bool panic = health_is_panic(pool, tier);

	if (tier == pool->tier && panic == pool->panic && !pool->ready_stale)
		return;
	if (tier != pool->tier)
		enter_tier(pool, tier, now_us);
	if (panic != pool->panic)
		enter_panic(pool, panic, now_us);
	build_ready(pool);
}

static enum lease_verdict lease_out(struct connection *connection, uint64_t now_us)
{
	struct endpoint *endpoint = connection->endpoint;

	if (endpoint->asked++ == 0)
		endpoint->asked_us = now_us;
	connection->in_flight++;
	endpoint->in_flight++;
	endpoint->stats.requests++;
	connection->pool->in_flight++;
	return LEASE_OK;
}

/* One that has room on an endpoint that is to be tried. In panic it is tried without this. */
static struct connection *trial_connection(struct pool *pool, const struct lease_wish *wish,
					   uint64_t now_us)
{
	struct endpoint *endpoint =
		pool->panic ? NULL : health_trial(pool, wish && wish->spare, now_us);

	if (!endpoint)
		return NULL;
	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->endpoint != endpoint ||
		    !balancer_may_pick(connection, wish ? &wish->avoid : NULL))
			continue;
		endpoint->outlier.trials_given++;
		return connection;
	}
	return NULL;
}

enum lease_verdict pool_lease(struct pool *pool, const struct lease_wish *wish, uint64_t now_us,
			      struct connection **out)
{
	struct balancer_set set = {pool->ready, pool->ready_count, pool->shares_uneven};

	if (pool->ready_count == 0)
		return LEASE_NONE_READY;
	*out = pool->trials > 0 ? trial_connection(pool, wish, now_us) : NULL;
	if (!*out)
		*out = balancer_pick(pool->balancer, &set, wish ? &wish->avoid : NULL, &pool->rng,
				     &pool->rotor, now_us);
	return *out ? lease_out(*out, now_us) : LEASE_ALL_FULL;
}

struct connection *pool_choose_for_client(struct pool *pool, uint64_t now_us)
{
	struct balancer_set set = {pool->ready, pool->ready_count, pool->shares_uneven};

	return balancer_pick_for_client(pool->balancer, &set, &pool->rng, &pool->rotor, now_us);
}

enum lease_verdict pool_lease_on(struct connection *connection, uint64_t now_us)
{
	if (!connection->carries)
		return LEASE_NONE_READY;
	return connection_is_full(connection) ? LEASE_ALL_FULL : lease_out(connection, now_us);
}

static bool is_among(const struct connection *connection, const struct connection *const *avoid,
		     size_t avoid_count)
{
	for (size_t i = 0; i < avoid_count; i++)
		if (avoid[i] == connection)
			return true;
	return false;
}

static bool takes_one_more(const struct connection *connection, uint32_t most)
{
	return (most == 0 || connection->feeds.count < most) &&
	       (connection->feeds_max == 0 || connection->feeds.count < connection->feeds_max);
}

static bool is_quieter(const struct connection *one, const struct connection *other)
{
	bool one_sick = one->handicap >= HANDICAP_SICK;
	bool other_sick = other->handicap >= HANDICAP_SICK;

	if (one_sick != other_sick)
		return other_sick;
	if (one->feeds.count != other->feeds.count)
		return one->feeds.count < other->feeds.count;
	return one->in_flight < other->in_flight;
}

enum lease_verdict pool_lease_quietest(struct pool *pool, const struct connection *const *avoid,
				       size_t avoid_count, uint32_t most, uint64_t now_us,
				       struct connection **out)
{
	struct connection *quietest = NULL;

	if (pool->ready_count == 0)
		return LEASE_NONE_READY;
	for (size_t i = 0; i < pool->ready_count; i++) {
		struct connection *connection = pool->ready[i];

		if ((!quietest || is_quieter(connection, quietest)) &&
		    !connection_is_full(connection) && takes_one_more(connection, most) &&
		    !is_among(connection, avoid, avoid_count))
			quietest = connection;
	}
	if (!quietest)
		return LEASE_ALL_FULL;
	*out = quietest;
	return lease_out(quietest, now_us);
}

bool pool_lease_draining(struct connection *connection, uint64_t now_us)
{
	return !connection_is_full(connection) && lease_out(connection, now_us) == LEASE_OK;
}

void pool_return(struct connection *connection, uint64_t latency_us, uint64_t now_us)
{
	struct pool *pool = connection->pool;

	assert(connection->in_flight > 0);
	connection->in_flight--;
	connection->endpoint->in_flight--;
	pool->in_flight--;
	/* Nobody else asks for the average, and an exponential for each answer is not free. */
	if (latency_us > 0 && pool->balancer == BALANCER_PEAK_EWMA)
		balancer_observe(connection, latency_us, now_us);
}

void pool_note_late(struct connection *connection, uint64_t age_us, uint64_t now_us)
{
	if (connection->pool->balancer == BALANCER_PEAK_EWMA &&
	    (double)age_us > connection->ewma_us)
		balancer_observe(connection, age_us, now_us);
}

void pool_unlease(struct connection *connection, uint64_t now_us)
{
	struct endpoint *endpoint = connection->endpoint;

	health_unasked(endpoint);
	endpoint->stats.requests--;
	health_untried(endpoint);
	pool_return(connection, 0, now_us);
}

bool pool_has_room(const struct pool *pool)
{
	for (size_t i = 0; i < pool->ready_count; i++)
		if (!connection_is_full(pool->ready[i]))
			return true;
	return false;
}
