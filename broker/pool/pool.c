#include "broker/pool/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "broker/pool/dial.h"
#include "broker/pool/lease.h"
#include "broker/pool/spread.h"
#include "broker/pool/states.h"

/* Room for one more endpoint. */
static enum wsb_err reserve_endpoint(struct pool *pool)
{
	size_t capacity = pool->endpoint_capacity ? pool->endpoint_capacity * 2 : 4;
	struct endpoint **endpoints;
	struct spread_row *spread;

	if (pool->endpoint_count < pool->endpoint_capacity)
		return WSB_OK;
	endpoints = realloc(pool->endpoints, capacity * sizeof(struct endpoint *));
	if (!endpoints)
		return WSB_ENOMEM;
	pool->endpoints = endpoints;
	spread = realloc(pool->spread, capacity * sizeof(*spread));
	if (!spread)
		return WSB_ENOMEM;
	pool->spread = spread;
	pool->endpoint_capacity = capacity;
	return WSB_OK;
}

static enum wsb_err append_endpoint(struct pool *pool, const struct endpoint_settings *settings,
				    uint64_t now_us)
{
	struct endpoint *endpoint;

	if (reserve_endpoint(pool))
		return WSB_ENOMEM;
	endpoint = endpoint_create(pool, settings, now_us);
	if (!endpoint)
		return WSB_ENOMEM;
	endpoint->index = pool->endpoint_count;
	pool->endpoints[pool->endpoint_count++] = endpoint;
	return WSB_OK;
}

enum wsb_err pool_add_endpoint(struct pool *pool, const struct endpoint_settings *settings,
			       uint64_t now_us)
{
	enum wsb_err err;

	if (pool_find_endpoint(pool, settings->name))
		return WSB_EEXIST;
	err = append_endpoint(pool, settings, now_us);
	if (!err)
		pool_upkeep(pool, now_us);
	return err;
}

struct endpoint *pool_find_endpoint(const struct pool *pool, const char *name)
{
	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (strcmp(pool->endpoints[i]->settings->name, name) == 0)
			return pool->endpoints[i];
	return NULL;
}

static enum wsb_err init_endpoints(struct pool *pool, uint64_t now_us)
{
	pool->tier = UINT32_MAX;
	for (size_t i = 0; i < pool->settings->endpoint_count; i++) {
		const struct endpoint_settings *settings = &pool->settings->endpoints[i];

		if (append_endpoint(pool, settings, now_us))
			return WSB_ENOMEM;
		if (settings->tier < pool->tier)
			pool->tier = settings->tier;
	}
	return WSB_OK;
}

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
	pool->settings = settings;
	pool->log = log;
	pool->outboxes = outboxes;
	pool->next_connection_id = next_connection_id;
	pool->size = settings->size;
	pool->balancer = settings->balancer;
	pool->ready_capacity = settings->size + settings->endpoint_count;
	pool->ready = calloc(pool->ready_capacity, sizeof(struct connection *));
	rng_init(&pool->rng, seed);
	if (!pool->ready || init_endpoints(pool, now_us)) {
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
	for (size_t state = 0; state < CONNECTION_STATES; state++)
		list_each(&pool->states[state], node)
			connection_free(list_entry(node, struct connection, state_link));
	for (size_t i = 0; i < pool->endpoint_count; i++)
		endpoint_destroy(pool->endpoints[i]);
	free(pool->ready);
	free(pool->spread);
	free(pool->endpoints);
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

void pool_upkeep(struct pool *pool, uint64_t now_us)
{
	prove_connections(pool, now_us);
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint *endpoint = pool->endpoints[i];

		pool->spread[i] = (struct spread_row){.weight = endpoint->weight,
						      .tier = endpoint->settings->tier,
						      .down = endpoint->down};
	}
	spread_compute(pool->spread, pool->endpoint_count, pool->size);
	for (size_t i = 0; i < pool->endpoint_count; i++)
		pool->endpoints[i]->desired = pool->spread[i].desired;
	pool_refresh_ready(pool, now_us);
}

/* Whether one of its ready connections may go. In the tier in use it is itself among those that
 * carry the traffic, so there must be one more. */
static bool has_surplus(const struct pool *pool, const struct endpoint *endpoint)
{
	size_t carry_at_least = pool->size;

	if (endpoint->settings->tier == pool->tier)
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

struct connection *pool_next_surplus(struct pool *pool, uint64_t now_us)
{
	struct connection *idlest = NULL;

	if (!any_has_surplus(pool))
		return NULL;
	list_each(&pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (idlest && connection->in_flight >= idlest->in_flight)
			continue;
		if (has_surplus(pool, connection->endpoint))
			idlest = connection;
	}
	assert(idlest);
	pool_connection_drain(idlest, now_us);
	return idlest;
}

void pool_reap(struct pool *pool)
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
}
