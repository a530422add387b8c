#include "broker/admin/verdict.h"

#include <stdio.h>
#include <string.h>
#include "broker/admin/ailment.h"
#include "broker/admin/bus_ailment.h"
#include "broker/admin/reasons.h"
#include "common/clock.h"

/* A request that waits this long shows that the pool is too small or too slow. */
#define WAIT_WORTH_TELLING_US US_PER_S
#define LAG_WORTH_TELLING_US  (100 * US_PER_MS)

const char *verdict_name(enum verdict_kind kind)
{
	static const char *const names[] = {
		[VERDICT_OK] = "ok",
		[VERDICT_DEGRADED] = "degraded",
		[VERDICT_DOWN] = "down",
		[VERDICT_DRAINING] = "draining",
	};

	return names[kind];
}

static double seconds(uint64_t us)
{
	return (double)us / (double)US_PER_S;
}

/* Panic is news only where some could have been spared: of one alone, its own reason tells. */
static bool is_panic_news(const struct pool_view *pool)
{
	size_t in_use = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		in_use += pool->endpoints[i].tier == pool->tier &&
			  !ailment_stands_aside(&pool->endpoints[i]);
	return pool->panic && in_use > 1;
}

/* Without a connection: what stands aside could help; else what happened says most. */
static void judge_empty_pool(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason = reasons_add(verdict, SEVERITY_POOL);

	reason_say(reason, "pool %s has no ready connection", pool->name);
	reason_advise(reason, "wsbroker events --pool %s --since 10m", pool->name);
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		if (!ailment_stands_aside(&pool->endpoints[i]))
			continue;
		reason_advise(reason, "wsbroker endpoint ready %s/%s", pool->name,
			      pool->endpoints[i].name);
		return;
	}
}

/* Twice the size, where that is allowed. */
static void advise_growth(struct verdict_reason *reason, const struct pool_view *pool)
{
	uint32_t size = pool->size <= pool->size_max / 2 ? pool->size * 2 : pool->size_max;

	if (size > pool->size)
		reason_advise(reason, "wsbroker pool resize %s %u", pool->name, (unsigned int)size);
	else
		reason_advise(reason, "wsbroker endpoint add %s URL", pool->name);
}

static void judge_queue(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (pool->paused) {
		reason = reasons_add(verdict, SEVERITY_QUEUE);
		reason_say(reason, "pool %s has been paused for %.0f s; %zu requests wait",
			   pool->name, seconds(pool->paused_us), pool->queued);
		reason_advise(reason, "wsbroker pool resume %s", pool->name);
	} else if (pool->oldest_wait_us >= WAIT_WORTH_TELLING_US) {
		reason = reasons_add(verdict, SEVERITY_QUEUE);
		reason_say(reason, "pool %s lets %zu requests wait, the longest for %.1f s",
			   pool->name, pool->queued, seconds(pool->oldest_wait_us));
		advise_growth(reason, pool);
	}
}

static bool has_endpoint_up(const struct pool_view *pool)
{
	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (ailment_is_state(&pool->endpoints[i], "active"))
			return true;
	return false;
}

/* It holds no connection without a client, so that having none says nothing. */
static void judge_tunnels(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (!has_endpoint_up(pool)) {
		reason = reasons_add(verdict, SEVERITY_POOL);
		reason_say(reason, "pool %s has no endpoint that is up", pool->name);
		reason_advise(reason, "wsbroker events --pool %s --since 10m", pool->name);
	} else if (pool->ready >= pool->size) {
		reason = reasons_add(verdict, SEVERITY_CONNECTIONS);
		reason_say(reason, "pool %s carries as many clients as its size allows: %u",
			   pool->name, (unsigned int)pool->size);
		advise_growth(reason, pool);
	}
}

static void judge_connections(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (pool->ready == 0) {
		judge_empty_pool(pool, verdict);
	} else if (pool->ready < pool->size) {
		reason = reasons_add(verdict, SEVERITY_CONNECTIONS);
		reason_say(reason, "pool %s has %u of %u connections ready", pool->name,
			   (unsigned int)pool->ready, (unsigned int)pool->size);
		reason_advise(reason, "wsbroker endpoints --pool %s", pool->name);
	}
}

static void judge_pool(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason;
	struct usual usual;

	if (pool->tunnels)
		judge_tunnels(pool, verdict);
	else
		judge_connections(pool, verdict);
	if (is_panic_news(pool)) {
		reason = reasons_add(verdict, SEVERITY_PANIC);
		reason_say(reason,
			   "pool %s is in panic: fewer than half of its endpoints are healthy, so "
			   "all are "
			   "used",
			   pool->name);
		reason_advise(reason, "wsbroker endpoints --pool %s", pool->name);
	}
	judge_queue(pool, verdict);
	if (pool->autoscaled && pool->pinned) {
		reason = reasons_add(verdict, SEVERITY_ASKED);
		reason_say(reason, "the size of pool %s is pinned to %u", pool->name,
			   (unsigned int)pool->size);
		reason_advise(reason, "wsbroker pool unpin %s", pool->name);
	}
	ailment_usual(pool, &usual);
	for (size_t i = 0; i < pool->endpoint_count; i++)
		ailment_judge(pool, &pool->endpoints[i], &usual, verdict);
}

static void judge_instance(const struct snapshot *snapshot, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (snapshot->clients_max > 0 && snapshot->clients >= snapshot->clients_max / 20 * 19) {
		reason = reasons_add(verdict, SEVERITY_CLIENTS);
		reason_say(reason, "%zu of at most %zu clients are connected", snapshot->clients,
			   snapshot->clients_max);
		reason_advise(reason, "wsbroker config set limits.clients %zu",
			      2 * snapshot->clients_max);
	}
	if (snapshot->buffer_bytes_max > 0 &&
	    snapshot->buffer_bytes >= snapshot->buffer_bytes_max / 5 * 4) {
		reason = reasons_add(verdict, SEVERITY_BUFFERS);
		reason_say(reason, "buffers hold %.0f %% of limits.memory",
			   100.0 * (double)snapshot->buffer_bytes /
				   (double)snapshot->buffer_bytes_max);
		reason_advise(reason, "wsbroker clients --sort -outbox_bytes");
	}
	if (snapshot->engine->loop_lag_us >= LAG_WORTH_TELLING_US) {
		reason = reasons_add(verdict, SEVERITY_LAG);
		reason_say(reason, "the event loop was %.3f s late: the processor is busy",
			   seconds(snapshot->engine->loop_lag_us));
		reason_advise(reason, "wsbroker top");
	}
}

/* What would come to light at the next start. */
static void judge_configuration(const struct config_stats *config, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (config->state_error[0]) {
		reason = reasons_add(verdict, SEVERITY_STATE);
		reason_say(reason,
			   "the state file %s: what is changed at runtime does not outlive "
			   "a restart",
			   config->state_error);
		reason_advise(reason, "wsbroker config diff");
	}
	if (config->rejected > 0 && !config->successful) {
		reason = reasons_add(verdict, SEVERITY_FILE);
		reason_say(reason, "the configuration file was refused when it was last read");
		reason_advise(reason, "wsbroker config reload");
	}
}

/* What keeps /readyz from 200, where no pool or drain explains it. */
static void judge_readiness(const struct snapshot *snapshot, struct verdict *verdict)
{
	const char *line = snapshot->ready_reasons;

	if (snapshot->ready ||
	    (verdict->count > 0 && verdict->reasons[0].severity >= SEVERITY_POOL))
		return;
	while (*line) {
		size_t len = strcspn(line, "\n");

		if (len > 0) {
			struct verdict_reason *reason = reasons_add(verdict, SEVERITY_READINESS);

			reason_say(reason, "%.*s", (int)(len < 200 ? len : 200), line);
			reason_advise(reason, "wsbroker endpoints");
		}
		line += line[len] ? len + 1 : len;
	}
}

bool verdict_can_serve(const struct pool_view *pool)
{
	return pool->tunnels ? has_endpoint_up(pool) : pool->ready > 0;
}

static bool is_down(const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->pool_count; i++) {
		if (verdict_can_serve(&snapshot->pools[i]))
			return false;
	}
	return true;
}

void verdict_reach(const struct snapshot *snapshot, struct verdict *out)
{
	struct verdict_reason *reason;

	out->count = 0;
	if (snapshot->draining) {
		reason = reasons_add(out, SEVERITY_DRAIN);
		reason_say(reason, "draining: %zu clients and %zu requests in flight are left",
			   snapshot->clients, snapshot->requests_in_flight);
		reason_advise(reason, "wsbroker wait drained");
	}
	for (size_t i = 0; i < snapshot->pool_count; i++)
		judge_pool(&snapshot->pools[i], out);
	bus_ailment_judge(&snapshot->bus, out);
	judge_instance(snapshot, out);
	judge_configuration(&snapshot->config, out);
	judge_readiness(snapshot, out);
	if (snapshot->draining)
		out->kind = VERDICT_DRAINING;
	else if (is_down(snapshot))
		out->kind = VERDICT_DOWN;
	else
		out->kind = out->count > 0 && out->reasons[0].severity > SEVERITY_ASKED
				    ? VERDICT_DEGRADED
				    : VERDICT_OK;
}
