#include "broker/engine/upkeep.h"

#include "broker/engine/affinity.h"
#include "broker/engine/autoscale.h"
#include "broker/engine/bus.h"
#include "broker/engine/cached.h"
#include "broker/engine/dispatch.h"
#include "broker/engine/doubts.h"
#include "broker/engine/drain.h"
#include "broker/engine/failover.h"
#include "broker/engine/feeds.h"
#include "broker/engine/hedge.h"
#include "broker/engine/invalidate.h"
#include "broker/engine/lane.h"
#include "broker/engine/link.h"
#include "broker/engine/probing.h"
#include "broker/engine/publish.h"
#include "broker/engine/resolving.h"
#include "broker/engine/pushes.h"
#include "broker/engine/operate.h"
#include "broker/pool/health.h"
#include "broker/pool/source.h"

/* A tick that comes this late means that we ourselves stood still (stopped, or the machine slept):
 * what the peers sent meanwhile has not been read yet, so nobody is late. */
#define STANDSTILL_US (500 * US_PER_MS)

/* A connection that drains waits so long for what is on it to move. */
#define MOVE_US (10 * US_PER_S)

/* `status` shows how long requests took over the last one to two of these. */
#define LATELY_SPAN_US (10 * US_PER_S)

static void upkeep_timers(struct engine *engine, uint64_t now_us)
{
	struct timer *timer;

	while ((timer = timerq_pop(&engine->timers, now_us)))
		failover_timer(engine, list_entry(timer, struct exchange, timer), now_us);
}

/* The next ping, an interval from now give or take a tenth, so that they do not march in step. */
static uint64_t ping_due_us(struct engine *engine, uint64_t interval_us, uint64_t now_us)
{
	return now_us + interval_us - interval_us / 10 +
	       rng_below(&engine->rng, interval_us / 5 + 1);
}

/* Whether a client waits for something on it, and not just the broker itself. */
static bool is_awaited(const struct connection *connection)
{
	list_each(&connection->attempts, node) {
		if (!list_entry(node, struct attempt, link)->exchange->feed)
			return true;
	}
	return false;
}

/* Whether a connection that drains has nothing left to do. Its subscriptions move first, and so
 * does the role of the source of pushes. */
static bool is_emptied(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	if (!publish_is_clear(connection))
		publish_move_away(engine, connection, now_us);
	if (connection->in_flight > 0 && is_awaited(connection))
		return false;
	return (connection->in_flight == 0 && publish_is_clear(connection) &&
		!pool_source_is_awaited(connection)) ||
	       now_us - connection->since_us >= MOVE_US;
}

static void upkeep_connection(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	const struct pool_settings *settings = connection->pool->settings;

	if (connection->doom || !connection->transport)
		return;
	affinity_sweep(engine, connection, now_us);
	if (greeting_waits(&connection->greeting) &&
	    greeting_check(&connection->greeting, now_us) == GREETING_LATE) {
		link_abort(engine, connection, "greeting", now_us);
		return;
	}
	if (connection->state == CONNECTION_DRAINING && is_emptied(engine, connection, now_us)) {
		link_part(engine, connection, now_us);
		return;
	}
	/* Its endpoint is drained, or a lower tier is back. */
	if (connection->state == CONNECTION_READY && !connection->carries &&
	    !publish_is_clear(connection))
		publish_move_away(engine, connection, now_us);
	if (settings->probe.interval_us == 0 || engine->upstreams_paused)
		return;
	if (connection->ping_waits) {
		if (now_us >= connection->ping_at_us + settings->probe.timeout_us)
			link_abort(engine, connection, "probe", now_us);
	} else if (connection->first_pong && now_us >= connection->ping_at_us) {
		link_ping(engine, connection, now_us);
	}
}

void engine_connection_pong(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	const struct pool_settings *settings = connection->pool->settings;

	if (!connection->ping_waits)
		return;
	connection->ping_waits = false;
	connection->ping_rtt_us = now_us - connection->ping_at_us;
	connection->ping_at_us = ping_due_us(engine, settings->probe.interval_us, now_us);
	connection->first_pong = true;
	link_ponged(engine, connection, now_us);
	doubts_ponged(engine, connection, now_us);
	link_warm(engine, connection, now_us);
	engine_leave(engine, now_us);
}

static void upkeep_pool(struct engine *engine, struct pool *pool, uint64_t now_us)
{
	static const enum connection_state looked_at[] = {CONNECTION_WARMING, CONNECTION_READY,
							  CONNECTION_DRAINING};
	struct connection *connection;

	for (size_t i = 0; i < sizeof(looked_at) / sizeof(looked_at[0]); i++) {
		list_each(&pool->states[looked_at[i]], node) {
			upkeep_connection(engine, list_entry(node, struct connection, state_link),
					  now_us);
		}
	}
	if (engine->goodbye)
		return;
	resolving_upkeep(engine, pool, now_us);
	probing_upkeep(engine, pool, now_us);
	health_upkeep(pool, now_us);
	pool_upkeep(pool, now_us);
	while ((connection = pool_next_excess(pool)))
		link_abort(engine, connection, connection->farewell, now_us);
	/* First, since it says whether the source has to be waited for. */
	pushes_elect(engine, engine_lane_of_pool(engine, pool), now_us);
	while ((connection = pool_next_surplus(pool, now_us)))
		if (is_emptied(engine, connection, now_us))
			link_part(engine, connection, now_us);
	while ((connection = pool_next_dial(pool, now_us)))
		engine->ports->dial(engine->ports->io, connection);
}

/* When a client is looked at next: at half of the shorter of its two clocks would be too often, at
 * the whole of it is as promised. 0: never. */
static uint64_t client_interval_us(const struct limits_settings *limits)
{
	if (limits->ping_us == 0)
		return limits->idle_us;
	if (limits->idle_us == 0 || limits->ping_us < limits->idle_us)
		return limits->ping_us;
	return limits->idle_us;
}

static void upkeep_client(struct engine *engine, struct session *session, uint64_t now_us)
{
	const struct limits_settings *limits = &engine->config->limits;
	struct span payload = PING_PAYLOAD;

	if (limits->idle_us && !session->paused && session->in_flight == 0 &&
	    now_us - session->message_us >= limits->idle_us) {
		client_close(engine, session, 1000, "idle");
		return;
	}
	if (limits->ping_us == 0 || session->paused)
		return;
	if (session->ping_waits && session->heard_us < session->ping_at_us) {
		log_event(engine->log, LOG_INFO, "client.silent", log_number("client", session->id),
			  log_number("silent_ms", (now_us - session->heard_us) / US_PER_MS));
		list_remove(&engine->pings, &session->ping_link);
		session_enter(&engine->sessions, session, SESSION_DRAINING);
		engine->ports->abort(engine->ports->io, session->transport);
		return;
	}
	if (wsframe_append(&session->outbox, WS_PING, NULL, &payload, 1) != WSB_OK)
		return;
	session->ping_waits = true;
	session->ping_at_us = now_us;
	engine->ports->want_write(engine->ports->io, session->transport);
}

/* All clients have the same interval, so whoever was looked at longest ago is due first. */
static void upkeep_clients(struct engine *engine, uint64_t now_us)
{
	uint64_t interval_us = client_interval_us(&engine->config->limits);
	struct list_node *node;

	while (interval_us && (node = list_first(&engine->pings))) {
		struct session *session = list_entry(node, struct session, ping_link);

		if (now_us < session->looked_us + interval_us)
			return;
		session->looked_us = now_us;
		list_remove(&engine->pings, node);
		list_append(&engine->pings, node);
		upkeep_client(engine, session, now_us);
	}
}

/* Whoever wants to stay comes back with a new token. */
static void upkeep_expiries(struct engine *engine, uint64_t now_us)
{
	struct timer *timer;

	while ((timer = timerq_pop(&engine->expiries, now_us))) {
		struct session *session = list_entry(timer, struct session, expiry);

		log_event(engine->log, LOG_INFO, "client.expired",
			  log_number("client", session->id),
			  log_text("identity", session->identity ? session->identity : ""));
		client_close(engine, session, 1008, "credentials expired");
	}
}

/* Nobody could be heard for so long, which is nobody's fault: clocks of silence stand still. */
static void forgive_silence(struct engine *engine, struct pool *pool, uint64_t gap_us,
			    uint64_t now_us)
{
	engine->resumed_us = now_us;
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		struct endpoint *endpoint = pool->endpoints[i];

		endpoint->asked_us += gap_us;
		if (endpoint->probe.sent_us)
			endpoint->probe.sent_us += gap_us;
	}
}

/* We stood still: every clock that waits for a peer stands still as long. */
static void upkeep_after_standstill(struct engine *engine, uint64_t gap_us, uint64_t now_us)
{
	log_event(engine->log, LOG_WARN, "loop.standstill", log_number("ms", gap_us / US_PER_MS));
	for (size_t i = 0; i < engine->lane_count; i++) {
		struct pool *pool = engine->lanes[i]->pool;

		forgive_silence(engine, pool, gap_us, now_us);
		for (size_t state = CONNECTION_WARMING; state <= CONNECTION_DRAINING; state++) {
			list_each(&pool->states[state], node) {
				struct connection *connection =
					list_entry(node, struct connection, state_link);

				connection->ping_at_us += gap_us;
				connection->call_us += gap_us;
				if (connection->greeting.deadline_us)
					connection->greeting.deadline_us += gap_us;
			}
		}
	}
	list_each(&engine->pings, node) {
		struct session *session = list_entry(node, struct session, ping_link);

		session->looked_us = now_us;
		session->heard_us = now_us;
	}
}

/* While buffers exceed their bound no upstream is read; clients are, within their own limits. */
static void pause_upstreams(struct engine *engine, bool paused, uint64_t now_us)
{
	engine->upstreams_paused = paused;
	if (paused)
		engine->paused_us = now_us;
	log_event(engine->log, LOG_WARN, paused ? "memory.full" : "memory.relieved",
		  log_number("bytes", engine_buffer_bytes(engine)),
		  log_text("limit", "limits.memory"));
	for (size_t i = 0; i < engine->lane_count; i++) {
		if (!paused)
			forgive_silence(engine, engine->lanes[i]->pool, now_us - engine->paused_us,
					now_us);
		for (size_t state = CONNECTION_WARMING; state <= CONNECTION_DRAINING; state++) {
			list_each(&engine->lanes[i]->pool->states[state], node) {
				struct connection *connection =
					list_entry(node, struct connection, state_link);

				if (!connection->transport)
					continue;
				/* A pong could not be read meanwhile. */
				if (!paused && connection->ping_waits)
					connection->ping_at_us = now_us;
				if (!paused)
					connection->call_us = now_us;
				engine->ports->pause(engine->ports->io, connection->transport,
						     paused);
			}
		}
	}
}

static void upkeep_memory(struct engine *engine, uint64_t now_us)
{
	uint64_t limit = engine->config->limits.memory_bytes;
	uint64_t bytes = engine_buffer_bytes(engine);

	if (!engine->upstreams_paused && bytes > limit)
		pause_upstreams(engine, true, now_us);
	else if (engine->upstreams_paused && bytes <= limit - limit / 8)
		pause_upstreams(engine, false, now_us);
}

/* The end of each event: who waits is served, memory is looked at, what has ended is freed. */
void engine_leave(struct engine *engine, uint64_t now_us)
{
	for (size_t i = 0; i < engine->lane_count; i++) {
		struct lane *lane = engine->lanes[i];

		if (lane->pool->rescue)
			failover_rescue(engine, lane, now_us);
		if (lane->queue.count > 0)
			dispatch_pump(engine, lane, now_us);
		if (pool_has_waste(lane->pool))
			pool_reap(lane->pool, now_us);
	}
	if (!list_is_empty(&engine->cached.flights.lost))
		cached_lead(engine, now_us);
	upkeep_memory(engine, now_us);
	publish_reap(engine);
	if (!list_is_empty(&engine->sessions.states[SESSION_CLOSED]))
		client_reap(engine);
}

/* Those that retire stand behind the others. */
static void upkeep_retiring(struct engine *engine, uint64_t now_us)
{
	size_t kept = 0;

	for (size_t i = 0; i < engine->lane_count; i++) {
		struct lane *lane = engine->lanes[i];

		if (!lane->retiring || !lane_retire(lane, now_us)) {
			engine->lanes[kept++] = lane;
			continue;
		}
		client_forget_lane(engine, lane);
		lane_destroy(lane);
	}
	engine->lane_count = kept;
}

void engine_tick(struct engine *engine, uint64_t now_us)
{
	uint64_t gap_us = engine->ticked_us ? now_us - engine->ticked_us : 0;

	engine->ticked_us = now_us;
	if (gap_us > STANDSTILL_US)
		upkeep_after_standstill(engine, gap_us, now_us);
	upkeep_timers(engine, now_us);
	engine_bus_tick(engine, now_us);
	doubts_tick(engine, now_us);
	invalidate_tick(engine, now_us);
	cached_tick(engine, now_us);
	for (size_t i = 0; i < engine->lane_count; i++) {
		upkeep_pool(engine, engine->lanes[i]->pool, now_us);
		retry_budget_age(&engine->lanes[i]->retries, now_us);
		recent_turn(&engine->lanes[i]->traffic.lately, LATELY_SPAN_US, now_us);
		autoscale_step(engine, engine->lanes[i], now_us);
	}
	feeds_tick(engine, now_us);
	operate_step(engine, now_us);
	hedges_upkeep(engine, now_us);
	upkeep_retiring(engine, now_us);
	upkeep_clients(engine, now_us);
	upkeep_expiries(engine, now_us);
	drain_step(engine, now_us);
	engine_leave(engine, now_us);
}
