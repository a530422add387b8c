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
	SEVERITY_ASKED = 5, /* an operator wanted it so: told, but nothing is wrong */
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
 * NULL: it did not get in. */
static struct verdict_reason *add_reason(struct verdict *verdict, unsigned int severity)
{
	size_t at = verdict->count;

	while (at > 0 && verdict->reasons[at - 1].severity < severity)
		at--;
	if (at == VERDICT_REASONS_MAX)
		return NULL;
	if (verdict->count < VERDICT_REASONS_MAX)
		verdict->count++;
	memmove(&verdict->reasons[at + 1], &verdict->reasons[at],
		(verdict->count - at - 1) * sizeof(verdict->reasons[0]));
	verdict->reasons[at] = (struct verdict_reason){.severity = severity};
	return &verdict->reasons[at];
}

__attribute__((format(printf, 2, 3))) static void say(struct verdict_reason *reason,
						      const char *format, ...)
{
	va_list args;

	if (!reason)
		return;
	va_start(args, format);
	vsnprintf(reason->text, sizeof(reason->text), format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static void advise(struct verdict_reason *reason,
							 const char *format, ...)
{
	va_list args;

	if (!reason)
		return;
	va_start(args, format);
	vsnprintf(reason->command, sizeof(reason->command), format, args);
	va_end(args);
}

static double seconds(uint64_t us)
{
	return (double)us / (double)US_PER_S;
}

static bool is_said(const char *text)
{
	return text && text[0];
}

static bool is_in_state(const struct endpoint_view *endpoint, const char *state)
{
	return strcmp(endpoint->state, state) == 0;
}

/* Without those of higher tiers, which the size does not count, and of who carries nothing. */
static uint32_t ready_in_use(const struct pool_view *pool)
{
	uint32_t ready = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint_view *endpoint = &pool->endpoints[i];

		if (!is_in_state(endpoint, "standby") && (endpoint->well || pool->panic))
			ready += endpoint->ready;
	}
	return ready;
}

/* An operator took it out of use. */
static bool stands_aside(const struct endpoint_view *endpoint)
{
	return is_in_state(endpoint, "draining") || is_in_state(endpoint, "drained") ||
	       is_in_state(endpoint, "maint");
}

/* What its failures have come to. NULL: nothing. */
static struct verdict_reason *judge_failures(const struct pool_view *pool,
					     const struct endpoint_view *endpoint,
					     struct verdict *verdict)
{
	const char *name = endpoint->name;
	bool is_tried = is_in_state(endpoint, "trial");
	struct verdict_reason *reason;

	if (!is_in_state(endpoint, "ejected") && !is_in_state(endpoint, "unhealthy") && !is_tried &&
	    !endpoint->silent && !endpoint->held)
		return NULL;
	reason = add_reason(verdict, is_tried ? SEVERITY_TRIAL : SEVERITY_ENDPOINT);
	if (is_in_state(endpoint, "ejected"))
		say(reason, "endpoint %s/%s is ejected (%s), tried again in %.0f s: %s", pool->name,
		    name, endpoint->reason, seconds(endpoint->out_us), endpoint->finding);
	else if (is_tried)
		say(reason, "endpoint %s/%s was ejected and is being tried: %s", pool->name, name,
		    endpoint->finding);
	else if (is_in_state(endpoint, "unhealthy"))
		say(reason, "endpoint %s/%s fails its probes: %s", pool->name, name,
		    endpoint->finding);
	else if (endpoint->silent)
		say(reason, "endpoint %s/%s is connected, but answers nothing", pool->name, name);
	else
		say(reason,
		    "endpoint %s/%s fails (%.0f %% answered), and is only not ejected because of "
		    "ejection.max_ejected",
		    pool->name, name, 100 * endpoint->success);
	return reason;
}

static struct verdict_reason *judge_answers(const struct pool_view *pool,
					    const struct endpoint_view *endpoint,
					    struct verdict *verdict)
{
	struct verdict_reason *reason = judge_failures(pool, endpoint, verdict);

	if (reason || endpoint->unanswered < UNANSWERED_WORTH_TELLING)
		return reason;
	reason = add_reason(verdict, SEVERITY_ENDPOINT);
	say(reason, "endpoint %s/%s is connected, but has answered none of its last %u requests",
	    pool->name, endpoint->name, (unsigned int)endpoint->unanswered);
	return reason;
}

static void judge_endpoint(const struct pool_view *pool, const struct endpoint_view *endpoint,
			   struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (stands_aside(endpoint)) {
		reason = add_reason(verdict, SEVERITY_ASKED);
		say(reason, "endpoint %s/%s has been %s for %.0f s%s%s", pool->name, endpoint->name,
		    endpoint->state, seconds(endpoint->since_us),
		    is_said(endpoint->reason) ? ": " : "",
		    is_said(endpoint->reason) ? endpoint->reason : "");
		advise(reason, "wsbroker endpoint ready %s/%s", pool->name, endpoint->name);
	} else if (is_in_state(endpoint, "down")) {
		reason = add_reason(verdict, SEVERITY_ENDPOINT);
		say(reason, "endpoint %s/%s has been down for %.0f s%s%s", pool->name,
		    endpoint->name, seconds(endpoint->since_us),
		    is_said(endpoint->last_error) ? ": " : "",
		    is_said(endpoint->last_error) ? endpoint->last_error : "");
		advise(reason, "wsbroker endpoint maint %s/%s", pool->name, endpoint->name);
	} else {
		reason = judge_answers(pool, endpoint, verdict);
		advise(reason, "wsbroker endpoint drain %s/%s", pool->name, endpoint->name);
	}
}

/* Without a connection: what stands aside could help; else what happened says most. */
static void judge_empty_pool(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason = add_reason(verdict, SEVERITY_POOL);

	say(reason, "pool %s has no ready connection", pool->name);
	advise(reason, "wsbroker events --pool %s --since 10m", pool->name);
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		if (!stands_aside(&pool->endpoints[i]))
			continue;
		advise(reason, "wsbroker endpoint ready %s/%s", pool->name,
		       pool->endpoints[i].name);
		return;
	}
}

/* Twice the size, where that is allowed. */
static void advise_growth(struct verdict_reason *reason, const struct pool_view *pool)
{
	uint32_t size = pool->size <= pool->size_max / 2 ? pool->size * 2 : pool->size_max;

	if (size > pool->size)
		advise(reason, "wsbroker pool resize %s %u", pool->name, (unsigned int)size);
	else
		advise(reason, "wsbroker endpoint add %s URL", pool->name);
}

static void judge_queue(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (pool->paused) {
		reason = add_reason(verdict, SEVERITY_QUEUE);
		say(reason, "pool %s has been paused for %.0f s; %zu requests wait", pool->name,
		    seconds(pool->paused_us), pool->queued);
		advise(reason, "wsbroker pool resume %s", pool->name);
	} else if (pool->oldest_wait_us >= WAIT_WORTH_TELLING_US) {
		reason = add_reason(verdict, SEVERITY_QUEUE);
		say(reason, "pool %s lets %zu requests wait, the longest for %.1f s", pool->name,
		    pool->queued, seconds(pool->oldest_wait_us));
		advise_growth(reason, pool);
	}
}

static bool has_endpoint_up(const struct pool_view *pool)
{
	for (size_t i = 0; i < pool->endpoint_count; i++)
		if (is_in_state(&pool->endpoints[i], "active"))
			return true;
	return false;
}

/* It holds no connection without a client, so that having none says nothing. */
static void judge_tunnels(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (!has_endpoint_up(pool)) {
		reason = add_reason(verdict, SEVERITY_POOL);
		say(reason, "pool %s has no endpoint that is up", pool->name);
		advise(reason, "wsbroker events --pool %s --since 10m", pool->name);
	} else if (pool->ready >= pool->size) {
		reason = add_reason(verdict, SEVERITY_CONNECTIONS);
		say(reason, "pool %s carries as many clients as its size allows: %u", pool->name,
		    (unsigned int)pool->size);
		advise_growth(reason, pool);
	}
}

static void judge_connections(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason;
	uint32_t ready = ready_in_use(pool);

	if (pool->ready == 0) {
		judge_empty_pool(pool, verdict);
	} else if (ready < pool->size) {
		reason = add_reason(verdict, SEVERITY_CONNECTIONS);
		say(reason, "pool %s has %u of %u connections ready", pool->name,
		    (unsigned int)ready, (unsigned int)pool->size);
		advise(reason, "wsbroker endpoints --pool %s", pool->name);
	}
}

static void judge_pool(const struct pool_view *pool, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (pool->tunnels)
		judge_tunnels(pool, verdict);
	else
		judge_connections(pool, verdict);
	if (pool->panic) {
		reason = add_reason(verdict, SEVERITY_PANIC);
		say(reason,
		    "pool %s is in panic: fewer than half of its endpoints are healthy, so all are "
		    "used",
		    pool->name);
		advise(reason, "wsbroker endpoints --pool %s", pool->name);
	}
	judge_queue(pool, verdict);
	if (pool->autoscaled && pool->pinned) {
		reason = add_reason(verdict, SEVERITY_ASKED);
		say(reason, "the size of pool %s is pinned to %u", pool->name,
		    (unsigned int)pool->size);
		advise(reason, "wsbroker pool unpin %s", pool->name);
	}
	for (size_t i = 0; i < pool->endpoint_count; i++)
		judge_endpoint(pool, &pool->endpoints[i], verdict);
}

static void judge_instance(const struct snapshot *snapshot, struct verdict *verdict)
{
	struct verdict_reason *reason;

	if (snapshot->clients_max > 0 && snapshot->clients >= snapshot->clients_max / 20 * 19) {
		reason = add_reason(verdict, SEVERITY_CLIENTS);
		say(reason, "%zu of at most %zu clients are connected", snapshot->clients,
		    snapshot->clients_max);
		advise(reason, "wsbroker config set limits.clients %zu", 2 * snapshot->clients_max);
	}
	if (snapshot->buffer_bytes_max > 0 &&
	    snapshot->buffer_bytes >= snapshot->buffer_bytes_max / 5 * 4) {
		reason = add_reason(verdict, SEVERITY_BUFFERS);
		say(reason, "buffers hold %.0f %% of limits.memory",
		    100.0 * (double)snapshot->buffer_bytes / (double)snapshot->buffer_bytes_max);
		advise(reason, "wsbroker clients --sort -outbox_bytes");
	}
	if (snapshot->engine->loop_lag_us >= LAG_WORTH_TELLING_US) {
		reason = add_reason(verdict, SEVERITY_LAG);
		say(reason, "the event loop was %.3f s late: the processor is busy",
		    seconds(snapshot->engine->loop_lag_us));
		advise(reason, "wsbroker top");
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
			struct verdict_reason *reason = add_reason(verdict, SEVERITY_READINESS);

			say(reason, "%.*s", (int)(len < 200 ? len : 200), line);
			advise(reason, "wsbroker endpoints");
		}
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
	struct verdict_reason *reason;

	out->count = 0;
	if (snapshot->draining) {
		reason = add_reason(out, SEVERITY_DRAIN);
		say(reason, "draining: %zu clients and %zu requests in flight are left",
		    snapshot->clients, snapshot->requests_in_flight);
		advise(reason, "wsbroker wait drained");
	}
	for (size_t i = 0; i < snapshot->pool_count; i++)
		judge_pool(&snapshot->pools[i], out);
	judge_instance(snapshot, out);
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
