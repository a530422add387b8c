#include "broker/engine/intake.h"

#include <string.h>

#include "broker/engine/batch.h"
#include "broker/engine/builtin.h"
#include "broker/engine/cached.h"
#include "broker/engine/client.h"
#include "broker/engine/dispatch.h"
#include "broker/engine/foresee.h"
#include "broker/engine/publish.h"
#include "broker/engine/settle.h"
#include "broker/engine/unreadable.h"

static struct caller caller_of(struct session *session, const struct message *message,
			       struct batch *batch, uint32_t slot)
{
	return (struct caller){
		.session = session,
		.batch = batch,
		.batch_slot = slot,
		.jsonrpc = message->jsonrpc,
		.wants_answer = message->id.at != NULL,
		.encoding = message->encoding,
		.id = message->id,
		.method = message->method,
	};
}

/* Whether the message is a usable one; it has been answered if not. */
static bool intake_check(struct engine *engine, struct session *session,
			 const struct message *message, struct caller *caller, uint64_t now_us)
{
	static const char *const flaws[] = {
		[FLAW_NOT_AN_OBJECT] = "the message is neither an object nor an array",
		[FLAW_DUPLICATE] = "a member of the envelope stands twice",
		[FLAW_ID_TYPE] = "the id is neither a string, a number nor null",
		[FLAW_METHOD_TYPE] = "the method is not a string",
	};
	const char *text = flaws[message->flaw];

	if (message->flaw == FLAW_NONE && !message->method.at)
		text = "the message names no method";
	if (text) {
		caller->wants_answer = true;
		unreadable_note(engine, session, message->encoding, message->text);
		settle_refuse(engine, caller, NULL, RESULT_INVALID, "invalid_request", text, NULL);
		return false;
	}
	if (!quota_take(session->quota, now_us)) {
		settle_refuse(engine, caller, NULL, RESULT_RATE_LIMITED, "rate_limited",
			      "the client's budget of requests is used up",
			      "limits.rate_per_client");
		return false;
	}
	return true;
}

/* What the request's `wsbroker` member asks for. False: it has been answered. */
static bool intake_options(struct engine *engine, const struct message *message,
			   const struct caller *caller, const struct route_settings *route,
			   struct request_options *options)
{
	char why[128];

	*options = (struct request_options){0};
	if (!message->options.at)
		return true;
	if (request_options_read(message->encoding, message->options, options, why, sizeof(why))) {
		settle_refuse(engine, caller, NULL, RESULT_INVALID, "invalid_request", why, NULL);
		return false;
	}
	if (options->cache == CACHE_ONLY && !route->cache.enabled) {
		settle_refuse(engine, caller, NULL, RESULT_NOT_CACHED, "not_cached",
			      "no fresh entry is cached", NULL);
		return false;
	}
	return true;
}

/* The message without what it asks of the broker: its id stands elsewhere by then. */
static __attribute__((noinline)) enum wsb_err
keep_stripped(struct engine *engine, struct exchange **out, const struct message *message)
{
	struct message_edit edit = {.strip_options = true};
	struct span pieces[MESSAGE_PIECES_MAX];
	size_t count = message_splice(message, &edit, pieces);
	struct exchange *exchange;
	struct message stripped;
	size_t len = 0;
	enum wsb_err err;

	for (size_t i = 0; i < count; i++)
		len += pieces[i].len;
	err = exchange_create(&exchange, &engine->exchanges, len);
	if (err)
		return err;
	len = 0;
	for (size_t i = 0; i < count; i++) {
		memcpy(exchange->text + len, pieces[i].at, pieces[i].len);
		len += pieces[i].len;
	}
	if (message->id.at && envelope_scan(engine->envelope, FROM_CLIENT, message->encoding,
					    span_of(exchange->text, len), &stripped) == WSB_OK) {
		exchange->id_at = (uint32_t)(stripped.id.at - exchange->text);
		exchange->id_len = (uint32_t)stripped.id.len;
	}
	*out = exchange;
	return WSB_OK;
}

enum wsb_err request_keep(struct engine *engine, struct exchange **out,
			  const struct message *message)
{
	struct exchange *exchange;
	enum wsb_err err;

	if (message->options.at)
		return keep_stripped(engine, out, message);
	err = exchange_create(&exchange, &engine->exchanges, message->text.len);
	if (err)
		return err;
	memcpy(exchange->text, message->text.at, message->text.len);
	if (message->id.at) {
		exchange->id_at = (uint32_t)(message->id.at - message->text.at);
		exchange->id_len = (uint32_t)message->id.len;
	}
	*out = exchange;
	return WSB_OK;
}

static void intake_forward(struct engine *engine, const struct caller *caller,
			   struct message *message, const struct route_settings *route,
			   const struct request_options *options, uint64_t now_us)
{
	struct lane *lane = engine->lanes[route->pool];
	struct session *session = caller->session;
	struct cached_look look = {.load = false};
	struct exchange *exchange;
	uint64_t timeout_us = options->timeout_us ? options->timeout_us : route->timeout_us;

	if (route->cache.enabled &&
	    cached_answers(engine, caller, message, route, options, &look, now_us))
		return;
	if (request_keep(engine, &exchange, message)) {
		settle_refuse(engine, caller, lane, RESULT_OVERLOADED, "overloaded",
			      "too many requests are in flight", NULL);
		return;
	}
	exchange->session = session;
	exchange->batch = caller->batch;
	exchange->batch_slot = caller->batch_slot;
	engine_bind_route(engine, exchange, route);
	exchange->lane = lane;
	exchange->jsonrpc = caller->jsonrpc;
	exchange->encoding = caller->encoding;
	exchange->explain = options->explain;
	exchange->notification = !caller->wants_answer;
	exchange->arrived_us = now_us;
	exchange->deadline_us = now_us + timeout_us;
	list_append(&session->exchanges, &exchange->session_link);
	session->in_flight++;
	if (exchange->notification) {
		engine->stats.notifications++;
		/* A batch does not wait for a member that gets no answer. */
		exchange->batch = NULL;
		if (caller->batch)
			batch_answer(engine, caller->batch, caller->batch_slot, NULL, 0);
	} else {
		retry_budget_deposit(&lane->retries);
		timerq_arm(&engine->timers, &exchange->timer, exchange->deadline_us);
	}
	if (route->subscribe.unsubscribe)
		publish_subscribe(engine, exchange, message, now_us);
	else if (look.word)
		cached_load(engine, exchange, &look, now_us);
	else
		dispatch_exchange(engine, exchange, false, now_us);
	if (look.load)
		foresee_after(engine, session, message, now_us);
}

static void intake_route(struct engine *engine, const struct caller *caller,
			 struct message *message, const struct route_settings *route,
			 uint64_t now_us)
{
	struct request_options options;

	if (!intake_options(engine, message, caller, route, &options))
		return;
	switch (route->action) {
	case ROUTE_FORWARD:
		if (route->subscribe.unsubscribe && !publish_admits(engine, caller, route))
			return;
		intake_forward(engine, caller, message, route, &options, now_us);
		return;
	case ROUTE_RESPOND:
		settle_respond(engine, caller, route, options.explain);
		return;
	case ROUTE_DENY:
		settle_refuse(engine, caller, NULL, RESULT_METHOD_DENIED, "method_denied",
			      "this method may not be called here", NULL);
		return;
	case ROUTE_DROP:
		settle_drop(engine, caller);
		return;
	}
}

static void intake_request(struct engine *engine, struct session *session, struct message *message,
			   struct batch *batch, uint32_t slot, uint64_t now_us)
{
	struct caller caller = caller_of(session, message, batch, slot);
	const struct route_settings *route;

	if (!intake_check(engine, session, message, &caller, now_us))
		return;
	if (span_begins(message->method, "wsbroker.")) {
		builtin_call(engine, &caller, message, now_us);
		return;
	}
	if (!list_is_empty(&engine->publish.plans) &&
	    publish_unsubscribe(engine, &caller, message, now_us))
		return;
	route = route_find(engine->routes, message->method);
	if (!route) {
		settle_refuse(engine, &caller, NULL, RESULT_NO_ROUTE, "no_route",
			      "no route matches this method", NULL);
		return;
	}
	intake_route(engine, &caller, message, route, now_us);
}

static void refuse_batch(struct engine *engine, struct session *session,
			 const struct message *message, enum request_result result,
			 const char *reason, const char *text, const char *limit)
{
	struct caller caller = {
		.session = session,
		.jsonrpc = true,
		.wants_answer = true,
		.encoding = message->encoding,
	};

	settle_refuse(engine, &caller, NULL, result, reason, text, limit);
}

static void intake_member(struct engine *engine, struct session *session, struct batch *batch,
			  uint32_t slot, struct span text, uint64_t now_us)
{
	struct message message;
	struct caller caller = {
		.session = session,
		.batch = batch,
		.batch_slot = slot,
		.jsonrpc = true,
		.wants_answer = true,
		.encoding = batch->encoding,
	};

	if (envelope_scan(engine->envelope, FROM_CLIENT, batch->encoding, text, &message)) {
		settle_refuse(engine, &caller, NULL, RESULT_INVALID, "invalid_request", NULL, NULL);
		return;
	}
	if (message.batch) {
		settle_refuse(engine, &caller, NULL, RESULT_INVALID, "invalid_request",
			      "a batch within a batch", NULL);
		return;
	}
	intake_request(engine, session, &message, batch, slot, now_us);
}

static void intake_batch(struct engine *engine, struct session *session, struct message *message,
			 uint64_t now_us)
{
	struct batch_walk walk;
	struct span member;
	struct batch *batch;
	uint32_t slot = 0;

	if (message->members == 0) {
		refuse_batch(engine, session, message, RESULT_INVALID, "invalid_request",
			     "an empty batch", NULL);
		return;
	}
	if (message->members > engine->config->limits.batch) {
		refuse_batch(engine, session, message, RESULT_INVALID, "invalid_request",
			     "too many members in a batch", "limits.batch");
		return;
	}
	batch = batch_create(session, message);
	if (!batch) {
		refuse_batch(engine, session, message, RESULT_OVERLOADED, "overloaded", NULL, NULL);
		return;
	}
	engine->stats.batches++;
	/* The batch stays open until the last member has been handed on, however fast others end.
	 */
	batch_begin(&walk, message);
	while (batch_next(&walk, &member))
		intake_member(engine, session, batch, slot++, member, now_us);
	batch_release(engine, batch);
}

void intake_message(struct engine *engine, struct session *session, struct span payload,
		    bool binary, uint64_t now_us)
{
	enum encoding encoding = encoding_of_frame(binary, payload);
	struct message message;

	engine->stats.messages_in[SIDE_CLIENT]++;
	session->message_us = now_us;
	if (!session->encoding_chosen)
		session->encoding = encoding;
	if (envelope_scan(engine->envelope, FROM_CLIENT, encoding, payload, &message)) {
		unreadable_answer(engine, session, binary, encoding, payload);
		return;
	}
	if (message.batch) {
		intake_batch(engine, session, &message, now_us);
		return;
	}
	intake_request(engine, session, &message, NULL, 0, now_us);
	if (session->kind == SESSION_HTTP && !message.id.at && message.flaw == FLAW_NONE)
		client_send_status(engine, session, 204, 0, encoding, span_of("", 0));
}
