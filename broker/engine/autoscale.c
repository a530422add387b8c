#include "broker/engine/autoscale.h"

#include <stdio.h>

static void autoscale_resize(struct engine *engine, struct lane *lane,
			     const struct scaler_decision *decision,
			     const struct scaler_bounds *bounds, uint64_t now_us)
{
	struct pool *pool = lane->pool;
	char *inputs = lane->scaled_why;

	snprintf(inputs, sizeof(lane->scaled_why),
		 "%s: in_flight=%.1f queued=%.1f utilisation=%.2f target=%.2f peak=%.1f "
		 "ready=%zu min=%u max=%u",
		 scaler_why_name(decision->why), decision->in_flight, decision->queued,
		 decision->utilisation, bounds->target, decision->peak, pool->ready_count,
		 bounds->min, bounds->max);
	if (decision->size > pool->size)
		lane->scaled_up++;
	else
		lane->scaled_down++;
	lane->scaled_size = decision->size;
	lane->scaled_wall_us = engine->ports->wall_us(engine->ports->io);
	engine->actor = AUTOSCALER;
	pool_resize(pool, decision->size, "autoscale", inputs, now_us);
	engine->actor = NULL;
}

void autoscale_step(struct engine *engine, struct lane *lane, uint64_t now_us)
{
	struct pool *pool = lane->pool;
	const struct autoscale_settings *settings = &pool->settings->autoscale;
	struct scaler_bounds bounds = {
		.min = lane->size_min,
		.max = lane->size_max,
		.target = settings->target,
		.max_in_flight = pool->settings->max_in_flight,
		.cool_down_us = settings->cool_down_us,
	};
	struct scaler_decision decision;

	if (!settings->enabled || pool->settings->tunnels)
		return;
	/* What an operator has set, and a time that says nothing of the load. */
	if (lane->pinned || lane->paused || engine->draining) {
		scaler_reset(&lane->scaler, now_us);
		return;
	}
	scaler_sample(&lane->scaler, pool->in_flight, lane->queue.count, now_us);
	if (!scaler_decide(&lane->scaler, &bounds, pool->size, pool->ready_count, now_us,
			   &decision))
		return;
	if (decision.why != SCALER_STAY)
		autoscale_resize(engine, lane, &decision, &bounds, now_us);
}
