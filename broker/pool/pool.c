#include "broker/pool/pool.h"

#include <assert.h>
#include <stdlib.h>
#include "broker/pool/dial.h"
#include "broker/pool/handover.h"
#include "broker/pool/health.h"
#include "broker/pool/lease.h"
#include "broker/pool/members.h"
#include "broker/pool/spread.h"
#include "broker/pool/standing.h"
#include "broker/pool/states.h"

enum wsb_err pool_create(struct pool **out, const struct pool_settings *settings, struct log *log,
			 struct outbox_pool *outboxes, uint64_t *next_connection_id, uint64_t seed,
			 uint64_t now_us)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	*out = NULL;
	if (!pool)
		return WSB_ENOMEM;
	for (size_t i = 0; i < CONNECTION_STATES; i++)
		list_init(&pool->states[i]);
	list_init(&pool->tunnels);
	list_init(&pool->handovers);
	pool->settings = settings;
	pool->log = log;
	pool->outboxes = outboxes;
	pool->next_connection_id = next_connection_id;
	pool->size = settings->size;
	pool->balancer = settings->balancer;
	pool->ready_capacity = settings->size + settings->endpoint_count;
	pool->ready = calloc(pool->ready_capacity, sizeof(struct connection *));
	rng_init(&pool->rng, seed);
	if (!pool->ready || members_init(pool, now_us)) {
		pool_destroy(pool);
		return WSB_ENOMEM;
	}
	pool_begin_pace(pool, now_us);
	pool_upkeep(pool, now_us);
	*out = pool;
	return WSB_OK;
}

void pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	assert(list_is_empty(&pool->tunnels));
	list_each(&pool->handovers, node)
		handover_end(list_entry(node, struct handover, link));
	for (size_t state = 0; state < CONNECTION_STATES; state++)
		list_each(&pool->states[state], node)
			connection_free(list_entry(node, struct connection, state_link));
	members_fini(pool);
	free(pool->ready);
	free(pool);
}

/* They became ready in the order of the list, so the ones not yet proven stand at its end. */
static void prove_connections(struct pool *pool, uint64_t now_us)
{
	struct list *ready = &pool->states[CONNECTION_READY];
	struct list_node *node = ready->head.prev;

	while (node != &ready->head && !list_entry(node, struct connection, state_link)->proven)
		node = node->prev;
	for (node = node->next; node != &ready->head; node = node->next)
		if (!connection_prove(list_entry(node, struct connection, state_link), now_us))
			break;
}

/* share: what the spread gives it. One that is drained stays connected, and is probed; a pool of
 * tunnels only asks whether one that is down is back. */
static uint32_t desired_of(const struct endpoint *endpoint, uint32_t share)
{
	bool wanted = endpoint_serves(endpoint) || endpoint->wish == WISH_DRAIN;

	if (endpoint->pool->settings->tunnels)
		return wanted && endpoint->down;
	return endpoint_serves(endpoint) ? share : wanted;
}

/* Whether its share of the connections goes to the others. In panic nobody can be spared. */
static bool is_out(const struct pool *pool, const struct endpoint *endpoint)
{
	if (endpoint->down || !endpoint_serves(endpoint))
		return true;
	return !endpoint_is_well(endpoint) &&
	       !(pool->panic && endpoint->settings->tier == pool->tier);
}

/* Where a connection is to be replaced, one more is wanted until it is there. */
static void renew_stale(struct pool *pool, uint64_t now_us)
{
	if (pool->settings->max_age_us == 0 && !pool->renewing)
		return;
	pool->renewing = false;
	for (size_t i = 0; i < pool->endpoint_count; i++)
		pool->endpoints[i]->extra = 0;
	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->stale_us && now_us >= connection->stale_us)
			connection->stale = true;
		/* The one for pushes alone is counted by nobody: see pool_next_dial. */
		if (!connection->stale || connection->dedicated)
			continue;
		connection->endpoint->extra = 1;
		pool->renewing = true;
	}
}

void pool_renew(struct pool *pool, uint64_t now_us)
{
	list_each(&pool->states[CONNECTION_READY], node)
		list_entry(node, struct connection, state_link)->stale = true;
	pool->renewing = true;
	pool_upkeep(pool, now_us);
}

void pool_upkeep(struct pool *pool, uint64_t now_us)
{
	prove_connections(pool, now_us);
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint *endpoint = pool->endpoints[i];

		pool->spread[i] = (struct spread_row){.weight = endpoint->weight,
						      .tier = endpoint->settings->tier,
						      .down = is_out(pool, endpoint)};
	}
	spread_compute(pool->spread, pool->endpoint_count, pool->size);
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		endpoint->desired = desired_of(endpoint, pool->spread[i].desired);
	}
	pool_refresh_ready(pool, now_us);
	renew_stale(pool, now_us);
	for (size_t i = 0; i < pool->endpoint_count; i++)
		standing_review(pool->endpoints[i], now_us);
}

bool pool_has_waste(const struct pool *pool)
{
	if (!list_is_empty(&pool->states[CONNECTION_CLOSED]))
		return true;
	for (size_t i = 0; pool->removing > 0 && i < pool->endpoint_count; i++)
		if (pool->endpoints[i]->wish == WISH_REMOVE &&
		    endpoint_is_empty(pool->endpoints[i]))
			return true;
	return false;
}

void pool_reap(struct pool *pool, uint64_t now_us)
{
	list_each(&pool->states[CONNECTION_CLOSED], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->transport)
			continue;
		assert(list_is_empty(&connection->attempts));
		assert(list_is_empty(&connection->clients));
		assert(connection->in_flight == 0);
		connection_free(connection);
	}
	members_reap(pool, now_us);
}
