#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include "common/clock.h"
#include "broker/pool/states.h"
#include "tests/unit/pool/rig.h"

static struct connection *dialled(struct rig *rig)
{
	struct connection *connection;

	rig_init(rig, 1, 1);
	rig_start(rig);
	connection = pool_next_dial(rig->pool, rig->now_us);
	cr_assert_not_null(connection);
	return connection;
}

Test(states, lead_from_dialing_to_the_end)
{
	struct rig rig;
	struct connection *connection = dialled(&rig);
	struct endpoint *endpoint = connection->endpoint;

	cr_assert_eq(connection->state, CONNECTION_DIALING);
	cr_assert_eq(connection->id, 1);
	cr_assert_eq(endpoint->open, 1);
	cr_assert_eq(endpoint->stats.dials, 1);
	cr_assert_null(connection->transport);

	pool_connection_opened(connection, &rig, rig.now_us + 5);
	cr_assert_eq(connection->state, CONNECTION_WARMING);
	cr_assert_eq(connection->transport, &rig);
	cr_assert_eq(connection->since_us, rig.now_us + 5);
	cr_assert_eq(endpoint->open, 1);
	cr_assert_eq(endpoint->ready, 0);

	pool_connection_made_ready(connection, rig.now_us + 9);
	cr_assert_eq(connection->state, CONNECTION_READY);
	cr_assert_eq(connection->ready_at_us, rig.now_us + 9);
	cr_assert_eq(endpoint->ready, 1);
	cr_assert_eq(rig.pool->ready_count, 1);
	rig_check(&rig);

	pool_connection_drain(connection, rig.now_us + 10);
	cr_assert_eq(connection->state, CONNECTION_DRAINING);
	cr_assert_eq(endpoint->open, 0);
	cr_assert_eq(endpoint->ready, 0);
	cr_assert_eq(rig.pool->ready_count, 0);
	rig_check(&rig);

	connection->transport = NULL;
	pool_connection_lost(connection, "asked", "", rig.now_us + 11);
	cr_assert_eq(rig.pool->states[CONNECTION_CLOSED].count, 1);
	cr_assert_eq(endpoint->stats.connections_lost, 0);
	cr_assert_not(endpoint->down);
	rig_check(&rig);
	pool_reap(rig.pool, rig.now_us);
	cr_assert_eq(rig.pool->connections, 0);
	rig_stop(&rig);
}

/* Moves a fresh connection to `from`, then takes the step that is to be tried. */
static void step(enum connection_state from, enum connection_state to)
{
	struct rig rig;
	struct connection *connection = dialled(&rig);

	if (from >= CONNECTION_WARMING && from != CONNECTION_CLOSED)
		connection_enter(connection, CONNECTION_WARMING, "test", "", 1);
	if (from == CONNECTION_READY || from == CONNECTION_DRAINING)
		connection_enter(connection, CONNECTION_READY, "test", "", 1);
	if (from == CONNECTION_DRAINING || from == CONNECTION_CLOSED)
		connection_enter(connection, from, "test", "", 1);
	connection_enter(connection, to, "test", "", 2);
	cr_assert_eq(connection->state, to);
	rig_stop(&rig);
}

Test(states, may_end_from_any_open_one)
{
	step(CONNECTION_DIALING, CONNECTION_CLOSED);
	step(CONNECTION_WARMING, CONNECTION_CLOSED);
	step(CONNECTION_READY, CONNECTION_CLOSED);
	step(CONNECTION_DRAINING, CONNECTION_CLOSED);
}

#define FORBIDDEN(from, to)                                                                        \
	Test(states, no_step_from_##from##_to_##to, .signal = SIGABRT)                             \
	{                                                                                          \
		step(CONNECTION_##from, CONNECTION_##to);                                          \
	}

FORBIDDEN(DIALING, DIALING)
FORBIDDEN(DIALING, READY)
FORBIDDEN(DIALING, DRAINING)
FORBIDDEN(WARMING, DIALING)
FORBIDDEN(WARMING, WARMING)
FORBIDDEN(WARMING, DRAINING)
FORBIDDEN(READY, DIALING)
FORBIDDEN(READY, WARMING)
FORBIDDEN(READY, READY)
FORBIDDEN(DRAINING, DIALING)
FORBIDDEN(DRAINING, WARMING)
FORBIDDEN(DRAINING, READY)
FORBIDDEN(DRAINING, DRAINING)
FORBIDDEN(CLOSED, DIALING)
FORBIDDEN(CLOSED, WARMING)
FORBIDDEN(CLOSED, READY)
FORBIDDEN(CLOSED, DRAINING)
FORBIDDEN(CLOSED, CLOSED)

Test(states, have_names)
{
	cr_assert_str_eq(connection_state_name(CONNECTION_DIALING), "dialing");
	cr_assert_str_eq(connection_state_name(CONNECTION_WARMING), "warming");
	cr_assert_str_eq(connection_state_name(CONNECTION_READY), "ready");
	cr_assert_str_eq(connection_state_name(CONNECTION_DRAINING), "draining");
	cr_assert_str_eq(connection_state_name(CONNECTION_CLOSED), "closed");
	cr_assert_str_eq(connection_state_name(CONNECTION_STATES), "unknown");
}

Test(states, what_is_closed_stays_until_its_transport_is_gone)
{
	struct rig rig;
	struct connection *connection = dialled(&rig);

	pool_connection_opened(connection, &rig, rig.now_us);
	pool_connection_lost(connection, "protocol", "", rig.now_us);
	pool_reap(rig.pool, rig.now_us);
	cr_assert_eq(rig.pool->states[CONNECTION_CLOSED].count, 1);
	connection->transport = NULL;
	pool_reap(rig.pool, rig.now_us);
	cr_assert_eq(rig.pool->states[CONNECTION_CLOSED].count, 0);
	rig_stop(&rig);
}

#define LINES_MAX 4096

static void collect(void *context, enum log_level level, struct span line)
{
	char *lines = context;
	size_t len = strlen(lines);

	(void)level;
	snprintf(lines + len, LINES_MAX - len, "%.*s\n", (int)line.len, line.at);
}

Test(states, are_logged_with_their_reason)
{
	struct connection *connection;
	char line[LINES_MAX] = "";
	struct log log;
	struct rig rig;

	log_init(&log, LOG_DEBUG, LOG_LOGFMT, collect, line, NULL);
	rig_init(&rig, 1, 1);
	cr_assert_eq(pool_create(&rig.pool, &rig.settings, &log, &rig.outboxes, &rig.next_id, 1, 1),
		     WSB_OK);
	connection = pool_next_dial(rig.pool, 1);
	cr_assert(strstr(line, "pool.connection.dialing"), "%s", line);
	pool_connection_opened(connection, &rig, 2);
	pool_connection_made_ready(connection, 3);
	cr_assert(strstr(line, "pool.connection.ready"), "%s", line);
	cr_assert(strstr(line, "pool.endpoint.active pool=main endpoint=a from=connecting"), "%s",
		  line);
	cr_assert(strstr(line, "pool=main endpoint=a connection=1 from=warming to=ready"), "%s",
		  line);
	pool_connection_drain(connection, 4);
	cr_assert(strstr(line, "from=ready to=draining reason=asked"), "%s", line);
	connection->transport = NULL;
	pool_connection_lost(connection, "eof", "peer went away", 5);
	cr_assert(strstr(line, "pool.connection.closed"), "%s", line);
	cr_assert(strstr(line, "reason=eof in_flight=0 detail=\"peer went away\""), "%s", line);
	rig_stop(&rig);
}

/* How often a line begins the log again. */
static size_t count_of(const char *lines, const char *event)
{
	size_t count = 0;

	for (const char *at = lines; (at = strstr(at, event)) != NULL; at++)
		count++;
	return count;
}

Test(states, what_fails_as_before_is_logged_once)
{
	static const char *const errors[] = {"refused", "refused", "refused", "no route",
					     "refused"};
	char line[LINES_MAX] = "";
	struct log log;
	struct rig rig;
	uint64_t now_us = 1;

	log_init(&log, LOG_INFO, LOG_LOGFMT, collect, line, NULL);
	rig_init(&rig, 1, 1);
	cr_assert_eq(pool_create(&rig.pool, &rig.settings, &log, &rig.outboxes, &rig.next_id, 1, 1),
		     WSB_OK);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct connection *connection;

		while (!(connection = pool_next_dial(rig.pool, now_us)))
			now_us += US_PER_S;
		pool_connection_lost(connection, "connect", errors[i], now_us);
		connection_free(connection);
	}
	cr_expect_eq(count_of(line, "pool.connection.closed"), 3, "%s", line);
	cr_expect_eq(count_of(line, "pool.endpoint.down"), 1, "%s", line);
	cr_expect_eq(rig.pool->endpoints[0]->stats.dial_failures, 5);
	rig_stop(&rig);
}

Test(states, a_doomed_connection_is_lost_when_it_drains)
{
	struct rig rig;
	struct connection *connection = dialled(&rig);
	struct endpoint *endpoint = connection->endpoint;

	rig_make_ready(&rig, connection);
	rig.now_us += 10;
	connection->doom = "probe";
	pool_connection_drain(connection, rig.now_us);
	cr_assert_eq(endpoint->stats.connections_lost, 1);
	cr_assert_str_eq(endpoint->last_error, "probe");
	cr_assert_eq(endpoint->backoff.failures, 1);
	cr_assert(endpoint->down);
	rig_lose(&rig, connection, "probe");
	cr_assert_eq(endpoint->stats.connections_lost, 1);
	cr_assert_eq(endpoint->stats.dial_failures, 0);
	rig_stop(&rig);
}

Test(states, a_return_without_a_lease_is_our_mistake, .signal = SIGABRT)
{
	struct rig rig;
	struct connection *connection = dialled(&rig);

	pool_return(connection, 0, 1);
}

Test(states, a_lease_outlives_the_state_but_not_the_connection, .signal = SIGABRT)
{
	struct connection *leased;
	struct rig rig;
	struct connection *connection = dialled(&rig);

	rig_make_ready(&rig, connection);
	cr_assert_eq(pool_lease(rig.pool, NULL, 1, &leased), LEASE_OK);
	rig_lose(&rig, connection, "eof");
	pool_reap(rig.pool, rig.now_us);
}

Test(states, the_last_error_is_cut_to_fit)
{
	char text[400];
	struct rig rig;
	struct connection *connection = dialled(&rig);

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pool_connection_lost(connection, "tls", text, rig.now_us);
	cr_assert_eq(strlen(rig.pool->endpoints[0]->last_error),
		     sizeof(rig.pool->endpoints[0]->last_error) - 1);
	cr_assert_eq(strncmp(rig.pool->endpoints[0]->last_error, "tls: xxx", 8), 0);
	rig_stop(&rig);
}
