#include "broker/engine/drain.h"

#include "broker/engine/bus.h"
#include "broker/engine/client.h"
#include "broker/engine/invalidate.h"
#include "broker/engine/link.h"
#include "broker/engine/pause.h"
#include "broker/engine/settle.h"

/* Upstreams get this long for their side of the good-bye. */
#define GOODBYE_US (1 * US_PER_S)

void engine_drain(struct engine *engine, uint64_t now_us)
{
	if (engine->draining)
		return;
	engine->draining = true;
	engine->drain_at_us = now_us;
	engine->drain_clients = session_count(&engine->sessions);
	/* Nobody could resume them later, and what waits has been accepted. */
	for (size_t i = 0; i < engine->lane_count; i++)
		pause_end(engine, engine->lanes[i], "drain", now_us);
	invalidate_hurry(engine);
	log_event(engine->log, LOG_INFO, "drain.begin",
		  log_number("clients", engine->drain_clients),
		  log_number("in_flight", engine->exchanges.used));
}

bool engine_listeners_closed(const struct engine *engine, uint64_t now_us)
{
	return engine->draining && now_us - engine->drain_at_us >= engine->config->drain.delay_us;
}

static void drain_close(struct engine *engine, struct session *session)
{
	engine->drain_closed++;
	client_close(engine, session, engine->config->drain.code, "the service restarts");
}

/* How many of the clients should have been told to go by now. */
static size_t drain_target(const struct engine *engine, uint64_t elapsed_us)
{
	uint64_t spread_us = engine->config->drain.spread_us;

	if (elapsed_us >= spread_us)
		return SIZE_MAX;
	return 1 + (size_t)((double)engine->drain_clients * (double)elapsed_us / (double)spread_us);
}

/* Clients without open requests go first; the others as soon as they have their answers. */
static void drain_clients(struct engine *engine, uint64_t elapsed_us)
{
	size_t target = drain_target(engine, elapsed_us);

	list_each(&engine->sessions.states[SESSION_OPEN], node) {
		struct session *session = list_entry(node, struct session, state_link);

		if (engine->drain_closed >= target)
			return;
		if (session->in_flight == 0 && list_is_empty(&session->exchanges))
			drain_close(engine, session);
	}
}

/* The time is over: whoever still waits gets an error, so that nothing ends in silence. */
static void drain_expire(struct engine *engine, uint64_t now_us)
{
	log_event(engine->log, LOG_WARN, "drain.timeout",
		  log_number("clients", session_count(&engine->sessions)),
		  log_text("limit", "drain.timeout"));
	list_each(&engine->sessions.states[SESSION_OPEN], node) {
		struct session *session = list_entry(node, struct session, state_link);
		struct list_node *open;

		while ((open = list_first(&session->exchanges)))
			settle_error(engine, list_entry(open, struct exchange, session_link),
				     RESULT_UNAVAILABLE, "unavailable", "drain.timeout", now_us);
		drain_close(engine, session);
	}
}

static void drain_goodbye(struct engine *engine, uint64_t now_us)
{
	engine->goodbye = true;
	engine->goodbye_at_us = now_us;
	for (size_t i = 0; i < engine->lane_count; i++) {
		struct pool *pool = engine->lanes[i]->pool;

		list_each(&pool->states[CONNECTION_DIALING], node)
			link_abort(engine, list_entry(node, struct connection, state_link), "asked",
				   now_us);
		for (size_t state = CONNECTION_WARMING; state <= CONNECTION_DRAINING; state++) {
			list_each(&pool->states[state], node)
				link_close(engine, list_entry(node, struct connection, state_link),
					   1000, "asked", now_us);
		}
	}
}

void drain_step(struct engine *engine, uint64_t now_us)
{
	uint64_t elapsed_us = now_us - engine->drain_at_us;
	const struct drain_settings *drain = &engine->config->drain;

	if (!engine->draining || elapsed_us < drain->delay_us)
		return;
	if (!engine->drain_expired && elapsed_us - drain->delay_us >= drain->timeout_us) {
		engine->drain_expired = true;
		drain_expire(engine, now_us);
	}
	drain_clients(engine, elapsed_us - drain->delay_us);
	if (!engine->goodbye &&
	    ((session_count(&engine->sessions) == 0 && !engine_bus_owes(engine)) ||
	     engine->drain_expired))
		drain_goodbye(engine, now_us);
}

static size_t connections_left(const struct engine *engine)
{
	size_t left = 0;

	for (size_t i = 0; i < engine->lane_count; i++) {
		for (size_t state = 0; state < CONNECTION_CLOSED; state++)
			left += engine->lanes[i]->pool->states[state].count;
	}
	return left;
}

bool engine_is_drained(const struct engine *engine, uint64_t now_us)
{
	if (!engine->goodbye)
		return false;
	if (connections_left(engine) == 0 && session_count(&engine->sessions) == 0)
		return true;
	return now_us - engine->goodbye_at_us >= GOODBYE_US;
}
