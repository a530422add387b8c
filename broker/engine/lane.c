#include "broker/engine/lane.h"

#include <stdlib.h>

enum wsb_err lane_create(struct lane **out, struct engine *engine, const struct config *config,
			 size_t pool, uint64_t now_us)
{
	const struct pool_settings *settings = &config->pools[pool];
	struct lane *lane = calloc(1, sizeof(*lane));

	*out = NULL;
	if (!lane)
		return WSB_ENOMEM;
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

void lane_destroy(struct lane *lane)
{
	if (!lane)
		return;
	pool_destroy(lane->pool);
	config_release(lane->config);
	free(lane);
}
