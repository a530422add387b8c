/* How many connections a pool has and how they share the work, and which of them go when there are
 * too many. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include "broker/pool/lease.h"
#include "broker/pool/pool.h"

void pool_resize(struct pool *pool, uint32_t size, const char *reason, const char *detail,
		 uint64_t now_us)
{
	char before[16], after[16];

	if (pool->size == size)
		return;
	snprintf(before, sizeof(before), "%" PRIu32, pool->size);
	snprintf(after, sizeof(after), "%" PRIu32, size);
	pool->size = size;
	pool_report_pool(pool, &(struct pool_change){
				       .type = "pool.resized",
				       .level = LOG_INFO,
				       .before = before,
				       .after = after,
				       .reason = reason,
				       .detail = detail,
				       .now_us = now_us,
			       });
	pool_upkeep(pool, now_us);
}

void pool_set_balancer(struct pool *pool, enum balancer_kind kind, const char *reason,
		       uint64_t now_us)
{
	enum balancer_kind before = pool->balancer;

	if (kind == before)
		return;
	pool->balancer = kind;
	pool_report_pool(pool, &(struct pool_change){
				       .type = "pool.balancer",
				       .level = LOG_INFO,
				       .before = balancer_name(before),
				       .after = balancer_name(kind),
				       .reason = reason,
				       .now_us = now_us,
			       });
}

static bool has_stale(const struct pool *pool, const struct endpoint *endpoint)
{
	list_each(&pool->states[CONNECTION_READY], node) {
		const struct connection *connection =
			list_entry(node, struct connection, state_link);

		if (connection->endpoint == endpoint && connection->stale && !connection->dedicated)
			return true;
	}
	return false;
}

/* Whether one of its ready connections may go. Where it is itself among those that carry the
 * traffic, there must be one more. One that is drained keeps all it has but for stale ones, of
 * which the last waits for another; of one that is to have none, none is waited for. */
static bool has_surplus(const struct pool *pool, const struct endpoint *endpoint)
{
	size_t carry_at_least = pool->size;

	if (endpoint->wish == WISH_DRAIN)
		return pool->renewing && endpoint->ready > 1 && has_stale(pool, endpoint);
	if (!endpoint_serves(endpoint))
		return endpoint->ready > 0;
	if (pool->settings->tunnels)
		return endpoint->ready > endpoint->desired;
	if (pool_carries(pool, endpoint))
		carry_at_least++;
	return endpoint->ready > endpoint->desired && pool->ready_count >= carry_at_least;
}

static bool any_has_surplus(const struct pool *pool)
{
	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (has_surplus(pool, pool->endpoints[i]))
			return true;
	return false;
}

/* Why one of its connections goes. */
static const char *reason_to_go(const struct endpoint *endpoint,
				const struct connection *connection)
{
	switch (endpoint->wish) {
	case WISH_MAINT:
		return "maint";
	case WISH_REMOVE:
		return "remove";
	default:
		return connection->stale ? "renewal" : "surplus";
	}
}

/* Stale ones first, and the source of pushes last; then who has the least to do or to move
 * elsewhere; of equals the youngest, which may still be coming up to its share. */
static bool goes_before(const struct connection *a, const struct connection *b)
{
	if (a->stale != b->stale)
		return a->stale;
	if (a->push_source != b->push_source)
		return b->push_source;
	if (a->in_flight != b->in_flight)
		return a->in_flight < b->in_flight;
	if (a->feeds.count != b->feeds.count)
		return a->feeds.count < b->feeds.count;
	return a->ready_at_us > b->ready_at_us;
}

/* A connection for pushes alone that is on an endpoint that the operator wants none on, or was
 * replaced. */
static struct connection *needless_dedicated(const struct pool *pool)
{
	struct connection *stale = NULL;
	bool fresh = false;

	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (!connection->dedicated)
			continue;
		if (!endpoint_serves(connection->endpoint))
			return connection;
		if (connection->stale)
			stale = connection;
		else
			fresh = true;
	}
	return fresh ? stale : NULL;
}

struct connection *pool_next_surplus(struct pool *pool, uint64_t now_us)
{
	struct connection *idlest = NULL;

	idlest = needless_dedicated(pool);
	if (!idlest && !any_has_surplus(pool))
		return NULL;
	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (idlest && (idlest->dedicated || !goes_before(connection, idlest)))
			continue;
		if (!connection->dedicated && has_surplus(pool, connection->endpoint))
			idlest = connection;
	}
	assert(idlest);
	idlest->farewell = reason_to_go(idlest->endpoint, idlest);
	pool_connection_drain(idlest, now_us);
	return idlest;
}

struct connection *pool_next_excess(struct pool *pool)
{
	static const enum connection_state unfinished[] = {CONNECTION_DIALING, CONNECTION_WARMING};

	for (size_t i = 0; i < 2; i++) {
		list_each(&pool->states[unfinished[i]], node) {
			struct connection *connection =
				list_entry(node, struct connection, state_link);
			struct endpoint *endpoint = connection->endpoint;

			if (endpoint->down ||
			    endpoint->open <= endpoint->desired + endpoint->extra ||
			    connection->farewell || connection->doom || connection->dedicated)
				continue;
			connection->farewell = reason_to_go(endpoint, connection);
			endpoint->open--;
			return connection;
		}
	}
	return NULL;
}
