#include "broker/engine/doubts.h"

#include <stdlib.h>
#include <string.h>

#include "broker/engine/invalidate_rule.h"
#include "broker/engine/link.h"

/* Of all together, and of one connection. Beyond, the oldest is invalidated once more and
 * forgotten.
 */
#define DOUBTS_BYTES_MAX ((size_t)4 << 20)
#define DOUBTS_MAX	 1024

/* Nobody does a write later than this; and old ones would keep their configurations for as long as
 * a connection lives, and be invalidated for, one and all, when it ends. */
#define DOUBT_AGE_US (3600 * US_PER_S)

/* Each is an invalidation, an event and what follows from it: some ten microseconds. */
#define DOUBTS_A_TURN 128

void doubts_init(struct engine *engine)
{
	list_init(&engine->doubts.all);
	timerq_init(&engine->doubts.timers, engine->started_us);
}

static void forget(struct engine *engine, struct doubt *doubt)
{
	timerq_disarm(&engine->doubts.timers, &doubt->timer);
	list_remove(&engine->doubts.all, &doubt->link);
	if (doubt->connection)
		list_remove(&doubt->connection->doubts, &doubt->at_link);
	engine->doubts.bytes -= sizeof(*doubt) + doubt->len;
	config_release(doubt->config);
	free(doubt);
}

void doubts_fini(struct engine *engine)
{
	list_each(&engine->doubts.all, node)
		forget(engine, list_entry(node, struct doubt, link));
}

static void doubt_again(struct engine *engine, const struct doubt *doubt,
			const struct message *answer, uint64_t now_us)
{
	invalidate_by_text(engine, doubt->rule, doubt->encoding, span_of(doubt->text, doubt->len),
			   answer, now_us);
}

static void end(struct engine *engine, struct doubt *doubt, uint64_t now_us)
{
	doubt_again(engine, doubt, NULL, now_us);
	forget(engine, doubt);
}

/* Nothing more will be known of the oldest. */
static void overflow(struct engine *engine, struct doubt *oldest)
{
	const struct connection *connection = oldest->connection;

	if (connection)
		log_event(engine->log, LOG_WARN, "invalidation.doubt_forgotten",
			  log_text("pool", connection->pool->settings->name),
			  log_text("endpoint", connection->endpoint->settings->name));
	end(engine, oldest, engine->ticked_us);
}

static void make_room(struct engine *engine, const struct connection *connection, size_t bytes)
{
	if (connection->doubts.count >= DOUBTS_MAX)
		overflow(engine,
			 list_entry(list_first(&connection->doubts), struct doubt, at_link));
	while (engine->doubts.bytes + bytes > DOUBTS_BYTES_MAX &&
	       !list_is_empty(&engine->doubts.all))
		overflow(engine, list_entry(list_first(&engine->doubts.all), struct doubt, link));
}

/* NULL: there is no memory, or too little is allowed for it; then what has been invalidated for it
 * is all. */
static struct doubt *remember(struct engine *engine, const struct exchange *exchange,
			      struct connection *connection)
{
	const size_t bytes = sizeof(struct doubt) + exchange->len;
	struct doubt *doubt = bytes <= DOUBTS_BYTES_MAX / 4 ? malloc(bytes) : NULL;

	if (!doubt)
		return NULL;
	make_room(engine, connection, bytes);
	*doubt = (struct doubt){
		.connection = connection,
		.config = config_hold(exchange->config),
		.rule = &exchange->route->invalidate,
		.encoding = exchange->encoding,
		.len = exchange->len,
	};
	memcpy(doubt->text, exchange->text, exchange->len);
	list_node_init(&doubt->link);
	list_node_init(&doubt->at_link);
	timer_init(&doubt->timer);
	list_append(&engine->doubts.all, &doubt->link);
	list_append(&connection->doubts, &doubt->at_link);
	engine->doubts.bytes += bytes;
	return doubt;
}

/* Whether there is time for one more now. A broker that goes will have none later. */
static bool has_time(struct engine *engine)
{
	if (engine->draining)
		return true;
	if (engine->doubts.left == 0)
		return false;
	engine->doubts.left--;
	return true;
}

static void arm(struct engine *engine, struct doubt *doubt, uint64_t at_us)
{
	timerq_arm(&engine->doubts.timers, &doubt->timer, at_us);
}

/* Where no pings are sent nobody answers them. */
static bool pings(const struct connection *connection)
{
	return connection->pool->settings->probe.interval_us > 0;
}

static void ask_whether_read(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	if (pings(connection) && !connection->ping_waits && !connection->doom)
		link_ping(engine, connection, now_us);
}

void doubts_notified(struct engine *engine, const struct exchange *exchange,
		     struct connection *connection, uint64_t position, uint64_t now_us)
{
	struct doubt *doubt = remember(engine, exchange, connection);

	invalidate_by_text(engine, &exchange->route->invalidate, exchange->encoding,
			   span_of(exchange->text, exchange->len), NULL, now_us);
	if (!doubt)
		return;
	doubt->position = position;
	doubt->timeout_us = exchange->route->timeout_us;
	arm(engine, doubt, now_us + doubt->timeout_us);
	ask_whether_read(engine, connection, now_us);
}

void doubts_ended(struct engine *engine, const struct exchange *exchange)
{
	for (size_t i = 0; i < EXCHANGE_ATTEMPTS_AT_ONCE; i++) {
		struct connection *connection = exchange->attempts[i].connection;
		struct doubt *doubt = connection ? remember(engine, exchange, connection) : NULL;

		if (!doubt)
			continue;
		doubt->id = exchange_id(exchange);
		arm(engine, doubt, engine->ticked_us + DOUBT_AGE_US);
	}
}

void doubts_answered(struct engine *engine, struct connection *connection, uint64_t id,
		     const struct message *answer, uint64_t now_us)
{
	list_each(&connection->doubts, node) {
		struct doubt *doubt = list_entry(node, struct doubt, at_link);

		if (doubt->id != id)
			continue;
		if (!answer->failed)
			doubt_again(engine, doubt, answer, now_us);
		forget(engine, doubt);
		return;
	}
}

static void act_on_pong(struct engine *engine, struct doubt *doubt, uint64_t now_us)
{
	doubt->owed = false;
	doubt_again(engine, doubt, NULL, now_us);
	arm(engine, doubt, now_us + doubt->timeout_us);
}

void doubts_ponged(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	bool more = false;

	list_each(&connection->doubts, node) {
		struct doubt *doubt = list_entry(node, struct doubt, at_link);

		if (doubt->id != 0 || doubt->read)
			continue;
		doubt->read = doubt->position < connection->ping_position;
		more |= !doubt->read;
		if (!doubt->read)
			continue;
		if (has_time(engine)) {
			act_on_pong(engine, doubt, now_us);
			continue;
		}
		doubt->owed = true;
		arm(engine, doubt, now_us);
	}
	if (more)
		ask_whether_read(engine, connection, now_us);
}

void doubts_lost(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	list_each(&connection->doubts, node) {
		struct doubt *doubt = list_entry(node, struct doubt, at_link);

		if (has_time(engine)) {
			end(engine, doubt, now_us);
			continue;
		}
		list_remove(&connection->doubts, &doubt->at_link);
		doubt->connection = NULL;
		doubt->owed = false;
		arm(engine, doubt, now_us);
	}
}

/* A notification that may not even have left: its time begins when it has been read. */
static bool is_unread(const struct doubt *doubt)
{
	return doubt->connection && doubt->id == 0 && !doubt->read && pings(doubt->connection);
}

void doubts_tick(struct engine *engine, uint64_t now_us)
{
	struct timer *timer;

	engine->doubts.left = DOUBTS_A_TURN;
	while (has_time(engine) && (timer = timerq_pop(&engine->doubts.timers, now_us))) {
		struct doubt *doubt = list_entry(timer, struct doubt, timer);

		if (doubt->owed)
			act_on_pong(engine, doubt, now_us);
		else if (!is_unread(doubt))
			end(engine, doubt, now_us);
	}
}
