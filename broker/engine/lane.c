#include "broker/engine/lane.h"

#include <stdlib.h>
#include <string.h>

const char *engine_newest_endpoint(const struct engine *engine, const char *pool)
{
	const struct lane *lane = lane_named(engine, pool);

	if (!lane || lane->pool->endpoint_count == 0)
		return "";
	return lane->pool->endpoints[lane->pool->endpoint_count - 1]->settings->name;
}

static void lane_bound(struct lane *lane, const struct pool_settings *settings)
{
	lane->size_min = settings->autoscale.enabled ? settings->autoscale.min : 1;
	lane->size_max = settings->autoscale.enabled ? settings->autoscale.max : POOL_SIZE_MAX;
	lane->pinned = settings->autoscale.enabled && settings->autoscale.pinned;
}

enum wsb_err lane_create(struct lane **out, struct engine *engine, const struct config *config,
			 size_t pool, uint64_t now_us)
{
	const struct pool_settings *settings = &config->pools[pool];
	struct lane *lane = calloc(1, sizeof(*lane));

	*out = NULL;
	if (!lane)
		return WSB_ENOMEM;
	lane_bound(lane, settings);
	fairqueue_init(&lane->queue, settings->queue.requests, settings->queue.bytes);
	fairparty_init(&lane->orphans);
	retry_budget_init(&lane->retries, settings->retry.budget, settings->retry.per_second,
			  now_us);
	histogram_init(&lane->traffic.duration);
	histogram_init(&lane->traffic.attempt);
	histogram_init(&lane->traffic.queue_wait);
	if (pool_create(&lane->pool, settings, engine->log, &engine->connection_outboxes,
			&engine->next_connection_id, rng_next(&engine->rng), now_us)) {
		free(lane);
		return WSB_ENOMEM;
	}
	lane->pool->watcher = &engine->watcher;
	lane->config = config_hold(config);
	*out = lane;
	return WSB_OK;
}

struct lane *lane_named(const struct engine *engine, const char *name)
{
	for (size_t i = 0; name && i < engine->lane_count; i++)
		if (strcmp(engine->lanes[i]->pool->settings->name, name) == 0)
			return engine->lanes[i];
	return NULL;
}

void lane_obey(struct lane *lane, const struct config *config, size_t pool, uint64_t now_us)
{
	const struct pool_settings *settings = &config->pools[pool];

	lane->queue.count_max = settings->queue.requests;
	lane->queue.bytes_max = settings->queue.bytes;
	lane->retries.budget = settings->retry.budget;
	lane->retries.per_second = settings->retry.per_second;
	lane->retiring = false;
	lane_bound(lane, settings);
	/* What the load had made of it counts no more. */
	if (lane->pinned)
		pool_resize(lane->pool, settings->size, "reload", "", now_us);
	if (lane->pool->size > lane->size_max)
		pool_resize(lane->pool, lane->size_max, "reload", "", now_us);
	config_release(lane->config);
	lane->config = config_hold(config);
}

bool lane_retire(struct lane *lane, uint64_t now_us)
{
	struct pool *pool = lane->pool;

	if (lane->queue.count > 0 || pool->in_flight > 0 || pool->tunnels.count > 0)
		return false;
	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (pool->endpoints[i]->wish != WISH_REMOVE)
			pool_set_wish(pool->endpoints[i], WISH_REMOVE, "reload", now_us);
	return pool->connections == 0 && pool->endpoint_count == 0;
}

void lane_destroy(struct lane *lane)
{
	if (!lane)
		return;
	pool_destroy(lane->pool);
	config_release(lane->config);
	free(lane);
}
