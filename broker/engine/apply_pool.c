/* Commands about a whole pool. */
#include "broker/engine/apply_parts.h"

#include <inttypes.h>
#include <stdio.h>

#include "broker/engine/operate.h"
#include "broker/engine/pause.h"

static void accept(const struct application *application, const char *text)
{
	apply_conclude(application, OUTCOME_ACCEPTED, "%s", text);
	application->outcome->operation =
		operate_begin(application->engine, application->command, NULL, application->now_us);
}

/* What all pools may want at once: their connections, and one more for each endpoint that is not
 * well. */
static size_t connections_wanted(const struct engine *engine)
{
	size_t wanted = 0;

	for (size_t i = 0; i < engine->lane_count; i++) {
		const struct pool *pool = engine->lanes[i]->pool;

		wanted += pool->size + pool->endpoint_count;
	}
	return wanted;
}

/* Whether the pool may have this size. False: it has been said why not. */
static bool resize_is_possible(const struct application *application, const struct lane *lane)
{
	const struct pool *pool = lane->pool;
	const struct command *command = application->command;
	int64_t size = command->number;
	/* The bounds that go with it have been rehearsed, too. */
	int64_t max = command->rehearsal && command->max > 0 ? command->max : lane->size_max;
	size_t allowed = application->engine->ports->connections_max;
	size_t others = connections_wanted(application->engine) - pool->size;

	if (size < 1) {
		apply_conclude(application, OUTCOME_INVALID,
			       "a pool has at least 1 connection: `pool pause` stops its traffic");
		return false;
	}
	if (size > max) {
		apply_conclude(application, OUTCOME_INVALID,
			       "%" PRId64 " is above %" PRId64 ", the most that pool %s may have%s",
			       size, max, pool->settings->name,
			       pool->settings->autoscale.enabled ? " (autoscale.max)" : "");
		return false;
	}
	if (allowed > 0 && (size_t)size > pool->size && others + (size_t)size > allowed) {
		apply_conclude(application, OUTCOME_INVALID,
			       "%" PRId64 " and the %zu that the pools need besides are above the "
			       "%zu connections that open files allow: raise the limit of open "
			       "files (ulimit -n, LimitNOFILE)",
			       size, others, allowed);
		return false;
	}
	return true;
}

static void apply_resize(const struct application *application, struct lane *lane)
{
	struct pool *pool = lane->pool;
	char text[128];

	if (!resize_is_possible(application, lane) || application->command->rehearsal)
		return;
	snprintf(text, sizeof(text), "pool %s goes from %u to %" PRId64 " connections%s",
		 pool->settings->name, pool->size, application->command->number,
		 pool->settings->autoscale.enabled ? " and stays there until `pool unpin`" : "");
	lane->pinned = pool->settings->autoscale.enabled;
	pool_resize(pool, (uint32_t)application->command->number, "asked", "", application->now_us);
	accept(application, text);
}

static void apply_bounds(const struct application *application, struct lane *lane)
{
	const struct command *command = application->command;
	struct pool *pool = lane->pool;
	int64_t min = command->min == COMMAND_KEEP ? lane->size_min : command->min;
	int64_t max = command->max == COMMAND_KEEP ? lane->size_max : command->max;
	char before[48], after[48];

	if (!pool->settings->autoscale.enabled) {
		apply_conclude(application, OUTCOME_CONFLICT,
			       "pool %s has no `autoscale`: its size does not follow its load",
			       pool->settings->name);
		return;
	}
	if (min < 1 || min > max || max > POOL_SIZE_MAX) {
		apply_conclude(application, OUTCOME_INVALID,
			       "the bounds must be 1 <= min <= max <= %d", POOL_SIZE_MAX);
		return;
	}
	if (command->rehearsal)
		return;
	snprintf(before, sizeof(before), "%u..%u", lane->size_min, lane->size_max);
	snprintf(after, sizeof(after), "%" PRId64 "..%" PRId64, min, max);
	lane->size_min = (uint32_t)min;
	lane->size_max = (uint32_t)max;
	pool_report_pool(pool, &(struct pool_change){.type = "pool.bounds",
						     .level = LOG_INFO,
						     .before = before,
						     .after = after,
						     .reason = "asked",
						     .now_us = application->now_us});
	if (pool->size > lane->size_max)
		pool_resize(pool, lane->size_max, "bounds", "", application->now_us);
	apply_conclude(application, OUTCOME_DONE, "pool %s has %s connections",
		       pool->settings->name, after);
}

static void apply_unpin(const struct application *application, struct lane *lane)
{
	const char *name = lane->pool->settings->name;

	if (!lane->pinned) {
		apply_conclude(application, OUTCOME_DONE, "the size of pool %s is not pinned",
			       name);
		return;
	}
	lane->pinned = false;
	pool_report_pool(lane->pool, &(struct pool_change){.type = "pool.unpinned",
							   .level = LOG_INFO,
							   .before = "pinned",
							   .after = "autoscaled",
							   .reason = "asked",
							   .now_us = application->now_us});
	apply_conclude(application, OUTCOME_DONE, "the size of pool %s follows its load again",
		       name);
}

static void apply_balancer(const struct application *application, struct pool *pool)
{
	enum balancer_kind kind;

	if (!balancer_kind_named(application->command->text, &kind)) {
		apply_conclude(application, OUTCOME_INVALID,
			       "a balancer is round-robin, least-connections, random or peak-ewma");
		return;
	}
	if (application->command->rehearsal)
		return;
	apply_conclude(application, OUTCOME_DONE, "pool %s balances by %s", pool->settings->name,
		       balancer_name(kind));
	pool_set_balancer(pool, kind, "asked", application->now_us);
}

static void apply_reconnect(const struct application *application, struct pool *pool)
{
	char text[128];

	if (pool->settings->tunnels) {
		apply_conclude(application, OUTCOME_CONFLICT,
			       "pool %s carries sessions, each on a connection of its own: drain "
			       "its endpoints instead",
			       pool->settings->name);
		return;
	}
	pool_renew(pool, application->now_us);
	pool_report_pool(pool, &(struct pool_change){.type = "pool.reconnect",
						     .level = LOG_INFO,
						     .reason = "asked",
						     .now_us = application->now_us});
	snprintf(text, sizeof(text), "pool %s replaces %zu connections", pool->settings->name,
		 pool->states[CONNECTION_READY].count);
	accept(application, text);
}

static void apply_pause(const struct application *application, struct lane *lane)
{
	uint64_t timeout_us = application->command->timeout_us;

	if (application->engine->draining) {
		apply_conclude(application, OUTCOME_CONFLICT,
			       "the broker drains: what waits has to be answered");
		return;
	}
	lane->pause_until_us = timeout_us > 0 ? application->now_us + timeout_us : 0;
	pause_begin(lane, application->now_us);
	accept(application, "new requests wait until `pool resume`");
}

static void apply_resume(const struct application *application, struct lane *lane)
{
	const char *name = lane->pool->settings->name;

	if (!lane->paused) {
		apply_conclude(application, OUTCOME_DONE, "pool %s is not paused", name);
		return;
	}
	operate_cancel(application->engine, application->command, COMMAND_POOL_PAUSE);
	pause_end(application->engine, lane, "asked", application->now_us);
	apply_conclude(application, OUTCOME_DONE, "pool %s is running", name);
}

void apply_to_pool(const struct application *application, struct lane *lane)
{
	switch (application->command->kind) {
	case COMMAND_POOL_RESIZE:
		apply_resize(application, lane);
		return;
	case COMMAND_POOL_BOUNDS:
		apply_bounds(application, lane);
		return;
	case COMMAND_POOL_UNPIN:
		apply_unpin(application, lane);
		return;
	case COMMAND_POOL_BALANCER:
		apply_balancer(application, lane->pool);
		return;
	case COMMAND_POOL_RECONNECT:
		apply_reconnect(application, lane->pool);
		return;
	case COMMAND_POOL_PAUSE:
		apply_pause(application, lane);
		return;
	case COMMAND_POOL_RESUME:
		apply_resume(application, lane);
		return;
	default:
		apply_conclude(application, OUTCOME_INVALID, "%s is not about a pool",
			       command_name(application->command->kind));
		return;
	}
}
