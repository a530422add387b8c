#include "broker/admin/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "common/clock.h"

/* A request that waits this long shows that the pool is too small or too slow. */
#define WAIT_WORTH_TELLING_US US_PER_S
/* So many in a row are no accident. */
#define UNANSWERED_WORTH_TELLING 10
#define LAG_WORTH_TELLING_US	 (100 * US_PER_MS)

/* How much worse one thing is than another. */
enum {
	SEVERITY_LAG = 10,
	SEVERITY_BUFFERS = 20,
	SEVERITY_CLIENTS = 30,
	SEVERITY_CONNECTIONS = 40,
	SEVERITY_TRIAL = 45,
	SEVERITY_ENDPOINT = 50,
	SEVERITY_QUEUE = 60,
	SEVERITY_PANIC = 65,
	SEVERITY_READINESS = 70,
	SEVERITY_POOL = 80,
	SEVERITY_DRAIN = 90,
};

static const char show_pools[] = "wsbroker pools";
static const char show_endpoints[] = "wsbroker endpoints";
static const char show_connections[] = "wsbroker connections";
static const char show_status[] = "wsbroker status -o json";

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

/* Keeps the order: worst first, equals as they came; the least bad one falls out when it is full.
 */
__attribute__((format(printf, 4, 5))) static void add_reason(struct verdict *verdict,
							     unsigned int severity,
							     const char *command,
							     const char *format, ...)
{
	size_t at = verdict->count;
	va_list args;

	while (at > 0 && verdict->reasons[at - 1].severity < severity)
		at--;
	if (at == VERDICT_REASONS_MAX)
		return;
	if (verdict->count < VERDICT_REASONS_MAX)
		verdict->count++;
	memmove(&verdict->reasons[at + 1], &verdict->reasons[at],
		(verdict->count - at - 1) * sizeof(verdict->reasons[0]));
	verdict->reasons[at].severity = severity;
	snprintf(verdict->reasons[at].command, sizeof(verdict->reasons[at].command), "%s", command);
	va_start(args, format);
	vsnprintf(verdict->reasons[at].text, sizeof(verdict->reasons[at].text), format, args);
	va_end(args);
}

static double seconds(uint64_t us)
{
	return (double)us / (double)US_PER_S;
}

/* Without those of higher tiers, which the size does not count, and of who carries nothing. */
static uint32_t ready_in_use(const struct pool_view *pool)
{
	uint32_t ready = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint_view *endpoint = &pool->endpoints[i];

		if (strcmp(endpoint->state, "standby") != 0 && (endpoint->well || pool->panic))
			ready += endpoint->ready;
	}
	return ready;
}

static bool is_in_state(const struct endpoint_view *endpoint, const char *state)
{
	return strcmp(endpoint->state, state) == 0;
}

/* What its failures have come to; false: nothing. */
static bool judge_health(const struct pool_view *pool, const struct endpoint_view *endpoint,
			 const char *command, struct verdict *verdict)
{
	const char *name = endpoint->name;

	if (is_in_state(endpoint, "ejected"))
		add_reason(verdict, SEVERITY_ENDPOINT, command,
			   "endpoint %s/%s is ejected (%s), tried again in %.0f s: %s", pool->name,
			   name, endpoint->reason, seconds(endpoint->out_us), endpoint->finding);
	else if (is_in_state(endpoint, "trial"))
		add_reason(verdict, SEVERITY_TRIAL, command,
			   "endpoint %s/%s was ejected and is being tried: %s", pool->name, name,
			   endpoint->finding);
	else if (is_in_state(endpoint, "unhealthy"))
		add_reason(verdict, SEVERITY_ENDPOINT, command,
			   "endpoint %s/%s fails its probes: %s", pool->name, name,
			   endpoint->finding);
	else if (endpoint->silent)
		add_reason(verdict, SEVERITY_ENDPOINT, command,
			   "endpoint %s/%s is connected, but answers nothing", pool->name, name);
	else if (endpoint->held)
		add_reason(verdict, SEVERITY_ENDPOINT, command,
			   "endpoint %s/%s fails (%.0f %% answered), and is only not ejected "
			   "because of ejection.max_ejected",
			   pool->name, name, 100 * endpoint->success);
	else
		return false;
	return true;
}

static void judge_endpoint(const struct pool_view *pool, const struct endpoint_view *endpoint,
			   struct verdict *verdict)
{
	bool quiet = !endpoint->last_error || !endpoint->last_error[0];
	char command[192];

	snprintf(command, sizeof(command), "wsbroker endpoint drain %s/%s", pool->name,
		 endpoint->name);
	if (judge_health(pool, endpoint, command, verdict))
		return;
	if (is_in_state(endpoint, "down"))
		add_reason(verdict, SEVERITY_ENDPOINT, show_endpoints,
			   "endpoint %s/%s has been down for %.0f s%s%s", pool->name,
			   endpoint->name, seconds(endpoint->since_us), quiet ? "" : ": ",
			   quiet ? "" : endpoint->last_error);
	else if (endpoint->unanswered >= UNANSWERED_WORTH_TELLING)
		add_reason(verdict, SEVERITY_ENDPOINT, command,
			   "endpoint %s/%s is connected, but has answered none of its last %u "
			   "requests",
			   pool->name, endpoint->name, (unsigned int)endpoint->unanswered);
}

static bool has_endpoint_up(const struct pool_view *pool)
{
	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (strcmp(pool->endpoints[i].state, "active") == 0)
			return true;
	return false;
}

/* It holds no connection without a client, so that having none says nothing. */
static void judge_tunnels(const struct pool_view *pool, struct verdict *verdict)
{
	if (!has_endpoint_up(pool))
		add_reason(verdict, SEVERITY_POOL, show_pools, "pool %s has no endpoint that is up",
			   pool->name);
	else if (pool->ready >= pool->size)
		add_reason(verdict, SEVERITY_CONNECTIONS, show_connections,
			   "pool %s carries as many clients as its size allows: %u", pool->name,
			   (unsigned int)pool->size);
}

static void judge_pool(const struct pool_view *pool, struct verdict *verdict)
{
	uint32_t ready = ready_in_use(pool);

	if (pool->tunnels)
		judge_tunnels(pool, verdict);
	else if (pool->ready == 0)
		add_reason(verdict, SEVERITY_POOL, show_pools, "pool %s has no ready connection",
			   pool->name);
	else if (ready < pool->size)
		add_reason(verdict, SEVERITY_CONNECTIONS, show_connections,
			   "pool %s has %u of %u connections ready", pool->name,
			   (unsigned int)ready, (unsigned int)pool->size);
	if (pool->panic)
		add_reason(verdict, SEVERITY_PANIC, show_endpoints,
			   "pool %s is in panic: fewer than half of its endpoints are healthy, so "
			   "all are used",
			   pool->name);
	if (pool->oldest_wait_us >= WAIT_WORTH_TELLING_US)
		add_reason(verdict, SEVERITY_QUEUE, show_pools,
			   "pool %s lets %zu requests wait, the longest for %.1f s", pool->name,
			   pool->queued, seconds(pool->oldest_wait_us));
	for (size_t i = 0; i < pool->endpoint_count; i++)
		judge_endpoint(pool, &pool->endpoints[i], verdict);
}

static void judge_instance(const struct snapshot *snapshot, struct verdict *verdict)
{
	if (snapshot->clients_max > 0 && snapshot->clients >= snapshot->clients_max / 20 * 19)
		add_reason(verdict, SEVERITY_CLIENTS, show_status,
			   "%zu of at most %zu clients are connected", snapshot->clients,
			   snapshot->clients_max);
	if (snapshot->buffer_bytes_max > 0 &&
	    snapshot->buffer_bytes >= snapshot->buffer_bytes_max / 5 * 4)
		add_reason(verdict, SEVERITY_BUFFERS, show_status,
			   "buffers hold %.0f %% of limits.memory",
			   100.0 * (double)snapshot->buffer_bytes /
				   (double)snapshot->buffer_bytes_max);
	if (snapshot->engine->loop_lag_us >= LAG_WORTH_TELLING_US)
		add_reason(verdict, SEVERITY_LAG, show_status,
			   "the event loop was %.3f s late: the processor is busy",
			   seconds(snapshot->engine->loop_lag_us));
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

		if (len > 0)
			add_reason(verdict, SEVERITY_READINESS, show_status, "%.*s",
				   (int)(len < 200 ? len : 200), line);
		line += line[len] ? len + 1 : len;
	}
}

static bool is_down(const struct snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->pool_count; i++) {
		const struct pool_view *pool = &snapshot->pools[i];

		if (pool->tunnels ? has_endpoint_up(pool) : pool->ready > 0)
			return false;
	}
	return true;
}

void verdict_reach(const struct snapshot *snapshot, struct verdict *out)
{
	out->count = 0;
	if (snapshot->draining)
		add_reason(out, SEVERITY_DRAIN, show_status,
			   "draining: %zu clients and %zu requests in flight are left",
			   snapshot->clients, snapshot->requests_in_flight);
	for (size_t i = 0; i < snapshot->pool_count; i++)
		judge_pool(&snapshot->pools[i], out);
	judge_instance(snapshot, out);
	judge_readiness(snapshot, out);
	if (snapshot->draining)
		out->kind = VERDICT_DRAINING;
	else if (is_down(snapshot))
		out->kind = VERDICT_DOWN;
	else
		out->kind = out->count > 0 ? VERDICT_DEGRADED : VERDICT_OK;
}
