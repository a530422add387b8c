#include "broker/pool/members.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/pool/spread.h"

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

enum wsb_err members_init(struct pool *pool, uint64_t now_us)
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

void members_fini(struct pool *pool)
{
	for (size_t i = 0; i < pool->endpoint_count; i++)
		endpoint_destroy(pool->endpoints[i]);
	free(pool->spread);
	free(pool->endpoints);
}

enum wsb_err pool_add_endpoint(struct pool *pool, const struct endpoint_settings *settings,
			       uint64_t now_us)
{
	if (pool_find_endpoint(pool, settings->name))
		return WSB_EEXIST;
	if (append_endpoint(pool, settings, now_us))
		return WSB_ENOMEM;
	pool_report_endpoint(pool->endpoints[pool->endpoint_count - 1],
			     &(struct pool_change){
				     .type = "endpoint.added",
				     .level = LOG_INFO,
				     .after = endpoint_state_name(ENDPOINT_CONNECTING),
				     .reason = "asked",
				     .now_us = now_us,
			     });
	pool_upkeep(pool, now_us);
	return WSB_OK;
}

struct endpoint *pool_find_endpoint(const struct pool *pool, const char *name)
{
	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (strcmp(pool->endpoints[i]->settings->name, name) == 0)
			return pool->endpoints[i];
	return NULL;
}

void pool_set_wish(struct endpoint *endpoint, enum endpoint_wish wish, const char *words,
		   uint64_t now_us)
{
	snprintf(endpoint->words, sizeof(endpoint->words), "%s", words ? words : "");
	endpoint->cause = "asked";
	if (endpoint->wish != wish) {
		endpoint->wish = wish;
		endpoint->pool->ready_stale = true;
	}
	pool_upkeep(endpoint->pool, now_us);
}

void pool_set_weight(struct endpoint *endpoint, uint32_t weight, uint64_t now_us)
{
	char before[16], after[16];

	if (endpoint->weight == weight)
		return;
	snprintf(before, sizeof(before), "%" PRIu32, endpoint->weight);
	snprintf(after, sizeof(after), "%" PRIu32, weight);
	endpoint->weight = weight;
	pool_report_endpoint(endpoint, &(struct pool_change){
					       .type = "endpoint.weight",
					       .level = LOG_INFO,
					       .before = before,
					       .after = after,
					       .reason = "asked",
					       .now_us = now_us,
				       });
	pool_upkeep(endpoint->pool, now_us);
}

bool pool_can_do_without(const struct endpoint *endpoint)
{
	const struct pool *pool = endpoint->pool;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (pool->endpoints[i] != endpoint && endpoint_serves(pool->endpoints[i]) &&
		    endpoint_is_up(pool->endpoints[i]))
			return true;
	return false;
}

size_t pool_members(const struct pool *pool)
{
	size_t count = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		count += pool->endpoints[i]->wish != WISH_REMOVE;
	return count;
}

void members_reap(struct pool *pool, uint64_t now_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		if (endpoint->wish != WISH_REMOVE || !endpoint_is_empty(endpoint)) {
			endpoint->index = kept;
			pool->endpoints[kept++] = endpoint;
			continue;
		}
		pool_report_endpoint(endpoint,
				     &(struct pool_change){
					     .type = "endpoint.removed",
					     .level = LOG_INFO,
					     .before = endpoint_state_name(endpoint->state),
					     .reason = "asked",
					     .detail = endpoint->words,
					     .now_us = now_us,
				     });
		endpoint_destroy(endpoint);
	}
	if (kept == pool->endpoint_count)
		return;
	pool->endpoint_count = kept;
	pool->ready_stale = true;
	pool_upkeep(pool, now_us);
}
