#include "broker/engine/failover.h"

#include <string.h>

#include "broker/engine/affinity.h"
#include "broker/engine/dispatch.h"
#include "broker/engine/doubts.h"
#include "broker/engine/feeds.h"
#include "broker/engine/invalidate_rule.h"
#include "broker/engine/pause.h"
#include "broker/engine/settle.h"
#include "broker/pool/health.h"

/* Whether a request that had been written may be written once more. */
static bool failover_may_repeat(struct lane *lane, struct exchange *exchange, uint64_t now_us)
{
	if (!exchange->route->idempotent || exchange->attempts_lost >= EXCHANGE_LOSSES_MAX ||
	    exchange->attempts_made >= EXCHANGE_ATTEMPTS_MAX)
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

/* The other attempt is still under way. Should it hang, it must not be the last: it is watched as
 * the first one was. */
static void failover_leave_to_other(struct engine *engine, struct attempt *attempt, uint64_t now_us)
{
	struct exchange *exchange = attempt->exchange;

	settle_attempt(attempt, 0, now_us);
	exchange->second_made = exchange->attempts_made >= EXCHANGE_ATTEMPTS_MAX;
	dispatch_watch(engine, exchange);
	if (exchange->timer.deadline_us < now_us)
		timerq_arm(&engine->timers, &exchange->timer,
			   now_us < exchange->deadline_us ? now_us : exchange->deadline_us);
}

/* It goes on elsewhere, and may have been done where it was lost. */
static void failover_doubt(struct engine *engine, const struct exchange *exchange, bool written,
			   uint64_t now_us)
{
	if (written)
		invalidate_by_doubt(engine, exchange, now_us);
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
		exchange->lost_us = now_us;
		health_bad(attempt->connection->endpoint, FAILURE_CLOSE, now_us - attempt->sent_us,
			   now_us);
	}
	if (exchange->feed) {
		feeds_attempt_lost(engine, exchange, now_us);
		return;
	}
	if (exchange_attempts_out(exchange) > 1) {
		failover_doubt(engine, exchange, written, now_us);
		failover_leave_to_other(engine, attempt, now_us);
		return;
	}
	if (!exchange->session) {
		invalidate_by_doubt(engine, exchange, now_us);
		settle_unheard(engine, exchange, now_us);
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
	failover_doubt(engine, exchange, written, now_us);
	settle_attempt(attempt, 0, now_us);
	exchange->state = EXCHANGE_ACCEPTED;
	dispatch_exchange(engine, exchange, true, now_us);
}

/* Notifications that had not left yet are read back out of the frames: they keep no exchange while
 * they wait in an outbox, since hardly one ever needs to be moved. */
static bool failover_notification(struct engine *engine, struct lane *lane, struct span payload,
				  uint64_t now_us)
{
	enum encoding encoding = lane->pool->settings->encoding;
	const struct route_settings *route;
	struct exchange *exchange;
	struct message message;

	if (envelope_scan(engine->envelope, FROM_CLIENT, encoding, payload, &message) ||
	    message.flaw != FLAW_NONE || message.batch || message.id.at || !message.method.at)
		return false;
	route = route_find(engine->routes, message.method);
	if (!route || route->action != ROUTE_FORWARD ||
	    exchange_create(&exchange, &engine->exchanges, payload.len))
		return false;
	memcpy(exchange->text, payload.at, payload.len);
	engine_bind_route(engine, exchange, route);
	exchange->lane = lane;
	exchange->encoding = encoding;
	exchange->jsonrpc = message.jsonrpc;
	exchange->notification = true;
	exchange->arrived_us = now_us;
	exchange->deadline_us = now_us + route->timeout_us;
	dispatch_exchange(engine, exchange, true, now_us);
	return true;
}

static bool is_data(const struct ws_header *header)
{
	return header->mask && (header->opcode == WS_TEXT || header->opcode == WS_BINARY);
}

/* What greeted this connection, or made it the source of pushes, is nobody's request. */
static bool is_own_word(const struct connection *connection, uint64_t position)
{
	return position < connection->greeting_end ||
	       (position >= connection->calls_begin && position < connection->calls_end);
}

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

		if (is_data(&header) && !is_own_word(connection, position)) {
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
	feeds_connection_lost(engine, connection, now_us);
	doubts_lost(engine, connection, now_us);
}

void failover_blame_late(const struct engine *engine, const struct exchange *exchange,
			 uint64_t now_us)
{
	uint64_t attempt_us = dispatch_attempt_us(exchange);

	for (size_t i = 0; !engine->upstreams_paused && i < EXCHANGE_ATTEMPTS_AT_ONCE; i++) {
		const struct attempt *attempt = &exchange->attempts[i];
		uint64_t from_us = attempt->sent_us > engine->resumed_us ? attempt->sent_us
									 : engine->resumed_us;
		uint64_t age_us = now_us - from_us;

		if (!attempt->connection || age_us < attempt_us)
			continue;
		pool_note_late(attempt->connection, age_us, now_us);
		health_bad(attempt->connection->endpoint, FAILURE_TIMEOUT, age_us, now_us);
	}
}

/* Whether the budget allows one more; the lease goes back when it does not. */
static bool failover_affords(struct lane *lane, struct connection *connection, uint64_t now_us)
{
	if (retry_budget_withdraw(&lane->retries, now_us))
		return true;
	lane->traffic.retries_over_budget++;
	pool_unlease(connection, now_us);
	return false;
}

static bool is_attempt_at(const struct connection *connection, uint64_t position)
{
	list_each(&connection->attempts, node) {
		if (list_entry(node, struct attempt, link)->position == position)
			return true;
	}
	return false;
}

/* What is no request stays: a ping, a call of our own. */
static void rescue_put_back(struct connection *connection, struct span frame)
{
	char *at;

	if (outbox_reserve_beyond(&connection->outbox, frame.len, &at) != WSB_OK)
		return;
	memcpy(at, frame.at, frame.len);
	outbox_commit(&connection->outbox, frame.len);
}

/* Takes the frames that have not begun to leave out of the outbox; what is a notification goes
 * elsewhere, what belongs to an attempt is left out, the rest is put back. */
static void rescue_frames(struct engine *engine, struct lane *lane, struct connection *connection,
			  uint64_t now_us)
{
	struct span unbegun = outbox_unbegun(&connection->outbox);
	uint64_t position = outbox_position(&connection->outbox) - unbegun.len;
	struct strbuf *frames = &engine->joined;
	struct ws_header header;
	struct span rest;

	strbuf_clear(frames);
	strbuf_add(frames, unbegun);
	if (frames->failed)
		return;
	outbox_cut(&connection->outbox);
	for (rest = strbuf_span(frames); wsframe_read(rest, &header) == WSB_OK;) {
		char *payload = frames->text + (rest.at - frames->text) + header.header_len;
		size_t len = header.header_len + header.payload_len;
		bool moved = is_data(&header) && is_attempt_at(connection, position);

		if (!moved && is_data(&header) && !is_own_word(connection, position)) {
			wsframe_mask(payload, header.payload_len, header.mask);
			moved = failover_notification(engine, lane,
						      span_of(payload, header.payload_len), now_us);
			wsframe_mask(payload, header.payload_len, header.mask);
		}
		if (!moved)
			rescue_put_back(connection, span_of(rest.at, len));
		position += len;
		rest = span_of(rest.at + len, rest.len - len);
	}
}

static void rescue_connection(struct engine *engine, struct lane *lane,
			      struct connection *connection, uint64_t now_us)
{
	size_t unbegun = outbox_unbegun(&connection->outbox).len;
	uint64_t from = outbox_position(&connection->outbox) - unbegun;
	uint64_t handed_bytes = connection->outbox.handed_bytes;

	if (connection->carries || connection->doom || unbegun == 0)
		return;
	rescue_frames(engine, lane, connection, now_us);
	/* From the last to the first, as when a connection is lost. */
	for (struct list_node *node = connection->attempts.head.prev, *before = node->prev;
	     node != &connection->attempts.head; node = before, before = node->prev) {
		struct attempt *attempt = list_entry(node, struct attempt, link);

		if (attempt->position < from)
			break;
		failover_attempt(engine, attempt, handed_bytes, now_us);
	}
}

/* Where clients stay, their order would not survive it. */
void failover_rescue(struct engine *engine, struct lane *lane, uint64_t now_us)
{
	lane->pool->rescue = false;
	if (affinity_rules(lane))
		return;
	list_each(&lane->pool->states[CONNECTION_READY], node)
		rescue_connection(engine, lane, list_entry(node, struct connection, state_link),
				  now_us);
}

/* The first attempt takes long: one more elsewhere, the first answer wins. NULL: there is none. */
static struct attempt *failover_once_more(struct engine *engine, struct exchange *exchange,
					  uint64_t now_us)
{
	struct connection *connection;

	if (exchange_attempts_out(exchange) >= EXCHANGE_ATTEMPTS_AT_ONCE ||
	    dispatch_lease(engine, exchange, now_us, &connection) != LEASE_OK ||
	    !failover_affords(exchange->lane, connection, now_us) ||
	    !dispatch_send(engine, exchange, connection, now_us))
		return NULL;
	return exchange_attempt_on(exchange, connection);
}

/* When it cannot be made, attempt_timeout is still to come. */
static void failover_hedge(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	uint64_t from_us = exchange->latest_us;
	struct attempt *attempt;

	exchange->hedge_tried = true;
	exchange->second_made = true;
	attempt = failover_once_more(engine, exchange, now_us);
	if (attempt) {
		attempt->hedge = true;
		exchange->hedged = true;
		exchange->hedge_from_us = from_us;
		return;
	}
	exchange->second_made = false;
	dispatch_watch(engine, exchange);
}

static void failover_second_attempt(struct engine *engine, struct exchange *exchange,
				    uint64_t now_us)
{
	if (now_us < exchange->latest_us + dispatch_attempt_us(exchange)) {
		failover_hedge(engine, exchange, now_us);
		return;
	}
	exchange->second_made = true;
	if (failover_once_more(engine, exchange, now_us))
		exchange->lane->traffic.second_attempts++;
	else
		dispatch_watch(engine, exchange);
}

/* Whether another attempt is out that may still be answered in good time. */
static bool failover_other_is_young(const struct exchange *exchange, const struct attempt *attempt,
				    uint64_t now_us)
{
	for (size_t i = 0; i < EXCHANGE_ATTEMPTS_AT_ONCE; i++) {
		const struct attempt *other = &exchange->attempts[i];

		if (other != attempt && other->connection &&
		    now_us - other->sent_us < dispatch_attempt_us(exchange))
			return true;
	}
	return false;
}

bool failover_refused(struct engine *engine, struct attempt *attempt, uint64_t now_us)
{
	struct exchange *exchange = attempt->exchange;
	struct lane *lane = exchange->lane;
	struct connection *connection;

	if (!exchange->route->idempotent || !exchange->session || affinity_rules(lane))
		return false;
	if (failover_other_is_young(exchange, attempt, now_us)) {
		failover_leave_to_other(engine, attempt, now_us);
		return true;
	}
	if (exchange->attempts_made >= EXCHANGE_ATTEMPTS_MAX ||
	    dispatch_lease_elsewhere(exchange, now_us, &connection) != LEASE_OK ||
	    !failover_affords(lane, connection, now_us))
		return false;
	lane->traffic.retries_refused++;
	settle_attempt(attempt, 0, now_us);
	dispatch_send(engine, exchange, connection, now_us);
	return true;
}

void failover_queue_age(struct engine *engine, struct exchange *exchange, uint64_t now_us)
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
		failover_blame_late(engine, exchange, now_us);
		settle_error(engine, exchange, RESULT_TIMEOUT, "timeout", NULL, now_us);
	}
}
