#include "broker/pool/lease.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static uint32_t tier_to_use(const struct pool *pool)
{
	uint32_t lowest = UINT32_MAX;
	uint32_t lowest_ready = UINT32_MAX;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint *endpoint = pool->endpoints[i];
		uint32_t tier = endpoint->settings->tier;

		if (tier < lowest)
			lowest = tier;
		if (endpoint_serves(endpoint) && endpoint_is_up(endpoint) && tier < lowest_ready)
			lowest_ready = tier;
	}
	return lowest_ready == UINT32_MAX ? lowest : lowest_ready;
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

			connection->standby = connection->endpoint->settings->tier > tier;
		}
	}
	report_tier(pool, before, now_us);
}

/* Whether its connections get requests. */
static bool endpoint_carries(const struct endpoint *endpoint)
{
	return endpoint_serves(endpoint) && endpoint->settings->tier == endpoint->pool->tier;
}

/* Each endpoint of the tier gets a run of the array as long as it has ready connections. */
static void build_ready(struct pool *pool)
{
	pool->ready_count = 0;
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		if (endpoint->ready == 0)
			endpoint->turn = 0; /* its turns begin anew when it comes back */
		if (!endpoint_carries(endpoint))
			continue;
		endpoint->place = pool->ready_count;
		pool->ready_count += endpoint->ready;
	}
	assert(pool->ready_count <= pool->ready_capacity);
	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		connection->carries = endpoint_carries(connection->endpoint);
		if (connection->carries)
			pool->ready[connection->endpoint->place++] = connection;
	}
	pool->ready_stale = false;
}

void pool_refresh_ready(struct pool *pool, uint64_t now_us)
{
	uint32_t tier = tier_to_use(pool);

	if (tier == pool->tier && !pool->ready_stale)
		return;
	if (tier != pool->tier)
		enter_tier(pool, tier, now_us);
	build_ready(pool);
}

static enum lease_verdict lease_out(struct connection *connection)
{
	connection->in_flight++;
	connection->endpoint->in_flight++;
	connection->endpoint->stats.requests++;
	connection->pool->in_flight++;
	return LEASE_OK;
}

enum lease_verdict pool_lease(struct pool *pool, const struct connection *const *avoid,
			      size_t avoid_count, uint64_t now_us, struct connection **out)
{
	struct connection *connection;

	if (pool->ready_count == 0)
		return LEASE_NONE_READY;
	connection = balancer_pick(pool->balancer, pool->ready, pool->ready_count, avoid,
				   avoid_count, &pool->rng, &pool->rotor, now_us);
	if (!connection)
		return LEASE_ALL_FULL;
	*out = connection;
	return lease_out(connection);
}

struct connection *pool_choose_for_client(struct pool *pool, uint64_t now_us)
{
	return balancer_pick_for_client(pool->balancer, pool->ready, pool->ready_count, &pool->rng,
					&pool->rotor, now_us);
}

enum lease_verdict pool_lease_on(struct connection *connection)
{
	if (!connection->carries)
		return LEASE_NONE_READY;
	return connection_is_full(connection) ? LEASE_ALL_FULL : lease_out(connection);
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
	if (one->feeds.count != other->feeds.count)
		return one->feeds.count < other->feeds.count;
	return one->in_flight < other->in_flight;
}

enum lease_verdict pool_lease_quietest(struct pool *pool, const struct connection *const *avoid,
				       size_t avoid_count, uint32_t most, struct connection **out)
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
	return lease_out(quietest);
}

bool pool_lease_draining(struct connection *connection)
{
	return !connection_is_full(connection) && lease_out(connection) == LEASE_OK;
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

bool pool_has_room(const struct pool *pool)
{
	for (size_t i = 0; i < pool->ready_count; i++)
		if (!connection_is_full(pool->ready[i]))
			return true;
	return false;
}
