#include "broker/engine/settle.h"

#include <string.h>

#include "broker/engine/affinity.h"
#include "broker/engine/batch.h"
#include "broker/engine/cached.h"
#include "broker/engine/client.h"
#include "broker/engine/dispatch.h"
#include "broker/engine/doubts.h"
#include "broker/engine/explain.h"
#include "broker/engine/invalidate_rule.h"
#include "broker/engine/publish.h"
#include "broker/engine/record.h"
#include "broker/engine/value.h"

/* What a result is on the wire (SPEC: the broker's error table). */
static const struct {
	int code;
	bool retryable; /* unless something more is known */
	int http_status;
	const char *text;
} results[RESULT_COUNT] = {
	[RESULT_UNAVAILABLE] = {-32000, true, 503, "no upstream connection is up"},
	[RESULT_UPSTREAM_LOST] = {-32001, false, 200, "the upstream connection was lost"},
	[RESULT_TIMEOUT] = {-32002, false, 200, "the deadline has passed"},
	[RESULT_OVERLOADED] = {-32003, true, 503, "too many requests are waiting"},
	[RESULT_RATE_LIMITED] = {-32004, true, 429, "too many requests"},
	[RESULT_NO_ROUTE] = {-32601, false, 200, "no route matches this method"},
	[RESULT_METHOD_DENIED] = {-32601, false, 200, "this method may not be called here"},
	[RESULT_PARSE_ERROR] = {-32700, false, 200, "parse error"},
	[RESULT_INVALID] = {-32600, false, 200, "invalid request"},
	[RESULT_NOT_CACHED] = {-32005, true, 200, "no fresh entry is cached"},
};

static struct caller caller_of(const struct exchange *exchange)
{
	return (struct caller){
		.session = exchange->session,
		.batch = exchange->batch,
		.batch_slot = exchange->batch_slot,
		.jsonrpc = exchange->jsonrpc,
		.wants_answer = !exchange->notification,
		.encoding = exchange->encoding,
		.id = exchange_client_id(exchange),
	};
}

static void note_duration(struct lane *lane, uint64_t duration_us)
{
	histogram_record(&lane->traffic.duration, duration_us);
	recent_record(&lane->traffic.lately, duration_us);
}

static void count_result(struct engine *engine, struct lane *lane, enum request_result result)
{
	if (result == RESULT_COUNT)
		return;
	if (lane)
		lane->traffic.results[result]++;
	else
		engine->stats.results[result]++;
}

static void caller_send(struct engine *engine, const struct caller *caller,
			const struct span *pieces, size_t count)
{
	if (caller->batch)
		batch_answer(engine, caller->batch, caller->batch_slot, pieces, count);
	else if (caller->session)
		client_send(engine, caller->session, caller->encoding, pieces, count);
}

void settle_attempt(struct attempt *attempt, uint64_t latency_us, uint64_t now_us)
{
	struct connection *connection = attempt->connection;

	if (!connection)
		return;
	list_remove(attempt->exchange->notification ? &connection->notifications
						    : &connection->attempts,
		    &attempt->link);
	attempt->connection = NULL;
	if (connection->pool->settings->affinity == AFFINITY_CLIENT)
		affinity_ended(attempt->exchange, connection);
	pool_return(connection, latency_us, now_us);
}

/* What ends while it waits has waited to its end, as `explain` and `requests` tell. */
static void leave_queue(struct exchange *exchange, uint64_t now_us)
{
	if (exchange->state != EXCHANGE_QUEUED)
		return;
	dispatch_waited(exchange, now_us);
	fairqueue_remove(&exchange->lane->queue, &exchange->item);
}

/* The exchange has been answered, or needs no answer. */
static void settle_end(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	struct session *session = exchange->session;

	if (exchange->member)
		publish_waiter_ended(engine, exchange, now_us);
	if (exchange->flight)
		cached_leave(engine, exchange);
	if (exchange->route->invalidate.compiled && !exchange->notification)
		doubts_ended(engine, exchange);
	exchange->lane->traffic.hedges_lost += exchange->hedged;
	timerq_disarm(&engine->timers, &exchange->timer);
	leave_queue(exchange, now_us);
	for (size_t i = 0; i < EXCHANGE_ATTEMPTS_AT_ONCE; i++)
		settle_attempt(&exchange->attempts[i], 0, now_us);
	if (session) {
		list_remove(&session->exchanges, &exchange->session_link);
		client_request_ended(engine, session, now_us);
	}
	config_release(exchange->config);
	exchange_destroy(&engine->exchanges, exchange);
}

static bool is_foreign(const char *reason)
{
	return strcmp(reason, "not_transcodable") == 0;
}

static const char *text_of(enum request_result result, const char *reason)
{
	return is_foreign(reason) ? "the message cannot be carried exactly in the other encoding"
				  : results[result].text;
}

/* The broker's own error, written and sent. connection: the one to blame; NULL: none. */
static void send_error(struct engine *engine, const struct caller *caller, const struct lane *lane,
		       enum request_result result, const char *reason, const char *text,
		       const char *limit, bool retryable, const struct connection *connection,
		       struct span options)
{
	struct reply_to to = {engine->envelope, caller->encoding, caller->jsonrpc, caller->id};
	struct strbuf *data = &engine->scratch;
	struct strbuf *out = &engine->scratch2;
	struct span piece;

	strbuf_clear(data);
	strbuf_clear(out);
	explain_error_data(data, reason, retryable, lane, connection, limit);
	if (data->failed ||
	    reply_error(&to, results[result].code, text ? text : text_of(result, reason),
			strbuf_span(data), options, out))
		return;
	piece = strbuf_span(out);
	if (!caller->batch && caller->session && caller->session->kind == SESSION_HTTP) {
		int status = results[result].http_status;

		client_send_status(engine, caller->session, status, status == 200 ? 0 : 1,
				   caller->encoding, piece);
		return;
	}
	caller_send(engine, caller, &piece, 1);
}

void settle_refuse(struct engine *engine, const struct caller *caller, struct lane *lane,
		   enum request_result result, const char *reason, const char *text,
		   const char *limit)
{
	count_result(engine, lane, result);
	record_refusal(engine, caller, lane, result, reason, limit);
	if (caller->wants_answer)
		send_error(engine, caller, lane, result, reason, text, limit,
			   results[result].retryable, NULL, span_of(NULL, 0));
	else if (caller->batch)
		batch_answer(engine, caller->batch, caller->batch_slot, NULL, 0);
}

/* Whether the same request may be sent once more without harm, and with hope. */
static bool is_retryable(const struct exchange *exchange, enum request_result result,
			 const char *reason)
{
	if (is_foreign(reason))
		return false;
	if (result == RESULT_UPSTREAM_LOST || result == RESULT_TIMEOUT)
		return exchange->route->idempotent || exchange->attempts_made == 0;
	return results[result].retryable;
}

static const struct attempt *blamed_attempt(const struct exchange *exchange)
{
	for (size_t i = 0; i < EXCHANGE_ATTEMPTS_AT_ONCE; i++) {
		if (exchange->attempts[i].connection)
			return &exchange->attempts[i];
	}
	return NULL;
}

void settle_unheard(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	settle_silently(engine, exchange, exchange->own ? RESULT_COUNT : RESULT_ABANDONED, now_us);
}

void settle_error(struct engine *engine, struct exchange *exchange, enum request_result result,
		  const char *reason, const char *limit, uint64_t now_us)
{
	struct lane *lane = exchange->lane;
	struct caller caller = caller_of(exchange);
	const struct attempt *blamed = blamed_attempt(exchange);
	const struct connection *connection = blamed ? blamed->connection : NULL;
	const uint64_t upstream_us = blamed ? now_us - blamed->sent_us : 0;
	struct strbuf *story = &engine->story;

	leave_queue(exchange, now_us);
	invalidate_by_doubt(engine, exchange, now_us);
	if (exchange->notification) {
		/* Nobody is told, so it is counted. */
		engine->stats.oddities[ODD_NOTIFICATION_EXPIRED]++;
		settle_silently(engine, exchange, RESULT_COUNT, now_us);
		return;
	}
	/* An older answer could be carried no better. */
	if (exchange->flight && !is_foreign(reason) &&
	    cached_rescue(engine, exchange, result, now_us))
		return;
	if (!exchange->session && !exchange->batch) {
		settle_unheard(engine, exchange, now_us);
		return;
	}
	count_result(engine, lane, result);
	note_duration(lane, now_us - exchange->arrived_us);
	record_request(engine,
		       &(struct explanation){.exchange = exchange,
					     .connection = connection,
					     .upstream_us = upstream_us,
					     .reason = reason},
		       result, limit, now_us);
	strbuf_clear(story);
	if (exchange->explain)
		explain_write(story, &(struct explanation){.lane = lane,
							   .exchange = exchange,
							   .connection = connection,
							   .upstream_us = upstream_us,
							   .reason = reason});
	send_error(engine, &caller, lane, result, reason, NULL, limit,
		   is_retryable(exchange, result, reason), connection,
		   exchange->explain ? strbuf_span(story) : span_of(NULL, 0));
	settle_end(engine, exchange, now_us);
}

void settle_silently(struct engine *engine, struct exchange *exchange, enum request_result result,
		     uint64_t now_us)
{
	count_result(engine, exchange->lane, result);
	if (exchange->batch)
		batch_answer(engine, exchange->batch, exchange->batch_slot, NULL, 0);
	settle_end(engine, exchange, now_us);
}

/* An answer in the other encoding is rewritten whole, then read again for its parts. */
static enum wsb_err answer_transcode(struct engine *engine, const struct exchange *exchange,
				     struct message *answer)
{
	enum wsb_err err;

	strbuf_clear(&engine->scratch);
	err = transcode(answer->encoding, exchange->encoding, answer->text, &engine->scratch);
	if (err)
		return err;
	return envelope_scan(engine->envelope, FROM_UPSTREAM, exchange->encoding,
			     strbuf_span(&engine->scratch), answer);
}

static void answer_send(struct engine *engine, struct exchange *exchange, struct message *answer,
			const struct connection *connection, uint64_t upstream_us)
{
	struct caller caller = caller_of(exchange);
	struct message_edit edit = {.id = caller.id};
	struct span pieces[MESSAGE_PIECES_MAX];

	strbuf_clear(&engine->story);
	if (exchange->explain) {
		const char *reason = exchange->cache_reason;
		struct strbuf *json =
			exchange->encoding == ENCODING_JSON ? &engine->story : &engine->scratch2;

		strbuf_clear(json);
		explain_write(json, &(struct explanation){.lane = exchange->lane,
							  .exchange = exchange,
							  .connection = connection,
							  .upstream_us = upstream_us,
							  .reason = reason ? reason : "forwarded"});
		if (exchange->encoding == ENCODING_JSON ||
		    transcode(ENCODING_JSON, ENCODING_MSGPACK, strbuf_span(json), &engine->story) ==
			    WSB_OK)
			edit.options = strbuf_span(&engine->story);
	}
	caller_send(engine, &caller, pieces, message_splice(answer, &edit, pieces));
}

void settle_answer(struct engine *engine, struct exchange *exchange, struct message *answer,
		   const struct connection *connection, uint64_t upstream_us, uint64_t now_us)
{
	struct lane *lane = exchange->lane;
	enum request_result result;

	if (!exchange->session && !exchange->batch) {
		settle_unheard(engine, exchange, now_us);
		return;
	}
	if (answer->encoding != exchange->encoding &&
	    answer_transcode(engine, exchange, answer) != WSB_OK) {
		engine->stats.oddities[ODD_NOT_TRANSCODABLE]++;
		settle_error(engine, exchange, RESULT_UPSTREAM_LOST, "not_transcodable", NULL,
			     now_us);
		return;
	}
	result = answer->failed ? RESULT_ERROR : RESULT_OK;
	count_result(engine, lane, result);
	note_duration(lane, now_us - exchange->arrived_us);
	if (requests_want(&engine->requests, result, now_us - exchange->arrived_us))
		record_request(engine,
			       &(struct explanation){.exchange = exchange,
						     .connection = connection,
						     .upstream_us = upstream_us,
						     .reason = "forwarded"},
			       result, NULL, now_us);
	answer_send(engine, exchange, answer, connection, upstream_us);
	settle_end(engine, exchange, now_us);
}

/* What is to be said to it cannot be carried in its encoding. */
static void send_foreign(struct engine *engine, const struct caller *caller,
			 const struct lane *lane, struct span options)
{
	engine->stats.oddities[ODD_NOT_TRANSCODABLE]++;
	send_error(engine, caller, lane, RESULT_UPSTREAM_LOST, "not_transcodable", NULL, NULL,
		   false, NULL, options);
}

/* Out of the cache, or as another request's answer brought it. False: the caller's encoding cannot
 * carry it, and an error says so. */
static bool value_send(struct engine *engine, const struct caller *caller,
		       const struct cache_value *value, const struct explanation *why,
		       struct lane *lane)
{
	struct value_letter letter;

	strbuf_clear(&engine->story);
	if (why)
		explain_write(&engine->story, why);
	if (value_compose(engine, value, caller, strbuf_span(&engine->story), &letter) != WSB_OK) {
		send_foreign(engine, caller, lane,
			     why ? strbuf_span(&engine->story) : span_of(NULL, 0));
		return false;
	}
	caller_send(engine, caller, letter.pieces, letter.count);
	return true;
}

void settle_hit(struct engine *engine, const struct caller *caller, struct lane *lane,
		const struct cache_value *value, const struct explanation *why, bool explain)
{
	enum request_result result = RESULT_CACHED;

	if (!value_send(engine, caller, value, explain ? why : NULL, lane))
		result = RESULT_UPSTREAM_LOST;
	count_result(engine, lane, result);
	note_duration(lane, 0);
	if (requests_want(&engine->requests, result, 0))
		record_hit(engine, caller, why, result);
}

void settle_shared(struct engine *engine, struct exchange *exchange,
		   const struct cache_value *value, enum request_result result,
		   const struct explanation *why, uint64_t now_us)
{
	struct lane *lane = exchange->lane;
	struct caller caller = caller_of(exchange);
	uint64_t duration_us = now_us - exchange->arrived_us;
	struct explanation told = *why;

	told.exchange = exchange;
	leave_queue(exchange, now_us);
	if (!exchange->session && !exchange->batch) {
		settle_unheard(engine, exchange, now_us);
		return;
	}
	if (!value_send(engine, &caller, value, exchange->explain ? why : NULL, lane)) {
		result = RESULT_UPSTREAM_LOST;
		told.reason = "not_transcodable";
	}
	count_result(engine, lane, result);
	note_duration(lane, duration_us);
	if (requests_want(&engine->requests, result, duration_us))
		record_request(engine, &told, result, NULL, now_us);
	settle_end(engine, exchange, now_us);
}

void settle_result(struct engine *engine, const struct caller *caller, struct span result)
{
	struct reply_to to = {engine->envelope, caller->encoding, caller->jsonrpc, caller->id};
	struct span piece;

	count_result(engine, NULL, RESULT_LOCAL);
	strbuf_clear(&engine->scratch2);
	if (!caller->wants_answer) {
		if (caller->batch)
			batch_answer(engine, caller->batch, caller->batch_slot, NULL, 0);
		return;
	}
	if (reply_result(&to, result, span_of(NULL, 0), &engine->scratch2)) {
		send_foreign(engine, caller, NULL, span_of(NULL, 0));
		return;
	}
	piece = strbuf_span(&engine->scratch2);
	caller_send(engine, caller, &piece, 1);
}

void settle_respond(struct engine *engine, const struct caller *caller,
		    const struct route_settings *route, bool explain)
{
	struct reply_to to = {engine->envelope, caller->encoding, caller->jsonrpc, caller->id};
	struct span options = span_of(NULL, 0);
	struct span piece;

	count_result(engine, NULL, RESULT_LOCAL);
	/* A home-grown log-in often carries no id and still waits for its answer. */
	if (!caller->wants_answer && (caller->jsonrpc || caller->batch)) {
		if (caller->batch)
			batch_answer(engine, caller->batch, caller->batch_slot, NULL, 0);
		return;
	}
	strbuf_clear(&engine->story);
	strbuf_clear(&engine->scratch2);
	if (explain) {
		explain_write(&engine->story, &(struct explanation){.reason = "respond"});
		options = strbuf_span(&engine->story);
	}
	if (reply_respond(&to, span_text(route->respond), options, &engine->scratch2)) {
		send_foreign(engine, caller, NULL, options);
		return;
	}
	piece = strbuf_span(&engine->scratch2);
	caller_send(engine, caller, &piece, 1);
}

void settle_drop(struct engine *engine, const struct caller *caller)
{
	count_result(engine, NULL, RESULT_DROPPED);
	if (caller->batch)
		batch_answer(engine, caller->batch, caller->batch_slot, NULL, 0);
	else if (caller->session->kind == SESSION_HTTP)
		client_send_status(engine, caller->session, 204, 0, caller->encoding,
				   span_of("", 0));
}
