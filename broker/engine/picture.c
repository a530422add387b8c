#include "broker/engine/picture_bus.h"
#include "broker/engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/engine/state.h"
#include "broker/engine/version.h"
#include "broker/pool/health.h"
#include "broker/pool/tunnel.h"

static size_t count_endpoints(const struct engine *engine)
{
	size_t count = 0;

	for (size_t i = 0; i < engine->lane_count; i++)
		count += engine->lanes[i]->pool->endpoint_count;
	return count;
}

static size_t count_connections(const struct engine *engine)
{
	size_t count = 0;

	for (size_t i = 0; i < engine->lane_count; i++) {
		for (size_t state = 0; state < CONNECTION_STATES; state++)
			count += engine->lanes[i]->pool->states[state].count;
		count += engine->lanes[i]->pool->tunnels.count;
	}
	return count;
}

static void picture_health(const struct endpoint *endpoint, uint64_t now_us,
			   struct endpoint_view *view)
{
	const struct outlier *outlier = &endpoint->outlier;
	const struct outlier_slot window = outlier_window(outlier);
	uint64_t ended = (uint64_t)window.good + window.bad;
	uint64_t window_us = endpoint->pool->settings->ejection.window_us;

	view->well = endpoint_is_well(endpoint);
	view->silent = endpoint->silent;
	view->held = endpoint->held;
	view->finding = endpoint->finding;
	view->share = 1 - (double)endpoint->handicap / HANDICAP_UNIT;
	view->success = ended > 0 ? (double)window.good / (double)ended : 1;
	view->rate = window_us > 0 ? (double)ended * (double)US_PER_S / (double)window_us : 0;
	if (outlier->state == BREAKER_OPEN && outlier->until_us > now_us)
		view->out_us = outlier->until_us - now_us;
	view->p50_us = recent_quantile_us(&endpoint->answers, 0.5);
	view->p99_us = recent_quantile_us(&endpoint->answers, 0.99);
	view->probe_rtt_us = endpoint->probe.rtt_us;
	for (size_t i = 0; i < FAILURE_KINDS; i++) {
		view->failures_by[i] = endpoint->stats.by_kind[i];
		view->ejections_by[i] = endpoint->stats.ejections[i];
		view->ejections += endpoint->stats.ejections[i];
	}
	memcpy(view->probes, endpoint->probe.results, sizeof(view->probes));
}

static void picture_endpoint(const struct endpoint *endpoint, uint64_t now_us,
			     struct endpoint_view *view)
{
	*view = (struct endpoint_view){
		.name = endpoint->settings->name,
		.state = endpoint_state_name(endpoint->state),
		.reason = endpoint->words[0] ? endpoint->words : endpoint->cause,
		.weight = endpoint->weight,
		.tier = endpoint->settings->tier,
		.connections = endpoint->open + endpoint->tunnels,
		.ready = endpoint->ready,
		.in_flight = endpoint->in_flight,
		.since_us = now_us - endpoint->since_us,
		.dials = endpoint->stats.dials,
		.dial_failures = endpoint->stats.dial_failures,
		.connections_lost = endpoint->stats.connections_lost,
		.requests = endpoint->stats.requests,
		.failures = endpoint->stats.failures,
		.unanswered = endpoint->unanswered,
		.last_error = endpoint->last_error,
	};
	picture_health(endpoint, now_us, view);
}

static void picture_connection(const struct connection *connection, uint64_t now_us,
			       struct connection_view *view)
{
	*view = (struct connection_view){
		.id = connection->id,
		.pool = connection->pool->settings->name,
		.endpoint = connection->endpoint->settings->name,
		.state = connection_state_name(connection->state),
		.standby = connection->standby,
		.clients = (uint32_t)connection->clients.count,
		.in_flight = connection->in_flight,
		.since_us = now_us - connection->since_us,
		.ping_rtt_us = connection->ping_rtt_us,
		.requests = connection->stats.requests,
		.bytes_in = connection->stats.bytes_in,
		.bytes_out = connection->outbox.handed_bytes,
		.outbox_bytes = outbox_bytes(&connection->outbox),
		.subscriptions = (uint32_t)connection->feeds.count,
	};
}

static void picture_tunnel(const struct tunnel *tunnel, uint64_t now_us,
			   struct connection_view *view)
{
	const struct session *session = tunnel->client;

	*view = (struct connection_view){
		.id = tunnel->id,
		.pool = tunnel->pool->settings->name,
		.endpoint = tunnel->endpoint ? tunnel->endpoint->settings->name : "",
		.state =
			connection_state_name(tunnel->open ? CONNECTION_READY : CONNECTION_DIALING),
		.client = session->id,
		.since_us = now_us - tunnel->since_us,
		.bytes_in = tunnel->bytes_down,
		.bytes_out = tunnel->bytes_up,
		.outbox_bytes = tunnel->held_bytes,
	};
}

static void picture_pool(const struct lane *lane, uint64_t now_us, struct pool_view *view)
{
	const struct pool *pool = lane->pool;

	*view = (struct pool_view){
		.name = pool->settings->name,
		.balancer = balancer_name(pool->balancer),
		.encoding = encoding_name(pool->settings->encoding),
		.size = pool->size,
		.tunnels = pool->settings->tunnels,
		.max_in_flight = pool->settings->max_in_flight,
		.in_flight = pool->in_flight,
		.tier = pool->tier,
		.panic = pool->panic,
		.panics = pool->panics,
		.queued = lane->queue.count,
		.queued_bytes = lane->queue.bytes,
		.oldest_wait_us = fairqueue_oldest_us(&lane->queue, now_us),
		.paused = lane->paused,
		.paused_us = lane->paused ? now_us - lane->paused_at_us : 0,
		.autoscaled = pool->settings->autoscale.enabled,
		.pinned = lane->pinned,
		.size_min = lane->size_min,
		.size_max = lane->size_max,
		.utilisation = (pool->in_flight + (double)lane->queue.count) /
			       ((double)pool->size * pool->settings->max_in_flight),
		.scaled_up = lane->scaled_up,
		.scaled_down = lane->scaled_down,
		.scaled_why = pool->size == lane->scaled_size ? lane->scaled_why : NULL,
		.scaled_wall_us = lane->scaled_wall_us,
		.traffic = &lane->traffic,
		.reports = &pool->reports,
		.endpoint_count = pool->endpoint_count,
	};
	for (size_t state = 0; state < CONNECTION_STATES; state++)
		view->states[state] = (uint32_t)pool->states[state].count;
	list_each(&pool->tunnels, node) {
		bool open = list_entry(node, struct tunnel, link)->open;

		view->states[open ? CONNECTION_READY : CONNECTION_DIALING]++;
	}
	/* Those that requests may go to: not of who is drained, ejected or stands by. */
	view->ready = view->tunnels ? view->states[CONNECTION_READY] : (uint32_t)pool->ready_count;
	view->sessions = view->tunnels ? view->ready : 0;
}

/* Whether a client of a session listener, or a request, could be served. */
static bool pool_is_ready(const struct pool *pool, uint64_t now_us)
{
	if (pool->settings->tunnels)
		return pool_tunnel_endpoints(pool, now_us) > 0;
	return pool->ready_count > 0;
}

static void picture_readiness(const struct engine *engine, uint64_t now_us, struct snapshot *out)
{
	size_t len = 0;
	size_t ready = 0;
	bool any = engine->config->admin.ready_any;

	if (engine->draining)
		len = (size_t)snprintf(
			out->ready_reasons, sizeof(out->ready_reasons), "draining for %llu s\n",
			(unsigned long long)((now_us - engine->drain_at_us) / US_PER_S));
	for (size_t i = 0; i < engine->lane_count; i++) {
		const struct pool *pool = engine->lanes[i]->pool;

		if (engine->lanes[i]->retiring)
			continue;
		if (pool_is_ready(pool, now_us)) {
			ready++;
			continue;
		}
		if (len < sizeof(out->ready_reasons))
			len += (size_t)snprintf(
				out->ready_reasons + len, sizeof(out->ready_reasons) - len,
				pool->settings->tunnels ? "pool %s has no endpoint that is up\n"
							: "pool %s has no ready connection\n",
				pool->settings->name);
	}
	out->ready = !engine->draining && (any ? ready > 0 : ready == engine->config->pool_count);
	if (out->ready)
		out->ready_reasons[0] = '\0';
}

/* What its connections tell of an endpoint; of pings the slowest one tells most. */
static void picture_ready(const struct pool *pool, uint64_t now_us, struct endpoint_view *views)
{
	list_each(&pool->states[CONNECTION_READY], node) {
		const struct connection *connection =
			list_entry(node, struct connection, state_link);
		struct endpoint_view *view = &views[connection->endpoint->index];

		if (connection->ping_rtt_us > view->ping_rtt_us)
			view->ping_rtt_us = connection->ping_rtt_us;
		view->ramping += health_is_ramping(connection, now_us);
	}
}

/* Over all states but the last: those that somebody may hear from. */
static void picture_subscriptions(const struct engine *engine, struct snapshot *out)
{
	const struct subscriptions *subscriptions = &engine->publish.subscriptions;

	for (size_t state = 0; state < SUBSCRIPTION_ENDED; state++) {
		list_each(&subscriptions->states[state], node) {
			const struct subscription *subscription =
				list_entry(node, struct subscription, state_link);

			for (size_t i = 0; i < engine->lane_count; i++) {
				if (engine->lanes[i] != subscription->plan->lane)
					continue;
				out->pools[i].subscriptions++;
				out->pools[i].subscribers += subscription->members.count;
			}
		}
	}
}

static void picture_pools(const struct engine *engine, uint64_t now_us, struct snapshot *out,
			  struct endpoint_view *endpoints)
{
	struct connection_view *next = out->connections;
	uint64_t wall_us = engine->ports->wall_us(engine->ports->io);

	for (size_t i = 0; i < engine->lane_count; i++) {
		const struct pool *pool = engine->lanes[i]->pool;

		picture_pool(engine->lanes[i], now_us, &out->pools[i]);
		out->pools[i].endpoints = endpoints;
		for (size_t e = 0; e < pool->endpoint_count; e++, endpoints++) {
			picture_endpoint(pool->endpoints[e], now_us, endpoints);
			endpoints->since_wall_us = wall_us - endpoints->since_us;
		}
		picture_ready(pool, now_us, out->pools[i].endpoints);
		for (size_t state = 0; next && state < CONNECTION_STATES; state++) {
			list_each(&pool->states[state], node)
				picture_connection(list_entry(node, struct connection, state_link),
						   now_us, next++);
		}
		list_each(&pool->tunnels, node) {
			const struct tunnel *tunnel = list_entry(node, struct tunnel, link);

			if (tunnel->open)
				out->pools[i].endpoints[tunnel->endpoint->index].ready++;
			if (next)
				picture_tunnel(tunnel, now_us, next++);
		}
	}
}

static void picture_own_connection(const struct tunnel *tunnel, uint64_t now_us,
				   struct client_view *view)
{
	view->connection = tunnel->id;
	view->pool = tunnel->pool->settings->name;
	view->endpoint = tunnel->endpoint ? tunnel->endpoint->settings->name : NULL;
	view->bytes_in = tunnel->bytes_up;
	view->bytes_out = tunnel->bytes_down;
	view->outbox_bytes = tunnel->held_bytes;
	view->idle_us = now_us - tunnel->moved_us;
}

static void picture_client(const struct engine *engine, const struct session *session,
			   uint64_t now_us, struct client_view *view)
{
	static const char *const kinds[] = {[SESSION_WEBSOCKET] = "websocket",
					    [SESSION_HTTP] = "http",
					    [SESSION_TUNNEL] = "session"};

	*view = (struct client_view){
		.id = session->id,
		.identity = session->identity,
		.peer = session->peer,
		.listener = engine->config->listeners[session->listener].address.text,
		.kind = kinds[session->kind],
		.state = session->state == SESSION_OPEN ? "open" : "draining",
		.paused = session->paused,
		.in_flight = session->in_flight,
		.since_us = now_us - session->opened_us,
		.idle_us = now_us - session->message_us,
		.bytes_out = session->outbox.handed_bytes,
		.outbox_bytes = outbox_bytes(&session->outbox),
	};
	if (session->tunnel)
		picture_own_connection(session->tunnel, now_us, view);
}

static void picture_clients(const struct engine *engine, uint64_t now_us, struct client_view *views)
{
	for (size_t state = SESSION_OPEN; state <= SESSION_DRAINING; state++) {
		list_each(&engine->sessions.states[state], node)
			picture_client(engine, list_entry(node, struct session, state_link), now_us,
				       views++);
	}
}

static struct cache_view picture_cache(const struct engine *engine, uint64_t now_us)
{
	const struct cached *cached = &engine->cached;
	struct cache_view view = {
		.requests = cached->stats,
		.policy = engine->config->cache.store.policy == CACHE_S3FIFO ? "s3-fifo" : "gdsf",
		.loads = cached->flights.count,
		.waiting = cached->flights.followers,
		.saved = cached_saved(&cached->stats),
	};

	cache_read_stats(cached->cache, &view.store);
	if (cached->prefetch)
		prefetch_stats(cached->prefetch, now_us, &view.prefetch);
	return view;
}

enum wsb_err engine_snapshot(struct engine *engine, enum snapshot_extent extent, uint64_t now_us,
			     struct snapshot *out)
{
	size_t endpoints = count_endpoints(engine);
	size_t connections = extent == SNAPSHOT_CONNECTIONS ? count_connections(engine) : 0;
	size_t clients = extent == SNAPSHOT_CLIENTS ? session_count(&engine->sessions) : 0;
	size_t brokers = extent == SNAPSHOT_BROKERS ? picture_broker_count(engine) : 0;
	struct endpoint_view *endpoint_views;
	char *memory = calloc(1, engine->lane_count * sizeof(struct pool_view) +
					 endpoints * sizeof(struct endpoint_view) +
					 connections * sizeof(struct connection_view) +
					 clients * sizeof(struct client_view) +
					 brokers * sizeof(struct broker_view));

	if (!memory)
		return WSB_ENOMEM;
	*out = (struct snapshot){
		.node = engine->config->node,
		.version = WSBROKER_VERSION,
		.uptime_us = now_us - engine->started_us,
		.draining = engine->draining,
		.clients = session_count(&engine->sessions),
		.clients_max = engine->config->limits.clients,
		.requests_in_flight = engine->exchanges.used,
		.followers = engine->invalidations.watches.count,
		.buffer_bytes = engine_buffer_bytes(engine),
		.buffer_bytes_max = engine->config->limits.memory_bytes,
		.engine = &engine->stats,
		.cache = picture_cache(engine, now_us),
		.pools = (struct pool_view *)memory,
		.pool_count = engine->lane_count,
		.connection_count = connections,
		.client_count = clients,
		.broker_count = brokers,
		.history = engine->history,
		.requests = &engine->requests,
		.operations = &engine->operations,
		.memory = memory,
	};
	endpoint_views =
		(struct endpoint_view *)(memory + engine->lane_count * sizeof(struct pool_view));
	if (extent == SNAPSHOT_CLIENTS) {
		out->client_list = (struct client_view *)(endpoint_views + endpoints);
		picture_clients(engine, now_us, out->client_list);
	}
	if (extent == SNAPSHOT_CONNECTIONS)
		out->connections = (struct connection_view *)(endpoint_views + endpoints);
	if (extent == SNAPSHOT_BROKERS) {
		out->brokers = (struct broker_view *)(endpoint_views + endpoints);
		picture_brokers(engine, now_us, out->brokers);
	}
	picture_bus(engine, now_us, &out->bus);
	picture_readiness(engine, now_us, out);
	picture_pools(engine, now_us, out, endpoint_views);
	picture_subscriptions(engine, out);
	return WSB_OK;
}

const struct history *engine_history(const struct engine *engine)
{
	return engine->history;
}
