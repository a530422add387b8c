#include "broker/admin/views.h"

#include <string.h>
#include "broker/admin/ailment.h"
#include "broker/admin/answer.h"
#include "broker/admin/verdict.h"
#include "broker/admin/views_bus.h"
#include "broker/control/catalog.h"
#include "common/clock.h"

static json_t *seconds(uint64_t us)
{
	return json_real((double)us / (double)US_PER_S);
}

static json_t *known_seconds(uint64_t us)
{
	return us > 0 ? seconds(us) : json_null();
}

static json_t *quantile(const struct histogram *histogram, double share)
{
	return histogram->count > 0 ? seconds(histogram_quantile_us(histogram, share))
				    : json_null();
}

/* What there was in the last seconds: whoever asks wants to know how it is, not how it has been
 * since the start. */
static json_t *lately(const struct recent *recent, double share)
{
	return known_seconds(recent_quantile_us(recent, share));
}

json_t *view_readiness(const struct snapshot *snapshot)
{
	return json_pack("{s:b, s:o}", "ready", snapshot->ready, "reasons",
			 answer_lines(span_text(snapshot->ready_reasons)));
}

static json_t *requests_view(const uint64_t results[RESULT_COUNT])
{
	json_t *object = json_object();

	for (size_t i = 0; i < RESULT_COUNT; i++)
		json_object_set_new(object, request_result_name((enum request_result)i),
				    json_integer((json_int_t)results[i]));
	return object;
}

static json_t *reasons_view(const struct verdict *verdict)
{
	json_t *array = json_array();

	for (size_t i = 0; i < verdict->count; i++)
		json_array_append_new(array, json_pack("{s:o, s:s}", "text",
						       answer_text(verdict->reasons[i].text),
						       "command", verdict->reasons[i].command));
	return array;
}

static size_t endpoints_up(const struct pool_view *pool)
{
	size_t count = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint_view *endpoint = &pool->endpoints[i];

		count += pool->tunnels ? strcmp(endpoint->state, "active") == 0
				       : endpoint->ready > 0 && !ailment_stands_aside(endpoint) &&
						 (endpoint->well || pool->panic);
	}
	return count;
}

static json_t *pool_summary(const struct pool_view *pool)
{
	return json_pack("{s:s, s:i, s:i, s:i, s:I, s:o, s:I, s:I, s:o, s:o}", "name", pool->name,
			 "size", (int)pool->size, "ready", (int)pool->ready, "in_flight",
			 (int)pool->in_flight, "queued", (json_int_t)pool->queued,
			 "oldest_wait_seconds", seconds(pool->oldest_wait_us), "endpoints",
			 (json_int_t)pool->endpoint_count, "endpoints_up",
			 (json_int_t)endpoints_up(pool), "p50_seconds",
			 lately(&pool->traffic->lately, 0.5), "p99_seconds",
			 lately(&pool->traffic->lately, 0.99));
}

/* Over all pools, and for the counts also what never reached one. */
static void sum_up(const struct snapshot *snapshot, uint64_t results[RESULT_COUNT],
		   struct recent *recent)
{
	memset(recent, 0, sizeof(*recent));
	memcpy(results, snapshot->engine->results, sizeof(snapshot->engine->results));
	for (size_t i = 0; i < snapshot->pool_count; i++) {
		const struct traffic_stats *traffic = snapshot->pools[i].traffic;

		recent_merge(recent, &traffic->lately);
		for (size_t result = 0; result < RESULT_COUNT; result++)
			results[result] += traffic->results[result];
	}
}

json_t *view_status(const struct snapshot *snapshot)
{
	uint64_t results[RESULT_COUNT];
	struct recent recent;
	struct verdict verdict;
	json_t *pools = json_array();

	verdict_reach(snapshot, &verdict);
	sum_up(snapshot, results, &recent);
	for (size_t i = 0; i < snapshot->pool_count; i++)
		json_array_append_new(pools, pool_summary(&snapshot->pools[i]));
	return json_pack("{s:s, s:o, s:s, s:s, s:o, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:o, s:o, "
			 "s:o, s:o, s:o, s:o}",
			 "verdict", verdict_name(verdict.kind), "reasons", reasons_view(&verdict),
			 "node", snapshot->node, "version", snapshot->version, "uptime_seconds",
			 seconds(snapshot->uptime_us), "ready", snapshot->ready, "draining",
			 snapshot->draining, "clients", (json_int_t)snapshot->clients,
			 "clients_limit", (json_int_t)snapshot->clients_max, "in_flight",
			 (json_int_t)snapshot->requests_in_flight, "buffer_bytes",
			 (json_int_t)snapshot->buffer_bytes, "buffer_limit_bytes",
			 (json_int_t)snapshot->buffer_bytes_max, "loop_lag_seconds",
			 seconds(snapshot->engine->loop_lag_us), "requests", requests_view(results),
			 "p50_seconds", lately(&recent, 0.5), "p99_seconds", lately(&recent, 0.99),
			 "bus", view_bus(&snapshot->bus), "pools", pools);
}

static json_t *faults_view(const uint64_t counts[FAILURE_KINDS])
{
	json_t *object = json_object();

	for (size_t i = 0; i < FAILURE_KINDS; i++)
		if (counts[i] > 0)
			json_object_set_new(object, dimension_value(DIMENSION_FAILURE, i),
					    json_integer((json_int_t)counts[i]));
	return object;
}

/* How well it is. */
static void add_health(json_t *row, const struct endpoint_view *endpoint)
{
	json_t *health = json_pack(
		"{s:o, s:b, s:b, s:f, s:I, s:f, s:f, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}",
		"reason", answer_text(endpoint->reason), "healthy", endpoint->well, "silent",
		endpoint->silent, "share", endpoint->share, "ramping",
		(json_int_t)endpoint->ramping, "success_ratio", endpoint->success, "rate",
		endpoint->rate, "p50", known_seconds(endpoint->p50_us), "p99",
		known_seconds(endpoint->p99_us), "errors", (json_int_t)endpoint->failures,
		"ejections", (json_int_t)endpoint->ejections, "out_seconds",
		known_seconds(endpoint->out_us), "probe_rtt", known_seconds(endpoint->probe_rtt_us),
		"finding", answer_text(endpoint->finding), "faults",
		faults_view(endpoint->failures_by));

	json_object_update(row, health);
	json_decref(health);
}

json_t *view_endpoint(const struct pool_view *pool, const struct endpoint_view *endpoint)
{
	json_t *row = json_pack(
		"{s:s, s:s, s:s, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, "
		"s:o, s:o}",
		"pool", pool->name, "name", endpoint->name, "state", endpoint->state, "since",
		answer_time(endpoint->since_wall_us), "since_seconds", seconds(endpoint->since_us),
		"weight", (int)endpoint->weight, "tier", (int)endpoint->tier, "connections",
		(int)endpoint->connections, "ready", (int)endpoint->ready, "in_flight",
		(int)endpoint->in_flight, "dials", (json_int_t)endpoint->dials, "dial_failures",
		(json_int_t)endpoint->dial_failures, "connections_lost",
		(json_int_t)endpoint->connections_lost, "requests", (json_int_t)endpoint->requests,
		"failures", (json_int_t)endpoint->failures, "ping_rtt_seconds",
		known_seconds(endpoint->ping_rtt_us), "last_error",
		answer_text(endpoint->last_error));

	add_health(row, endpoint);
	return row;
}

json_t *view_endpoints(const struct pool_view *pool)
{
	json_t *array = json_array();

	for (size_t i = 0; i < pool->endpoint_count; i++)
		json_array_append_new(array, view_endpoint(pool, &pool->endpoints[i]));
	return array;
}

json_t *view_all_endpoints(const struct snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; i < snapshot->pool_count; i++) {
		json_t *endpoints = view_endpoints(&snapshot->pools[i]);

		json_array_extend(array, endpoints);
		json_decref(endpoints);
	}
	return array;
}

/* null: its connections carry requests of all. */
static json_t *sessions_view(const struct pool_view *pool)
{
	const struct traffic_stats *traffic = pool->traffic;

	if (!pool->tunnels)
		return json_null();
	return json_pack("{s:i, s:I, s:I, s:I, s:I}", "open", (int)pool->sessions, "total",
			 (json_int_t)traffic->tunnels_opened, "refused",
			 (json_int_t)(traffic->tunnels_full + traffic->tunnels_unavailable +
				      traffic->tunnels_declined),
			 "bytes_up", (json_int_t)traffic->tunnel_bytes_up, "bytes_down",
			 (json_int_t)traffic->tunnel_bytes_down);
}

json_t *view_pool(const struct pool_view *pool)
{
	const struct traffic_stats *traffic = pool->traffic;

	return json_pack(
		"{s:s, s:i, s:i, s:i, s:I, s:I, s:o, s:s, s:s, s:i, s:b, s:i, s:o, s:o, s:o, s:o, "
		"s:o, s:I, s:I, s:I, s:b, s:b, s:b, s:i, s:i, s:f, s:o, s:o}",
		"name", pool->name, "size", (int)pool->size, "ready", (int)pool->ready, "in_flight",
		(int)pool->in_flight, "queued", (json_int_t)pool->queued, "queued_bytes",
		(json_int_t)pool->queued_bytes, "oldest_wait_seconds",
		seconds(pool->oldest_wait_us), "balancer", pool->balancer, "encoding",
		pool->encoding, "tier", (int)pool->tier, "panic", pool->panic, "max_in_flight",
		(int)pool->max_in_flight, "requests", requests_view(traffic->results),
		"p50_seconds", lately(&traffic->lately, 0.5), "p90_seconds",
		lately(&traffic->lately, 0.9), "p99_seconds", lately(&traffic->lately, 0.99),
		"attempt_p99_seconds", quantile(&traffic->attempt, 0.99), "attempts",
		(json_int_t)traffic->attempts, "subscriptions", (json_int_t)pool->subscriptions,
		"subscribers", (json_int_t)pool->subscribers, "paused", pool->paused, "autoscaled",
		pool->autoscaled, "pinned", pool->pinned, "min", (int)pool->size_min, "max",
		(int)pool->size_max, "utilization", pool->utilisation, "sessions",
		sessions_view(pool), "endpoints", view_endpoints(pool));
}

json_t *view_pools(const struct snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; i < snapshot->pool_count; i++)
		json_array_append_new(array, view_pool(&snapshot->pools[i]));
	return array;
}

static json_t *connection_view(const struct connection_view *connection)
{
	return json_pack(
		"{s:I, s:s, s:s, s:s, s:b, s:i, s:o, s:i, s:i, s:o, s:o, s:I, s:I, s:I, s:I}", "id",
		(json_int_t)connection->id, "pool", connection->pool, "endpoint",
		connection->endpoint, "state", connection->state, "standby", connection->standby,
		"clients", (int)connection->clients, "client",
		connection->client ? json_integer((json_int_t)connection->client) : json_null(),
		"subscriptions", (int)connection->subscriptions, "in_flight",
		(int)connection->in_flight, "since_seconds", seconds(connection->since_us),
		"ping_rtt_seconds", known_seconds(connection->ping_rtt_us), "requests",
		(json_int_t)connection->requests, "bytes_in", (json_int_t)connection->bytes_in,
		"bytes_out", (json_int_t)connection->bytes_out, "outbox_bytes",
		(json_int_t)connection->outbox_bytes);
}

json_t *view_connections(const struct snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; i < snapshot->connection_count; i++)
		json_array_append_new(array, connection_view(&snapshot->connections[i]));
	return array;
}

json_t *view_client(const struct client_view *client)
{
	return json_pack(
		"{s:I, s:o, s:o, s:s, s:s, s:s, s:b, s:i, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "id",
		(json_int_t)client->id, "identity", answer_text(client->identity), "peer",
		answer_text(client->peer), "listener", client->listener, "kind", client->kind,
		"state", client->state, "paused", client->paused, "in_flight",
		(int)client->in_flight, "since_seconds", seconds(client->since_us), "idle_seconds",
		seconds(client->idle_us), "connection",
		client->connection ? json_integer((json_int_t)client->connection) : json_null(),
		"pool", answer_text(client->pool), "endpoint", answer_text(client->endpoint),
		"bytes_out", (json_int_t)client->bytes_out, "outbox_bytes",
		(json_int_t)client->outbox_bytes);
}

json_t *view_clients(const struct snapshot *snapshot)
{
	json_t *array = json_array();

	for (size_t i = 0; i < snapshot->client_count; i++)
		json_array_append_new(array, view_client(&snapshot->client_list[i]));
	return array;
}
