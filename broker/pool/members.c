#include "broker/pool/members.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/pool/spread.h"

enum wsb_err members_reserve(struct pool *pool, size_t more)
{
	size_t capacity = pool->endpoint_capacity ? pool->endpoint_capacity : 4;
	struct endpoint **endpoints;
	struct spread_row *spread;

	if (pool->endpoint_count + more <= pool->endpoint_capacity)
		return WSB_OK;
	while (capacity < pool->endpoint_count + more)
		capacity *= 2;
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

static void append_endpoint(struct pool *pool, struct endpoint *endpoint)
{
	endpoint->index = pool->endpoint_count;
	pool->endpoints[pool->endpoint_count++] = endpoint;
}

void members_attach(struct pool *pool, struct endpoint *endpoint, const char *reason,
		    uint64_t now_us)
{
	append_endpoint(pool, endpoint);
	pool_report_endpoint(endpoint, &(struct pool_change){
					       .type = "endpoint.added",
					       .level = LOG_INFO,
					       .after = endpoint_state_name(ENDPOINT_CONNECTING),
					       .reason = reason,
					       .now_us = now_us,
				       });
}

enum wsb_err members_init(struct pool *pool, uint64_t now_us)
{
	pool->tier = UINT32_MAX;
	for (size_t i = 0; i < pool->settings->endpoint_count; i++) {
		const struct endpoint_settings *settings = &pool->settings->endpoints[i];

		struct endpoint *endpoint = NULL;

		if (!members_reserve(pool, 1))
			endpoint = endpoint_create(pool, settings, now_us);
		if (!endpoint)
			return WSB_ENOMEM;
		append_endpoint(pool, endpoint);
		if (settings->tier < pool->tier)
			pool->tier = settings->tier;
	}
	if (pool->settings->endpoint_count == 0)
		pool->tier = 1;
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
	struct endpoint *endpoint;

	if (pool_find_endpoint(pool, settings->name))
		return WSB_EEXIST;
	if (members_reserve(pool, 1))
		return WSB_ENOMEM;
	endpoint = endpoint_create(pool, settings, now_us);
	if (!endpoint)
		return WSB_ENOMEM;
	members_attach(pool, endpoint, "asked", now_us);
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
	struct pool *pool = endpoint->pool;

	snprintf(endpoint->words, sizeof(endpoint->words), "%s", words ? words : "");
	endpoint->cause = "asked";
	if (endpoint->wish != wish) {
		if (wish == WISH_REMOVE)
			pool->removing++;
		else if (endpoint->wish == WISH_REMOVE)
			pool->removing--;
		endpoint->wish = wish;
		pool->ready_stale = true;
	}
	pool_upkeep(pool, now_us);
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
	return pool->endpoint_count - pool->removing;
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
		pool->removing--;
	}
	if (kept == pool->endpoint_count)
		return;
	pool->endpoint_count = kept;
	pool->ready_stale = true;
	pool_upkeep(pool, now_us);
}
