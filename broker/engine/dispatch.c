/* Down: from a client's message to a connection's outbox, or into the queue. */
#include <stdio.h>
#include <string.h>

#include "broker/engine/state.h"

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
	};
}

/* Whether the message is a usable one; it has been answered if not. */
static bool dispatch_check(struct engine *engine, struct session *session,
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
	if (!quota_take(&session->quota, now_us)) {
		settle_refuse(engine, caller, NULL, RESULT_RATE_LIMITED, "rate_limited",
			      "the client's budget of requests is used up",
			      "limits.rate_per_client");
		return false;
	}
	return true;
}

/* What the request's `wsbroker` member asks for. False: it has been answered. */
static bool dispatch_options(struct engine *engine, const struct message *message,
			     const struct caller *caller, struct request_options *options)
{
	char why[128];

	*options = (struct request_options){0};
	if (!message->options.at)
		return true;
	if (request_options_read(message->encoding, message->options, options, why, sizeof(why))) {
		settle_refuse(engine, caller, NULL, RESULT_INVALID, "invalid_request", why, NULL);
		return false;
	}
	if (options->cache == CACHE_ONLY) {
		settle_refuse(engine, caller, NULL, RESULT_NOT_CACHED, "not_cached",
			      "no fresh entry is cached", NULL);
		return false;
	}
	return true;
}

/* Copies the message as it will be forwarded, and notes where its id stands. */
static enum wsb_err exchange_fill(struct engine *engine, struct exchange **out,
				  struct message *message)
{
	struct message_edit edit = {.strip_options = true};
	struct span pieces[MESSAGE_PIECES_MAX] = {message->text};
	size_t count = message->options.at ? message_splice(message, &edit, pieces) : 1;
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
	if (message->id.at && !message->options.at) {
		exchange->id_at = (uint32_t)(message->id.at - message->text.at);
		exchange->id_len = (uint32_t)message->id.len;
	} else if (message->id.at &&
		   envelope_scan(engine->envelope, FROM_CLIENT, message->encoding,
				 span_of(exchange->text, len), &stripped) == WSB_OK) {
		exchange->id_at = (uint32_t)(stripped.id.at - exchange->text);
		exchange->id_len = (uint32_t)stripped.id.len;
	}
	*out = exchange;
	return WSB_OK;
}

static void dispatch_forward(struct engine *engine, const struct caller *caller,
			     struct message *message, const struct route_settings *route,
			     const struct request_options *options, uint64_t now_us)
{
	struct lane *lane = &engine->lanes[route->pool];
	struct session *session = caller->session;
	struct exchange *exchange;
	uint64_t timeout_us = options->timeout_us ? options->timeout_us : route->timeout_us;

	if (exchange_fill(engine, &exchange, message)) {
		settle_refuse(engine, caller, lane, RESULT_OVERLOADED, "overloaded",
			      "too many requests are in flight", NULL);
		return;
	}
	exchange->session = session;
	exchange->batch = caller->batch;
	exchange->batch_slot = caller->batch_slot;
	exchange->route = route;
	exchange->lane = route->pool;
	exchange->jsonrpc = caller->jsonrpc;
	exchange->encoding = caller->encoding;
	exchange->explain = options->explain;
	exchange->notification = !caller->wants_answer;
	exchange->arrived_us = now_us;
	exchange->deadline_us = now_us + timeout_us;
	list_append(&session->exchanges, &exchange->session_link);
	if (exchange->notification) {
		engine->stats.notifications++;
		/* A batch does not wait for a member that gets no answer. */
		exchange->batch = NULL;
		if (caller->batch)
			batch_answer(engine, caller->batch, caller->batch_slot, NULL, 0);
	} else {
		session->in_flight++;
		retry_budget_deposit(&lane->retries);
		timerq_arm(&engine->timers, &exchange->timer, exchange->deadline_us);
	}
	dispatch_exchange(engine, exchange, false, now_us);
}

static void dispatch_route(struct engine *engine, const struct caller *caller,
			   struct message *message, const struct route_settings *route,
			   uint64_t now_us)
{
	struct request_options options;

	if (!dispatch_options(engine, message, caller, &options))
		return;
	switch (route->action) {
	case ROUTE_FORWARD:
		dispatch_forward(engine, caller, message, route, &options, now_us);
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

void dispatch_request(struct engine *engine, struct session *session, struct message *message,
		      struct batch *batch, uint32_t slot, uint64_t now_us)
{
	struct caller caller = caller_of(session, message, batch, slot);
	const struct route_settings *route;

	session->encoding = message->encoding;
	if (!dispatch_check(engine, session, message, &caller, now_us))
		return;
	if (message->jsonrpc && span_begins(message->method, "wsbroker.")) {
		builtin_call(engine, &caller, message->method, now_us);
		return;
	}
	route = route_find(engine->routes, message->method);
	if (!route) {
		settle_refuse(engine, &caller, NULL, RESULT_NO_ROUTE, "no_route",
			      "no route matches this method", NULL);
		return;
	}
	dispatch_route(engine, &caller, message, route, now_us);
}

void dispatch_message(struct engine *engine, struct session *session, struct span payload,
		      bool binary, uint64_t now_us)
{
	enum encoding encoding = encoding_of_frame(binary, payload);
	struct message message;

	engine->stats.messages_in[SIDE_CLIENT]++;
	session->message_us = now_us;
	if (envelope_scan(engine->envelope, FROM_CLIENT, encoding, payload, &message)) {
		unreadable_answer(engine, session, binary, encoding, payload);
		return;
	}
	if (message.batch) {
		batch_accept(engine, session, &message, now_us);
		return;
	}
	dispatch_request(engine, session, &message, NULL, 0, now_us);
	if (session->kind == SESSION_HTTP && !message.id.at && message.flaw == FLAW_NONE)
		client_send_status(engine, session, 204, 0, encoding, span_of("", 0));
}

/* A place on a connection that has not had this request yet. */
enum lease_verdict dispatch_lease(struct lane *lane, const struct exchange *exchange,
				  uint64_t now_us, struct connection **out)
{
	size_t tried = exchange->attempts_made < EXCHANGE_ATTEMPTS_MAX ? exchange->attempts_made
								       : EXCHANGE_ATTEMPTS_MAX;
	enum lease_verdict verdict = pool_lease(lane->pool, exchange->tried, tried, now_us, out);

	/* Where there is no other, the same one again is better than none; but not twice at once.
	 */
	if (verdict != LEASE_OK && tried > 0 && exchange_attempts_out(exchange) == 0)
		verdict = pool_lease(lane->pool, NULL, 0, now_us, out);
	return verdict;
}

static void dispatch_queue(struct engine *engine, struct exchange *exchange, bool again,
			   uint64_t now_us)
{
	struct lane *lane = engine_lane_of(engine, exchange);
	struct fairparty *party = exchange->session
					  ? client_party(engine, exchange->session, exchange->lane)
					  : &lane->orphans;
	uint64_t until_us = now_us + lane->pool->settings->queue.age_us;

	if (!party) {
		settle_error(engine, exchange, RESULT_OVERLOADED, "overloaded", NULL, now_us);
		return;
	}
	if (again) {
		fairqueue_push_again(&lane->queue, party, &exchange->item, exchange->len, now_us);
	} else if (fairqueue_push(&lane->queue, party, &exchange->item, exchange->len, now_us)) {
		settle_error(engine, exchange, RESULT_OVERLOADED, "overloaded",
			     lane->queue.count >= lane->queue.count_max ? "pools.queue.requests"
									: "pools.queue.bytes",
			     now_us);
		return;
	}
	exchange->state = EXCHANGE_QUEUED;
	exchange->queue_until_us = until_us;
	if (exchange->notification || until_us < exchange->deadline_us)
		timerq_arm(&engine->timers, &exchange->timer, until_us);
	else
		timerq_arm(&engine->timers, &exchange->timer, exchange->deadline_us);
}

void dispatch_exchange(struct engine *engine, struct exchange *exchange, bool again,
		       uint64_t now_us)
{
	struct lane *lane = engine_lane_of(engine, exchange);
	struct connection *connection;

	/* Whoever waits already goes first. */
	if ((lane->queue.count == 0 || again) &&
	    dispatch_lease(lane, exchange, now_us, &connection) == LEASE_OK) {
		dispatch_send(engine, exchange, connection, now_us);
		return;
	}
	dispatch_queue(engine, exchange, again, now_us);
}

void dispatch_pump(struct engine *engine, struct lane *lane, uint64_t now_us)
{
	while (lane->queue.count > 0 && pool_has_room(lane->pool)) {
		struct fairitem *item = fairqueue_pop(&lane->queue);
		struct exchange *exchange = list_entry(item, struct exchange, item);
		struct connection *connection;
		uint64_t waited_us = now_us - item->since_us;

		exchange->state = EXCHANGE_ACCEPTED;
		exchange->waited_us += waited_us;
		histogram_record(&lane->traffic.queue_wait, waited_us);
		if (!exchange->notification)
			timerq_arm(&engine->timers, &exchange->timer, exchange->deadline_us);
		if (dispatch_lease(lane, exchange, now_us, &connection) != LEASE_OK) {
			dispatch_queue(engine, exchange, true, now_us);
			return;
		}
		dispatch_send(engine, exchange, connection, now_us);
	}
}

/* The request as this upstream shall see it, as pieces to be framed one after another. */
static enum wsb_err dispatch_compose(struct engine *engine, const struct exchange *exchange,
				     enum encoding upstream, char own_id[OWN_ID_MAX],
				     struct span pieces[3], size_t *count)
{
	size_t end = exchange->id_at + exchange->id_len;
	size_t id_len = own_id_write(envelope_id_form(engine->envelope), exchange->encoding,
				     exchange_id(exchange), own_id);
	enum wsb_err err;

	if (exchange->notification) {
		pieces[0] = span_of(exchange->text, exchange->len);
		*count = 1;
	} else {
		pieces[0] = span_of(exchange->text, exchange->id_at);
		pieces[1] = span_of(own_id, id_len);
		pieces[2] = span_of(exchange->text + end, exchange->len - end);
		*count = 3;
	}
	if (upstream == exchange->encoding)
		return WSB_OK;
	strbuf_clear(&engine->scratch);
	strbuf_clear(&engine->scratch2);
	for (size_t i = 0; i < *count; i++)
		strbuf_add(&engine->scratch, pieces[i]);
	if (engine->scratch.failed)
		return WSB_ENOMEM;
	err = transcode(exchange->encoding, upstream, strbuf_span(&engine->scratch),
			&engine->scratch2);
	pieces[0] = strbuf_span(&engine->scratch2);
	*count = 1;
	return err;
}

/* When to look at this request again: at its deadline, or earlier for a second attempt. */
static void dispatch_watch(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	const struct route_settings *route = exchange->route;
	uint64_t attempt_us = route->attempt_timeout_us
				      ? route->attempt_timeout_us
				      : (exchange->deadline_us - exchange->arrived_us) / 3;

	if (route->idempotent && !exchange->second_made &&
	    now_us + attempt_us < exchange->deadline_us)
		timerq_arm(&engine->timers, &exchange->timer, now_us + attempt_us);
	else if (!timer_is_armed(&exchange->timer) ||
		 exchange->timer.deadline_us != exchange->deadline_us)
		timerq_arm(&engine->timers, &exchange->timer, exchange->deadline_us);
}

static void dispatch_not_sent(struct engine *engine, struct exchange *exchange,
			      struct connection *connection, enum wsb_err err, uint64_t now_us)
{
	pool_return(connection, 0, now_us);
	if (exchange_attempts_out(exchange) > 0)
		return;
	if (err == WSB_EINVAL || err == WSB_EPARSE)
		settle_error(engine, exchange, RESULT_INVALID, "not_transcodable", NULL, now_us);
	else
		settle_error(engine, exchange, RESULT_OVERLOADED, "overloaded", "limits.memory",
			     now_us);
}

bool dispatch_send(struct engine *engine, struct exchange *exchange, struct connection *connection,
		   uint64_t now_us)
{
	enum encoding upstream = connection->pool->settings->encoding;
	uint64_t position = outbox_position(&connection->outbox);
	struct attempt *attempt = exchange_attempt_free(exchange);
	char own_id[OWN_ID_MAX];
	struct span pieces[3];
	size_t count;
	enum wsb_err err = dispatch_compose(engine, exchange, upstream, own_id, pieces, &count);

	if (!err)
		err = wsframe_append(&connection->outbox,
				     upstream == ENCODING_JSON ? WS_TEXT : WS_BINARY,
				     link_mask(engine), pieces, count);
	if (err) {
		dispatch_not_sent(engine, exchange, connection, err, now_us);
		return false;
	}
	engine->stats.messages_out[SIDE_UPSTREAM]++;
	engine->stats.bytes_out[SIDE_UPSTREAM] += outbox_position(&connection->outbox) - position;
	connection->stats.requests++;
	engine->ports->want_write(engine->ports->io, connection->transport);
	if (exchange->notification) {
		pool_return(connection, 0, now_us);
		settle_silently(engine, exchange, RESULT_COUNT, now_us);
		return true;
	}
	attempt->connection = connection;
	attempt->position = position;
	attempt->sent_us = now_us;
	list_append(&connection->attempts, &attempt->link);
	engine_lane_of(engine, exchange)->traffic.attempts++;
	exchange->tried[exchange->attempts_made++ % EXCHANGE_ATTEMPTS_MAX] = connection;
	exchange->state = EXCHANGE_SENT;
	dispatch_watch(engine, exchange, now_us);
	return true;
}
