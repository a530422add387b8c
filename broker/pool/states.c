#include "broker/pool/states.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include "broker/pool/health.h"
#include "broker/pool/source.h"

/* Of its own a connection's outbox has no bound: with more than CONNECTION_STALL_BYTES waiting it
 * gets no lease, so that what waits is at most that and one message. */
#define OUTBOX_LIMIT (SIZE_MAX / 2)

static const struct {
	const char *name;
	const char *type; /* of the report */
	enum log_level level;
	bool next[CONNECTION_STATES]; /* the steps that are allowed from here */
} states[CONNECTION_STATES] = {
	[CONNECTION_DIALING] = {"dialing",
				"connection.dialing",
				LOG_DEBUG,
				{[CONNECTION_WARMING] = true, [CONNECTION_CLOSED] = true}},
	[CONNECTION_WARMING] = {"warming",
				"connection.warming",
				LOG_DEBUG,
				{[CONNECTION_READY] = true, [CONNECTION_CLOSED] = true}},
	[CONNECTION_READY] = {"ready",
			      "connection.ready",
			      LOG_INFO,
			      {[CONNECTION_DRAINING] = true, [CONNECTION_CLOSED] = true}},
	[CONNECTION_DRAINING] = {"draining",
				 "connection.draining",
				 LOG_INFO,
				 {[CONNECTION_CLOSED] = true}},
	[CONNECTION_CLOSED] = {"closed", "connection.closed", LOG_INFO, {false}},
};

const char *connection_state_name(enum connection_state state)
{
	return state < CONNECTION_STATES ? states[state].name : "unknown";
}

/* Whether the spread counts a connection in this state. */
static bool state_is_open(enum connection_state state)
{
	return state == CONNECTION_DIALING || state == CONNECTION_WARMING ||
	       state == CONNECTION_READY;
}

/* One that has been given up before it was ready has been taken off the count already. */
static bool is_counted(const struct connection *connection)
{
	if (connection->dedicated ||
	    (connection->state != CONNECTION_READY && connection->farewell))
		return false;
	return state_is_open(connection->state);
}

/* Whether a connection ended because we wished it to. */
static bool reason_is_ours(const char *reason)
{
	static const char *const ours[] = {"asked", "surplus", "renewal", "maint", "remove"};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcmp(reason, ours[i]) == 0)
			return true;
	return false;
}

static void describe_error(const char *reason, const char *text, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", reason, *text ? ": " : "", text);
}

/* That an endpoint is down has been told, and why: what fails the same way again and again, for a
 * night perhaps, is counted, and kept as an event. */
static bool fails_as_before(const struct endpoint *endpoint, const char *reason, const char *text)
{
	char error[sizeof(endpoint->last_error)];

	describe_error(reason, text, error, sizeof(error));
	return endpoint->state == ENDPOINT_DOWN && strcmp(error, endpoint->last_error) == 0;
}

static void report_step(struct connection *connection, const char *from, const char *reason,
			const char *text, uint64_t now_us)
{
	struct pool_change change = {
		.type = states[connection->state].type,
		.level = states[connection->state].level,
		.before = from,
		.after = states[connection->state].name,
		.reason = reason,
		.detail = text,
		.now_us = now_us,
	};

	if (connection->state == CONNECTION_CLOSED && !reason_is_ours(reason))
		change.level =
			fails_as_before(connection->endpoint, reason, text) ? LOG_DEBUG : LOG_WARN;
	pool_report_connection(connection, &change);
}

struct connection *connection_begin(struct endpoint *endpoint, bool dedicated, uint64_t now_us)
{
	struct pool *pool = endpoint->pool;
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->state = CONNECTION_DIALING;
	connection->pool = pool;
	connection->endpoint = endpoint;
	connection->id = (*pool->next_connection_id)++;
	connection->max_in_flight = pool->settings->max_in_flight;
	connection->dedicated = dedicated;
	connection->standby = !dedicated && endpoint->settings->tier > pool->tier;
	connection->since_us = now_us;
	outbox_init(&connection->outbox, pool->outboxes, OUTBOX_LIMIT);
	inbox_init(&connection->inbox, NULL);
	list_init(&connection->attempts);
	list_init(&connection->clients);
	list_init(&connection->waiting);
	list_init(&connection->notifications);
	list_init(&connection->doubts);
	list_init(&connection->feeds);
	list_node_init(&connection->state_link);
	list_append(&pool->states[CONNECTION_DIALING], &connection->state_link);
	pool->connections++;
	endpoint->connections++;
	endpoint->open += is_counted(connection);
	endpoint->stats.dials++;
	report_step(connection, "none", "wanted", "", now_us);
	return connection;
}

void connection_free(struct connection *connection)
{
	struct pool *pool = connection->pool;

	assert(!connection->transport);
	list_remove(&pool->states[connection->state], &connection->state_link);
	pool->connections--;
	connection->endpoint->connections--;
	inbox_fini(&connection->inbox);
	outbox_fini(&connection->outbox);
	free(connection);
}

void connection_enter(struct connection *connection, enum connection_state to, const char *reason,
		      const char *text, uint64_t now_us)
{
	struct pool *pool = connection->pool;
	struct endpoint *endpoint = connection->endpoint;
	enum connection_state from = connection->state;
	bool counted = is_counted(connection);

	assert(states[from].next[to]);
	assert(to != CONNECTION_READY || !connection->farewell);
	list_remove(&pool->states[from], &connection->state_link);
	list_append(&pool->states[to], &connection->state_link);
	connection->state = to;
	connection->since_us = now_us;

	if (counted && !is_counted(connection))
		endpoint->open--;
	if (to == CONNECTION_READY) {
		connection->ready_at_us = now_us;
		endpoint->ready += !connection->dedicated;
		pool->ready_stale = true;
	} else if (from == CONNECTION_READY) {
		endpoint->ready -= !connection->dedicated;
		connection->carries = false;
		pool->ready_stale = true;
	}
	/* One that is to go when it is empty is heard until another takes over. */
	if (to == CONNECTION_CLOSED)
		source_ended(connection);
	report_step(connection, states[from].name, reason, text, now_us);
}

bool connection_prove(struct connection *connection, uint64_t now_us)
{
	if (connection->state != CONNECTION_READY || connection->proven)
		return connection->proven;
	if (now_us < connection->ready_at_us ||
	    now_us - connection->ready_at_us < CONNECTION_PROVEN_US)
		return false;
	connection->proven = true;
	backoff_reset(&connection->endpoint->backoff);
	return true;
}

/* pool_upkeep reports it. */
static void endpoint_set_down(struct endpoint *endpoint, bool down, const char *cause)
{
	endpoint->cause = cause;
	if (endpoint->down == down)
		return;
	endpoint->down = down;
	endpoint->unanswered = 0;
}

static void endpoint_fail(struct endpoint *endpoint, const char *reason, uint64_t now_us)
{
	if (now_us >= endpoint->backoff.not_before_us)
		backoff_fail(&endpoint->backoff, now_us, &endpoint->pool->rng);
	if (endpoint->ready == 0)
		endpoint_set_down(endpoint, true, reason);
}

/* The last of its connections that were ready has ended. A flapping one costs requests each time it
 * comes; where others serve, it has to wait longer and longer. */
static void endpoint_fell(struct endpoint *endpoint, uint64_t now_us)
{
	struct backoff before = endpoint->backoff;

	if (!backoff_fall(&endpoint->backoff, now_us, &endpoint->pool->rng))
		return;
	if (pool_can_do_without(endpoint)) {
		endpoint_set_down(endpoint, true, "flapping");
		return;
	}
	endpoint->backoff.failures = before.failures;
	endpoint->backoff.not_before_us = before.not_before_us;
}

static void endpoint_note_error(struct endpoint *endpoint, const char *reason, const char *text)
{
	describe_error(reason, text, endpoint->last_error, sizeof(endpoint->last_error));
}

void endpoint_dial_failed(struct endpoint *endpoint, const char *reason, const char *text,
			  uint64_t now_us)
{
	if (reason_is_ours(reason))
		return;
	endpoint->stats.dial_failures++;
	endpoint_note_error(endpoint, reason, text);
	endpoint_fail(endpoint, reason, now_us);
	pool_upkeep(endpoint->pool, now_us);
}

void endpoint_proved(struct endpoint *endpoint, const char *reason, uint64_t now_us)
{
	backoff_reset(&endpoint->backoff);
	endpoint_set_down(endpoint, false, reason);
	pool_upkeep(endpoint->pool, now_us);
}

void pool_connection_opened(struct connection *connection, void *transport, uint64_t now_us)
{
	connection_enter(connection, CONNECTION_WARMING, "opened", "", now_us);
	connection->transport = transport;
	greeting_begin(&connection->greeting, connection->pool->settings,
		       connection->dedicated ? GREET_ALL : GREET_USUAL);
}

/* Give or take a tenth, so that those which came together do not go together. */
static void begin_age(struct connection *connection, uint64_t now_us)
{
	uint64_t age_us = connection->pool->settings->max_age_us;

	if (age_us > 0)
		connection->stale_us = now_us + age_us - age_us / 10 +
				       rng_below(&connection->pool->rng, age_us / 5 + 1);
}

void pool_connection_made_ready(struct connection *connection, uint64_t now_us)
{
	connection_enter(connection, CONNECTION_READY, "warm", "", now_us);
	endpoint_set_down(connection->endpoint, false, "warm");
	if (connection->endpoint->ready == 1)
		backoff_rise(&connection->endpoint->backoff, now_us);
	begin_age(connection, now_us);
	pool_upkeep(connection->pool, now_us);
	health_joined(connection, now_us);
}

/* Counts an end that was not our wish, and lets the endpoint back off when it speaks against it. */
static void connection_failed(struct connection *connection, enum connection_state from,
			      const char *reason, const char *text, uint64_t now_us)
{
	struct endpoint *endpoint = connection->endpoint;

	endpoint->cause = reason;
	if (from == CONNECTION_READY)
		endpoint->stats.connections_lost++;
	else
		endpoint->stats.dial_failures++;
	endpoint_note_error(endpoint, reason, text);
	if (from == CONNECTION_READY && endpoint->ready == 0 && !connection->dedicated &&
	    !connection_was_left_politely(connection))
		endpoint_fell(endpoint, now_us);
	if (!connection->proven)
		endpoint_fail(endpoint, reason, now_us);
	health_lost(connection, reason, from == CONNECTION_READY, now_us);
}

void pool_connection_drain(struct connection *connection, uint64_t now_us)
{
	const char *reason = connection->doom ? connection->doom : "asked";

	if (!connection->doom && connection->farewell)
		reason = connection->farewell;
	connection_prove(connection, now_us);
	connection_enter(connection, CONNECTION_DRAINING, reason, "", now_us);
	if (!reason_is_ours(reason))
		connection_failed(connection, CONNECTION_READY, reason, "", now_us);
	pool_upkeep(connection->pool, now_us);
}

void pool_connection_lost(struct connection *connection, const char *reason, const char *text,
			  uint64_t now_us)
{
	enum connection_state from = connection->state;

	connection_prove(connection, now_us);
	connection_enter(connection, CONNECTION_CLOSED, reason, text, now_us);
	if (state_is_open(from) && !reason_is_ours(reason))
		connection_failed(connection, from, reason, text, now_us);
	pool_upkeep(connection->pool, now_us);
}
