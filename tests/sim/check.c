/* What must hold after every event, whatever happened. */
#include "tests/sim/operator.h"

#include <inttypes.h>

#include "broker/engine/affinity.h"
#include "broker/engine/doubts.h"
#include "broker/pool/health.h"
#include "tests/sim/visitors.h"

/* Since when it has had a ready connection, at least. */
static uint64_t check_ready_since_us(const struct endpoint *endpoint)
{
	uint64_t since_us = UINT64_MAX;

	list_each(&endpoint->pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->endpoint == endpoint && !connection->dedicated &&
		    connection->ready_at_us < since_us)
			since_us = connection->ready_at_us;
	}
	return since_us;
}

/* Judged when one has just been ejected: who serves beside the ejected may change later. */
static void check_ejected(struct sim *sim, const struct pool *pool, uint32_t out)
{
	struct sim_ejected *seen = &sim->ejected[sim_pool_index(sim, pool)];
	uint64_t times = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++)
		for (size_t kind = 0; kind < FAILURE_KINDS; kind++)
			times += pool->endpoints[i]->stats.ejections[kind];
	if (seen->pool == pool && times > seen->times && out > seen->out && out > seen->most &&
	    out > health_ejectable(pool))
		sim_fail(sim, "no more than max_ejected are out", "pool %s: %u",
			 pool->settings->name, out);
	*seen = (struct sim_ejected){pool, times, out, health_ejectable(pool)};
}

/* Whatever fails: who is ready serves, and who is out comes back. */
static void check_health(struct sim *sim, const struct pool *pool)
{
	uint64_t patience_us = 2 * sim->tick_gap_us + 2 * MS;
	uint32_t out = 0, ready = 0;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint *endpoint = pool->endpoints[i];
		const struct outlier *outlier = &endpoint->outlier;

		out += outlier->state != BREAKER_CLOSED && endpoint_serves(endpoint);
		ready += endpoint_serves(endpoint) ? endpoint->ready : 0;
		if (outlier->state == BREAKER_OPEN && endpoint->ready > 0 &&
		    !sim->outside.engine->goodbye &&
		    sim->outside.now_us > outlier->until_us + patience_us &&
		    sim->outside.now_us > check_ready_since_us(endpoint) + patience_us)
			sim_fail(sim, "who is ejected comes back for a trial",
				 "endpoint %s: %" PRIu64, endpoint->settings->name,
				 outlier->until_us);
	}
	check_ejected(sim, pool, out);
	if (ready > 0 && pool->ready_count == 0)
		sim_fail(sim, "somebody who is ready serves", "pool %s", pool->settings->name);
}

static const struct sim_bounds *bounds_of(const struct sim *sim, const struct lane *lane)
{
	return &sim->latitude.pools[sim_pool_index(sim, lane->pool)];
}

static void check_pool(struct sim *sim, struct lane *lane)
{
	const struct sim_bounds *bounds = bounds_of(sim, lane);
	const struct pool *pool = lane->pool;
	uint32_t in_flight = 0;

	for (size_t state = 0; state < CONNECTION_CLOSED; state++) {
		list_each(&pool->states[state], node) {
			struct connection *connection =
				list_entry(node, struct connection, state_link);

			in_flight += connection->in_flight;
			if (connection->in_flight !=
			    connection->attempts.count + connection->notifications.count)
				sim_fail(sim, "leases are attempts",
					 "connection %" PRIu64 ": %u leases, %zu attempts",
					 connection->id, connection->in_flight,
					 connection->attempts.count);
			if (connection->in_flight + connection->unread > bounds->in_flight)
				sim_fail(sim, "max_in_flight holds",
					 "connection %" PRIu64 ": %u, %u unread", connection->id,
					 connection->in_flight, connection->unread);
			if (state < CONNECTION_READY && connection->in_flight)
				sim_fail(sim, "only ready connections carry requests",
					 "connection %" PRIu64, connection->id);
		}
	}
	if (in_flight != pool->in_flight)
		sim_fail(sim, "leases add up", "pool %s: %u in all, %u on connections",
			 lane->pool->settings->name, pool->in_flight, in_flight);
	if (!lane->retiring)
		check_health(sim, pool);
	in_flight = 0;
	for (size_t i = 0; i < pool->endpoint_count; i++)
		in_flight += pool->endpoints[i]->in_flight;
	if (in_flight != pool->in_flight)
		sim_fail(sim, "leases add up", "pool %s: %u in all, %u on endpoints",
			 lane->pool->settings->name, pool->in_flight, in_flight);
}

/* Who stays on a connection waits for a place on that one. */
static void check_waiting(struct sim *sim, const struct connection *connection)
{
	if (!list_is_empty(&connection->waiting) && connection->carries &&
	    !connection_is_full(connection))
		sim_fail(sim, "nobody waits while there is room", "connection %" PRIu64,
			 connection->id);
}

/* Moved requests had been accepted before, so they may stand above the bounds. */
static void check_queue(struct sim *sim, struct lane *lane)
{
	const struct sim_bounds *bounds = bounds_of(sim, lane);
	const struct fairqueue *queue = &lane->queue;
	size_t count = 0, bytes = 0;
	size_t over_count = 0, over_bytes = 0;

	list_each(&queue->by_age, node) {
		struct fairitem *item = list_entry(node, struct fairitem, age_link);
		struct exchange *exchange = list_entry(item, struct exchange, item);

		count++;
		bytes += item->bytes;
		if (exchange->attempts_made > 0 || !exchange->session ||
		    exchange->arrived_us < item->since_us) {
			over_count++;
			over_bytes += item->bytes;
		}
		if (exchange->state != EXCHANGE_QUEUED || exchange->lane != lane)
			sim_fail(sim, "who waits is queued", "exchange %u", exchange->index);
		if (exchange_attempts_out(exchange) > 0)
			sim_fail(sim, "who waits is not out", "exchange %u", exchange->index);
	}
	if (count != queue->count || bytes != queue->bytes)
		sim_fail(sim, "the queue counts right", "pool %s: %zu of %zu, %zu of %zu bytes",
			 lane->pool->settings->name, queue->count, count, queue->bytes, bytes);
	if (count > bounds->queue_requests + over_count || bytes > bounds->queue_bytes + over_bytes)
		sim_fail(sim, "the queue is bounded", "pool %s: %zu, %zu bytes",
			 lane->pool->settings->name, count, bytes);
	if (lane->paused)
		return;
	if (!list_is_empty(&queue->round) && pool_has_room(lane->pool))
		sim_fail(sim, "nobody waits while there is room", "pool %s: %zu",
			 lane->pool->settings->name, count);
	list_each(&lane->pool->states[CONNECTION_READY], node)
		check_waiting(sim, list_entry(node, struct connection, state_link));
}

static uint64_t check_patience_us(const struct sim *sim)
{
	return 2 * sim->tick_gap_us + 2 * MS;
}

/* Whether it went to an endpoint that it had been sent to before. */
static bool was_there_before(const struct exchange *exchange, const struct attempt *attempt)
{
	size_t times = 0;

	for (size_t i = 0; i < exchange->attempts_made && i < EXCHANGE_ATTEMPTS_MAX; i++)
		times += exchange->tried_endpoints[i] == attempt->connection->endpoint;
	return times > 1;
}

/* Right after a loss, the next attempt is not staked on who may be dying as well. */
static void check_loss(struct sim *sim, const struct exchange *exchange)
{
	for (size_t i = 0; i < EXCHANGE_ATTEMPTS_AT_ONCE; i++) {
		const struct attempt *attempt = &exchange->attempts[i];

		if (attempt->connection && attempt->sent_us == exchange->latest_us &&
		    attempt->sent_us > exchange->lost_us &&
		    attempt->sent_us < exchange->lost_us + HEALTH_BLOW_US &&
		    attempt->connection->pool->settings->affinity == AFFINITY_NONE &&
		    was_there_before(exchange, attempt))
			sim_fail(sim, "a loss is waited out", "exchange %u", exchange->index);
	}
}

static void check_exchange(struct sim *sim, struct exchange *exchange)
{
	size_t out = exchange_attempts_out(exchange);
	uint64_t now_us = sim->outside.now_us;

	if (exchange->state == EXCHANGE_ACCEPTED ||
	    (exchange->state == EXCHANGE_SENT) != (out > 0) ||
	    (exchange->state == EXCHANGE_QUEUED) != (exchange->item.party != NULL))
		sim_fail(sim, "an exchange is where its state says", "exchange %u, state %d",
			 exchange->index, (int)exchange->state);
	if (exchange->attempts_lost > 0 && !exchange->feed)
		check_loss(sim, exchange);
	if (!timer_is_armed(&exchange->timer))
		sim_fail(sim, "who waits has a deadline", "exchange %u", exchange->index);
	if (now_us > exchange->timer.deadline_us + check_patience_us(sim))
		sim_fail(sim, "deadlines are kept", "exchange %u: %" PRIu64 " us late",
			 exchange->index, now_us - exchange->timer.deadline_us);
	if (!exchange->notification && exchange->timer.deadline_us > exchange->deadline_us)
		sim_fail(sim, "no look comes after the deadline", "exchange %u", exchange->index);
}

static void check_exchanges(struct sim *sim)
{
	const struct exchange_slab *slab = &sim->outside.engine->exchanges;
	size_t used = 0;

	for (size_t i = 0; used < slab->used && i < slab->chunk_count * 256; i++) {
		struct exchange *exchange = &slab->chunks[i / 256][i % 256];

		if (exchange->state == EXCHANGE_FREE)
			continue;
		used++;
		check_exchange(sim, exchange);
	}
	if (used != slab->used || slab->used != sim->outside.engine->timers.armed)
		sim_fail(sim, "exchanges and timers are counted right", "%zu, %zu, %zu timers",
			 used, slab->used, sim->outside.engine->timers.armed);
}

/* Everybody obeys the configuration that is in force, but for what retires. */
static void check_obeys(struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;
	const struct config *config = engine->config;

	for (size_t i = 0; i < engine->lane_count; i++) {
		const struct lane *lane = engine->lanes[i];
		const struct pool *pool = lane->pool;

		if (lane->retiring != (i >= config->pool_count))
			sim_fail(sim, "pools that are not configured retire", "pool %s",
				 pool->settings->name);
		if (!lane->retiring && pool->settings != &config->pools[i])
			sim_fail(sim, "a pool has the settings that are in force", "pool %s",
				 pool->settings->name);
		for (size_t state = 0; state < CONNECTION_CLOSED; state++) {
			list_each(&pool->states[state], node) {
				const struct connection *connection =
					list_entry(node, struct connection, state_link);

				if (connection->max_in_flight != pool->settings->max_in_flight)
					sim_fail(sim, "connections have the settings of their pool",
						 "connection %" PRIu64, connection->id);
			}
		}
	}
}

/* The engine, its lanes, its plans, writes in doubt and whoever is under way hold the
 * configuration, and nobody else. */
static void check_holds(struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;
	const struct exchange_slab *slab = &engine->exchanges;
	size_t holds = 1;

	for (size_t i = 0; i < engine->lane_count; i++)
		holds += engine->lanes[i]->config == engine->config;
	for (size_t i = 0; i < slab->chunk_count * 256; i++) {
		const struct exchange *exchange = &slab->chunks[i / 256][i % 256];

		holds += exchange->state != EXCHANGE_FREE && exchange->config == engine->config;
	}
	list_each(&engine->doubts.all, node)
		holds += list_entry(node, struct doubt, link)->config == engine->config;
	list_each(&engine->publish.plans, node)
		holds += list_entry(node, struct plan, link)->config == engine->config;
	if (engine->config->holds != holds)
		sim_fail(sim, "a configuration is held by those who need it", "%zu of %zu",
			 engine->config->holds, holds);
}

/* Where clients stay on a connection, what they send is there. */
static void check_seats(struct sim *sim, const struct sim_client *client, struct session *session)
{
	list_each(&session->exchanges, node) {
		struct exchange *exchange = list_entry(node, struct exchange, session_link);

		for (size_t i = 0; affinity_rules(exchange->lane) && i < EXCHANGE_ATTEMPTS_AT_ONCE;
		     i++) {
			const struct connection *on = exchange->attempts[i].connection;

			/* What it had to leave behind on a drained one may be taken into use
			 * again. */
			if (on && on->carries &&
			    exchange->attempts[i].sent_us == sim->outside.now_us &&
			    on != client_seat(session, exchange->lane)->connection)
				sim_fail(sim, "a client stays on its connection",
					 "client %u: %" PRIu64, client->number, on->id);
		}
	}
}

/* A batch is answered with the last of its members. */
static void check_in_time(struct sim *sim, const struct ask *ask)
{
	uint64_t timeout_us = ask->batched ? sim->batches[ask->batch].longest_us : ask->timeout_us;

	if (sim->outside.now_us > ask->heard_us + timeout_us + check_patience_us(sim) &&
	    !asks_twin(sim, ask, ASK_DONE))
		sim_fail(sim, "every request ends in time", "ask %u", ask->number);
}

static void check_client_counts(struct sim *sim, const struct sim_client *client,
				const struct session *session)
{
	const struct limits_settings *limits = &sim->setup.config.limits;
	uint32_t single = 0, batched = 0, open = 0;
	bool read_all = outbox_bytes(&session->outbox) == 0;

	list_each(&session->exchanges, node)
		open += !list_entry(node, struct exchange, session_link)->notification;
	if (session->in_flight != session->exchanges.count)
		sim_fail(sim, "a session counts what is under way", "client %u: %u, it has %zu",
			 client->number, session->in_flight, session->exchanges.count);
	for (uint32_t i = 0; i < sim->ask_count; i++) {
		const struct ask *ask = &sim->asks[i];

		if (ask->client != client->number || ask->state != ASK_OPEN)
			continue;
		single += !ask->batched;
		batched += ask->batched;
		if (read_all && client->peer->state == PEER_OPEN)
			check_in_time(sim, ask);
	}
	if (client->peer->state != PEER_OPEN)
		return;
	if (open > single + batched || (read_all && open < single))
		sim_fail(sim, "every open request is known",
			 "client %u: %u, %u alone, %u in batches", client->number, open, single,
			 batched);
	if (session->paused != client->peer->paused ||
	    session->paused != (session->in_flight >= limits->in_flight_per_client))
		sim_fail(sim, "a client with too many open requests is not read",
			 "client %u: %u open, paused %d, reading %d", client->number,
			 session->in_flight, session->paused, !client->peer->paused);
}

static void check_client(struct sim *sim, const struct sim_client *client)
{
	const struct peer *peer = client->peer;

	if (!peer || !peer->session || client->post)
		return;
	if (outbox_bytes(&peer->session->outbox) >
	    sim->latitude.send_buffer + WS_HEADER_MAX + WS_CONTROL_MAX)
		sim_fail(sim, "the outbox is bounded", "client %u: %zu bytes", client->number,
			 outbox_bytes(&peer->session->outbox));
	if (peer->state == PEER_OPEN && !peer->wants_write &&
	    outbox_bytes(&peer->session->outbox) > 0)
		sim_fail(sim, "what is written is announced", "client %u", client->number);
	check_client_counts(sim, client, peer->session);
	check_seats(sim, client, peer->session);
}

static void check_upstreams_write(struct sim *sim)
{
	list_each(&sim->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);
		const struct outbox *outbox;

		if (peer->kind != PEER_UPSTREAM || peer->state != PEER_OPEN)
			continue;
		outbox = peer_outbox(peer);
		if (!peer->wants_write && outbox && outbox_bytes(outbox) > 0)
			sim_fail(sim, "what is written is announced", "upstream %" PRIu64,
				 peer->number);
		if (peer->paused != sim->outside.engine->upstreams_paused)
			sim_fail(sim, "upstreams are read while there is memory",
				 "upstream %" PRIu64, peer->number);
	}
}

void check_step(struct sim *sim)
{
	struct engine *engine = sim->outside.engine;

	if (sim->outside.breach)
		sim_fail(sim, "the engine keeps the rules of its ports", "%s", sim->outside.breach);
	for (size_t i = 0; i < engine->lane_count; i++) {
		check_pool(sim, engine->lanes[i]);
		check_queue(sim, engine->lanes[i]);
		operator_check(sim, engine->lanes[i]);
	}
	check_exchanges(sim);
	check_holds(sim);
	check_obeys(sim);
	for (uint32_t i = 0; i < sim->client_count; i++)
		check_client(sim, &sim->clients[i]);
	check_upstreams_write(sim);
	if (sim->tunnels)
		visitors_check(sim);
}

/* After a drain that ran out of time notifications may wait for a connection that never comes. */
static size_t check_last_words(const struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;
	size_t waiting = 0;

	for (size_t i = 0; sim->drains && i < engine->lane_count; i++)
		waiting += engine->lanes[i]->orphans.waiting.count;
	return waiting;
}

void check_end(struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;

	for (uint32_t i = 0; i < sim->ask_count; i++) {
		if (sim->asks[i].state == ASK_OPEN)
			sim_fail(sim, "no request is forgotten", "ask %u", i);
	}
	for (size_t i = 0; i < engine->lane_count; i++) {
		for (size_t state = 0; state < CONNECTION_STATES; state++) {
			if (engine->lanes[i]->pool->states[state].count)
				sim_fail(sim, "no connection is left", "pool %zu", i);
		}
	}
	if (engine->exchanges.used != check_last_words(sim) ||
	    engine->timers.armed != engine->exchanges.used ||
	    (engine->exchanges.text_bytes && !engine->exchanges.used))
		sim_fail(sim, "no exchange is left", "%zu, %zu bytes, %zu timers",
			 engine->exchanges.used, engine->exchanges.text_bytes,
			 engine->timers.armed);
	for (size_t state = 0; state < SESSION_STATES; state++) {
		if (engine->sessions.states[state].count)
			sim_fail(sim, "no session is left", "state %zu", state);
	}
	if (engine->client_outboxes.bytes || engine->connection_outboxes.bytes)
		sim_fail(sim, "no outbox is left", "%zu and %zu bytes",
			 engine->client_outboxes.bytes, engine->connection_outboxes.bytes);
}
