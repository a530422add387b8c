#include "broker/engine/pause.h"

#include "broker/engine/dispatch.h"

static void pause_report(struct lane *lane, bool paused, const char *reason, uint64_t now_us)
{
	pool_report_pool(lane->pool, &(struct pool_change){
					     .type = paused ? "pool.paused" : "pool.resumed",
					     .level = LOG_INFO,
					     .before = paused ? "running" : "paused",
					     .after = paused ? "paused" : "running",
					     .reason = reason,
					     .now_us = now_us,
				     });
}

void pause_begin(struct lane *lane, uint64_t now_us)
{
	if (lane->paused)
		return;
	lane->paused = true;
	lane->paused_at_us = now_us;
	pause_report(lane, true, "asked", now_us);
}

/* When to look at one who waits: at the end of the queue's patience, or of its own deadline. */
static void pause_arm(struct engine *engine, struct exchange *exchange)
{
	uint64_t at_us = exchange->queue_until_us;

	if (!exchange->notification && exchange->deadline_us < at_us)
		at_us = exchange->deadline_us;
	timerq_arm(&engine->timers, &exchange->timer, at_us);
}

void pause_end(struct engine *engine, struct lane *lane, const char *reason, uint64_t now_us)
{
	if (!lane->paused)
		return;
	lane->paused = false;
	list_each(&lane->queue.by_age, node) {
		struct fairitem *item = list_entry(node, struct fairitem, age_link);
		struct exchange *exchange = list_entry(item, struct exchange, item);
		uint64_t since_us =
			item->since_us > lane->paused_at_us ? item->since_us : lane->paused_at_us;

		exchange->queue_until_us += now_us - since_us;
		if (exchange->notification)
			exchange->deadline_us += now_us - since_us;
		pause_arm(engine, exchange);
	}
	pause_report(lane, false, reason, now_us);
	dispatch_pump(engine, lane, now_us);
}

bool pause_prolongs(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	struct lane *lane = exchange->lane;
	uint64_t next_us = now_us + lane->pool->settings->queue.age_us;

	if (!lane->paused || exchange->state != EXCHANGE_QUEUED)
		return false;
	if (!exchange->notification && now_us >= exchange->deadline_us)
		return false;
	if (!exchange->notification && exchange->deadline_us < next_us)
		next_us = exchange->deadline_us;
	timerq_arm(&engine->timers, &exchange->timer, next_us);
	return true;
}
