#include "broker/engine/failover.h"

#include <string.h>

#include "broker/engine/affinity.h"
#include "broker/engine/dispatch.h"
#include "broker/engine/feeds.h"
#include "broker/engine/pause.h"
#include "broker/engine/settle.h"

/* Whether a request that had been written may be written once more. */
static bool failover_may_repeat(struct lane *lane, struct exchange *exchange, uint64_t now_us)
{
	if (!exchange->route->idempotent || exchange->attempts_lost >= EXCHANGE_ATTEMPTS_MAX)
		return false;
	if (retry_budget_withdraw(&lane->retries, now_us))
		return true;
	lane->traffic.retries_over_budget++;
	return false;
}

/* Where clients stay on a connection, their notifications keep an exchange until they leave it. */
static void failover_kept_notification(struct engine *engine, struct attempt *attempt, bool written,
				       uint64_t now_us)
{
	struct exchange *exchange = attempt->exchange;

	if (written) {
		settle_silently(engine, exchange, RESULT_COUNT, now_us);
		return;
	}
	settle_attempt(attempt, 0, now_us);
	exchange->state = EXCHANGE_ACCEPTED;
	dispatch_exchange(engine, exchange, true, now_us);
}

static void failover_attempt(struct engine *engine, struct attempt *attempt, uint64_t handed_bytes,
			     uint64_t now_us)
{
	struct exchange *exchange = attempt->exchange;
	struct lane *lane = exchange->lane;
	bool written = attempt->position < handed_bytes;

	if (exchange->notification) {
		failover_kept_notification(engine, attempt, written, now_us);
		return;
	}
	if (written) {
		exchange->attempts_lost++;
		endpoint_failed(attempt->connection->endpoint);
	}
	if (exchange->feed) {
		feeds_attempt_lost(engine, exchange, now_us);
		return;
	}
	if (exchange_attempts_out(exchange) > 1) {
		/* The other attempt is still under way. */
		settle_attempt(attempt, 0, now_us);
		return;
	}
	if (!exchange->session) {
		settle_silently(engine, exchange, RESULT_ABANDONED, now_us);
		return;
	}
	if (written && !failover_may_repeat(lane, exchange, now_us)) {
		settle_error(engine, exchange, RESULT_UPSTREAM_LOST, "upstream_lost", NULL, now_us);
		return;
	}
	if (written)
		lane->traffic.retries_written++;
	else
		lane->traffic.retries_unsent++;
	settle_attempt(attempt, 0, now_us);
	exchange->state = EXCHANGE_ACCEPTED;
	dispatch_exchange(engine, exchange, true, now_us);
}

/* Notifications that had not left yet are read back out of the frames: they keep no exchange while
 * they wait in an outbox, since hardly one ever needs to be moved. */
static void failover_notification(struct engine *engine, struct lane *lane, struct span payload,
				  uint64_t now_us)
{
	enum encoding encoding = lane->pool->settings->encoding;
	const struct route_settings *route;
	struct exchange *exchange;
	struct message message;

	if (envelope_scan(engine->envelope, FROM_CLIENT, encoding, payload, &message) ||
	    message.flaw != FLAW_NONE || message.batch || message.id.at || !message.method.at)
		return;
	route = route_find(engine->routes, message.method);
	if (!route || route->action != ROUTE_FORWARD ||
	    exchange_create(&exchange, &engine->exchanges, payload.len))
		return;
	memcpy(exchange->text, payload.at, payload.len);
	engine_bind_route(engine, exchange, route);
	exchange->lane = lane;
	exchange->encoding = encoding;
	exchange->jsonrpc = message.jsonrpc;
	exchange->notification = true;
	exchange->arrived_us = now_us;
	exchange->deadline_us = now_us + route->timeout_us;
	dispatch_exchange(engine, exchange, true, now_us);
}

/* What greeted this connection is nobody's request and stays behind. */
static void failover_unsent_frames(struct engine *engine, struct lane *lane,
				   struct connection *connection, uint64_t now_us)
{
	struct span unbegun = outbox_unbegun(&connection->outbox);
	uint64_t position = outbox_position(&connection->outbox) - unbegun.len;
	struct strbuf *frames = &engine->joined;
	struct ws_header header;
	struct span rest;

	strbuf_clear(frames);
	strbuf_add(frames, unbegun);
	for (rest = strbuf_span(frames); wsframe_read(rest, &header) == WSB_OK;) {
		char *payload = frames->text + (rest.at - frames->text) + header.header_len;
		size_t len = header.header_len + header.payload_len;

		if (position >= connection->greeting_end && header.mask &&
		    (header.opcode == WS_TEXT || header.opcode == WS_BINARY)) {
			wsframe_mask(payload, header.payload_len, header.mask);
			failover_notification(engine, lane, span_of(payload, header.payload_len),
					      now_us);
		}
		position += len;
		rest = span_of(rest.at + len, rest.len - len);
	}
}

/* The one that was put into the outbox last; NULL: none is left. */
static struct attempt *last_attempt(const struct connection *connection)
{
	const struct list *const lists[] = {&connection->attempts, &connection->notifications};
	struct attempt *last = NULL;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct attempt *attempt = list_entry(lists[i]->head.prev, struct attempt, link);

		if (!list_is_empty(lists[i]) && (!last || attempt->position > last->position))
			last = attempt;
	}
	return last;
}

void failover_connection(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	struct lane *lane = engine_lane_of_pool(engine, connection->pool);
	uint64_t handed_bytes = connection->outbox.handed_bytes;
	struct attempt *attempt;

	affinity_lose(lane, connection);
	if (connection->ready_at_us != 0 && outbox_bytes(&connection->outbox) > 0 &&
	    !affinity_rules(lane))
		failover_unsent_frames(engine, lane, connection, now_us);
	/* From the last to the first: each goes to the front of its client's line, so that they end
	 * up there in the order in which they came. */
	while ((attempt = last_attempt(connection)))
		failover_attempt(engine, attempt, handed_bytes, now_us);
	if (!list_is_empty(&connection->feeds))
		feeds_connection_lost(engine, connection, now_us);
}

/* The first attempt takes long: one more elsewhere, the first answer wins. */
static void failover_second_attempt(struct engine *engine, struct exchange *exchange,
				    uint64_t now_us)
{
	struct lane *lane = exchange->lane;
	struct connection *connection;

	exchange->second_made = true;
	timerq_arm(&engine->timers, &exchange->timer, exchange->deadline_us);
	if (exchange_attempts_out(exchange) >= EXCHANGE_ATTEMPTS_AT_ONCE)
		return;
	if (dispatch_lease(engine, exchange, now_us, &connection) != LEASE_OK)
		return;
	if (!retry_budget_withdraw(&lane->retries, now_us)) {
		lane->traffic.retries_over_budget++;
		pool_return(connection, 0, now_us);
		return;
	}
	lane->traffic.second_attempts++;
	dispatch_send(engine, exchange, connection, now_us);
}

static void failover_blame_all(const struct exchange *exchange)
{
	for (size_t i = 0; i < EXCHANGE_ATTEMPTS_AT_ONCE; i++) {
		if (exchange->attempts[i].connection)
			endpoint_failed(exchange->attempts[i].connection->endpoint);
	}
}

static void failover_queue_age(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	struct lane *lane = exchange->lane;

	if (exchange->notification) {
		engine->stats.oddities[ODD_NOTIFICATION_EXPIRED]++;
		settle_silently(engine, exchange, RESULT_COUNT, now_us);
	} else if (lane->pool->ready_count == 0) {
		settle_error(engine, exchange, RESULT_UNAVAILABLE, "unavailable", "pools.queue.age",
			     now_us);
	} else {
		settle_error(engine, exchange, RESULT_OVERLOADED, "overloaded", "pools.queue.age",
			     now_us);
	}
}

void failover_timer(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	if (pause_prolongs(engine, exchange, now_us))
		return;
	if (exchange->feed) {
		feeds_timed_out(engine, exchange, now_us);
	} else if (exchange->notification && exchange->state == EXCHANGE_SENT) {
		/* It stays in the outbox of a connection that does not read. */
		settle_silently(engine, exchange, RESULT_COUNT, now_us);
	} else if (exchange->state == EXCHANGE_QUEUED && now_us < exchange->deadline_us) {
		failover_queue_age(engine, exchange, now_us);
	} else if (now_us < exchange->deadline_us) {
		failover_second_attempt(engine, exchange, now_us);
	} else if (exchange->notification) {
		engine->stats.oddities[ODD_NOTIFICATION_EXPIRED]++;
		settle_silently(engine, exchange, RESULT_COUNT, now_us);
	} else {
		failover_blame_all(exchange);
		settle_error(engine, exchange, RESULT_TIMEOUT, "timeout", NULL, now_us);
	}
}
