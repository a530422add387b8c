#include "broker/engine/publish.h"

#include <inttypes.h>

#include "broker/engine/batch.h"
#include "broker/engine/client.h"
#include "broker/engine/feeds.h"
#include "broker/engine/plan.h"
#include "proto/token.h"
#include "proto/value_walk.h"

enum wsb_err publish_init(struct engine *engine)
{
	struct publish *publish = &engine->publish;
	struct plans_next plans;
	enum wsb_err err;

	list_init(&publish->plans);
	list_init(&publish->held);
	fingerprint_init(&publish->fingerprint);
	err = subscriptions_init(&publish->subscriptions, engine->log, plan_hold, plan_release,
				 &engine->rng);
	if (err == WSB_OK)
		err = plans_prepare(&plans, engine->config, engine->lanes);
	if (err == WSB_OK)
		plans_take(engine, &plans);
	return err;
}

void publish_fini(struct engine *engine)
{
	struct publish *publish = &engine->publish;

	if (!publish->plans.head.next)
		return; /* never begun */
	publish_drop_held(engine, NULL, true);
	subscriptions_fini(&publish->subscriptions);
	plans_drop(engine);
	fingerprint_fini(&publish->fingerprint);
	strbuf_fini(&publish->event);
	strbuf_fini(&publish->text);
	strbuf_fini(&publish->text2);
}

void publish_reap(struct engine *engine)
{
	struct subscriptions *subscriptions = &engine->publish.subscriptions;

	if (!list_is_empty(&subscriptions->gone) ||
	    !list_is_empty(&subscriptions->states[SUBSCRIPTION_ENDED]))
		subscriptions_reap(subscriptions);
}

bool publish_admits(struct engine *engine, const struct caller *caller,
		    const struct route_settings *route)
{
	struct lane *lane = engine->lanes[route->pool];

	if (caller->session->kind != SESSION_WEBSOCKET) {
		settle_refuse(engine, caller, lane, RESULT_INVALID, "invalid_request",
			      "a subscription needs a WebSocket", NULL);
		return false;
	}
	if (!caller->wants_answer) {
		settle_refuse(engine, caller, lane, RESULT_INVALID, "invalid_request",
			      "a subscription needs a request with an id", NULL);
		return false;
	}
	if (caller->session->members.count >= engine->config->limits.subscriptions_per_client) {
		settle_refuse(engine, caller, lane, RESULT_OVERLOADED, "overloaded",
			      "the client has too many subscriptions",
			      "limits.subscriptions_per_client");
		return false;
	}
	return true;
}

/* The names of the events that a request asks for: the texts in its params. */
struct asked_names {
	struct span names[SUBSCRIPTION_NAMES_MAX];
	size_t count;
	char unescaped[SUBSCRIPTION_NAMES_MAX][PATH_NAME_MAX * 2];
};

static void names_add(struct asked_names *asked, enum encoding encoding, struct span token)
{
	struct span name;

	if (asked->count == SUBSCRIPTION_NAMES_MAX || token_kind(encoding, token) != TOKEN_STRING)
		return;
	name = token_string(encoding, token, asked->unescaped[asked->count],
			    sizeof(asked->unescaped[0]));
	if (name.at)
		asked->names[asked->count++] = name;
}

static void names_read(struct asked_names *asked, const struct message *message)
{
	struct value_walk walk;
	struct span value;

	asked->count = 0;
	if (!message->params.at)
		return;
	names_add(asked, message->encoding, message->params);
	if (!value_walk_begin(&walk, message->encoding, message->params))
		return;
	while (value_walk_next(&walk, NULL, &value))
		names_add(asked, message->encoding, value);
}

/* What two requests have in common exactly when one upstream subscription does for both. */
static struct span publish_key(struct engine *engine, const struct plan *plan,
			       const struct message *message)
{
	const struct subscribe_settings *settings = &plan->route->subscribe;
	const struct span without[] = {message->id, message->options};
	struct fingerprint *fingerprint = &engine->publish.fingerprint;

	fingerprint_begin(fingerprint);
	fingerprint_add_bytes(fingerprint, span_text(plan->lane->pool->settings->name));
	fingerprint_add_bytes(fingerprint, span_text(settings->unsubscribe));
	fingerprint_add_bytes(fingerprint, plan->notification);
	fingerprint_add_bytes(fingerprint, span_text(settings->id ? settings->id : ""));
	if (fingerprint_add_value(fingerprint, message->encoding,
				  value_trim(message->encoding, message->text), without, 2)) {
		/* Nobody can say what it is equal to. */
		fingerprint_begin(fingerprint);
		fingerprint_add_number(fingerprint, ++engine->publish.unique);
	}
	return fingerprint_bytes(fingerprint);
}

static enum wsb_err publish_open(struct engine *engine, struct plan *plan,
				 const struct exchange *exchange, const struct message *message,
				 struct subscription **out)
{
	struct subscriptions *subscriptions = &engine->publish.subscriptions;
	struct subscription_origin origin = {
		.key = publish_key(engine, plan, message),
		.plan = plan,
		.request = span_of(exchange->text, exchange->len),
		.id_at = exchange->id_at,
		.id_len = exchange->id_len,
		.encoding = exchange->encoding,
		.jsonrpc = exchange->jsonrpc,
	};
	struct asked_names asked = {.count = 0};

	*out = subscription_find(subscriptions, origin.key);
	if (*out)
		return WSB_OK;
	if (plan->form == EVENTS_BY_NAME)
		names_read(&asked, message);
	origin.names = asked.names;
	origin.name_count = asked.count;
	return subscription_create(out, subscriptions, &origin);
}

/* Where events carry no id, a client hears each once, however often it has subscribed. */
static bool hears_already(const struct subscription *subscription, const struct session *session)
{
	list_each(&session->members, node) {
		if (list_entry(node, struct member, client_link)->subscription == subscription)
			return true;
	}
	return false;
}

static void publish_answer_member(struct engine *engine, struct member *member,
				  const struct connection *connection, uint64_t upstream_us,
				  uint64_t now_us);

void publish_subscribe(struct engine *engine, struct exchange *exchange,
		       const struct message *message, uint64_t now_us)
{
	struct plan *plan = plan_of(engine, exchange->route);
	struct session *session = exchange->session;
	struct subscription *subscription;
	struct member *member;
	bool twice;

	if (publish_open(engine, plan, exchange, message, &subscription)) {
		settle_error(engine, exchange, RESULT_OVERLOADED, "overloaded", "limits.memory",
			     now_us);
		return;
	}
	twice = plan->form >= EVENTS_BY_NAME && hears_already(subscription, session);
	if (member_create(&member, &engine->publish.subscriptions, subscription, session,
			  &session->members)) {
		settle_error(engine, exchange, RESULT_OVERLOADED, "overloaded", "limits.memory",
			     now_us);
		return;
	}
	if (twice)
		member->names = 0;
	member->waiter = exchange;
	exchange->member = member;
	exchange->state = EXCHANGE_SHARED;
	if (subscription->answer) {
		const struct feed *feed = subscription->feed;

		publish_answer_member(engine, member, feed ? feed->connection : NULL, 0, now_us);
	} else if (!subscription->feed && subscription->ask_until_us == 0) {
		feeds_begin(engine, subscription, now_us);
	}
}

/* The upstream's answer with the member's own id in it, in the encoding of its request. */
static enum wsb_err compose_answer_of(struct engine *engine, const struct member *member,
				      enum encoding encoding, struct message *answer)
{
	const struct subscription *subscription = member->subscription;
	struct span whole = span_of(subscription->answer, subscription->answer_len);
	struct strbuf *text = &engine->publish.text;
	size_t end = subscription->own_at + subscription->own_len;
	enum wsb_err err;

	strbuf_clear(text);
	strbuf_add(text, span_of(whole.at, subscription->own_at));
	if (subscription->own_len > 0)
		strbuf_add(text, own_token_span(&member->own, subscription->answer_encoding));
	strbuf_add(text, span_of(whole.at + end, whole.len - end));
	if (encoding != subscription->answer_encoding) {
		strbuf_clear(&engine->publish.text2);
		err = transcode(subscription->answer_encoding, encoding, strbuf_span(text),
				&engine->publish.text2);
		if (err)
			return err;
		text = &engine->publish.text2;
	}
	if (text->failed)
		return WSB_ENOMEM;
	return envelope_scan(engine->envelope, FROM_UPSTREAM, encoding, strbuf_span(text), answer);
}

static void publish_answer_member(struct engine *engine, struct member *member,
				  const struct connection *connection, uint64_t upstream_us,
				  uint64_t now_us)
{
	struct subscription *subscription = member->subscription;
	struct exchange *exchange = member->waiter;
	struct message answer;

	if (subscription->plan->form == EVENTS_BY_REQUEST)
		own_token_copy(&member->own, exchange->encoding, exchange_client_id(exchange));
	else if (subscription->own_len > 0)
		mint_make(&engine->publish.subscriptions.mint, &subscription->look, &member->own);
	if (compose_answer_of(engine, member, exchange->encoding, &answer)) {
		settle_error(engine, exchange, RESULT_UPSTREAM_LOST, "not_transcodable", NULL,
			     now_us);
		return;
	}
	member->waiter = NULL;
	exchange->member = NULL;
	if (exchange->batch) {
		member->batch = exchange->batch;
		exchange->batch->subscribes = true;
	}
	settle_answer(engine, exchange, &answer, connection, upstream_us, now_us);
}

void publish_answer_all(struct engine *engine, struct subscription *subscription,
			const struct connection *connection, uint64_t upstream_us, uint64_t now_us)
{
	list_each(&subscription->members, node) {
		struct member *member = list_entry(node, struct member, link);

		if (member->waiter)
			publish_answer_member(engine, member, connection, upstream_us, now_us);
	}
}

void publish_refuse_all(struct engine *engine, struct subscription *subscription,
			const struct message *answer, const struct connection *connection,
			uint64_t upstream_us, uint64_t now_us)
{
	list_each(&subscription->members, node) {
		struct exchange *exchange = list_entry(node, struct member, link)->waiter;
		struct message each;

		/* Each time anew: whoever wants it in the other encoding rewrites it. */
		if (exchange && envelope_scan(engine->envelope, FROM_UPSTREAM, answer->encoding,
					      answer->text, &each) == WSB_OK)
			settle_answer(engine, exchange, &each, connection, upstream_us, now_us);
	}
}

void publish_fail_all(struct engine *engine, struct subscription *subscription,
		      enum request_result result, const char *reason, const char *limit,
		      uint64_t now_us)
{
	list_each(&subscription->members, node) {
		struct exchange *exchange = list_entry(node, struct member, link)->waiter;

		if (exchange)
			settle_error(engine, exchange, result, reason, limit, now_us);
	}
}

/* Until when it is kept for the next who comes. */
static uint64_t linger_until(const struct engine *engine, const struct member *member,
			     uint64_t now_us)
{
	const struct plan *plan = member->subscription->plan;

	return now_us + (engine->draining ? 0 : plan->route->subscribe.linger_us);
}

static void publish_leave(struct engine *engine, struct member *member, uint64_t now_us)
{
	member_destroy(&engine->publish.subscriptions, member,
		       linger_until(engine, member, now_us));
}

void publish_waiter_ended(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	struct member *member = exchange->member;

	exchange->member = NULL;
	member->waiter = NULL;
	publish_leave(engine, member, now_us);
}

void publish_client_gone(struct engine *engine, struct session *session, uint64_t now_us)
{
	struct list_node *node;

	while ((node = list_first(&session->members)))
		publish_leave(engine, list_entry(node, struct member, client_link), now_us);
}

static struct member *find_by_id(const struct session *session, const struct plan *plan,
				 enum encoding encoding, struct span id)
{
	list_each(&session->members, node) {
		struct member *member = list_entry(node, struct member, client_link);
		struct span own = own_token_span(&member->own, ENCODING_JSON);

		if (member->subscription->plan == plan && !member->waiter && own.at &&
		    token_equal(encoding, id, own))
			return member;
	}
	return NULL;
}

static bool leave_by_id(struct engine *engine, const struct caller *caller, const struct plan *plan,
			const struct message *message, uint64_t now_us)
{
	struct span id = path_first(&plan->unsubscribe_id, message);
	struct member *member =
		id.at ? find_by_id(caller->session, plan, caller->encoding, id) : NULL;

	if (!member)
		return false;
	publish_leave(engine, member, now_us);
	settle_result(engine, caller, span_text("true"));
	return true;
}

/* Which of the subscription's names are among those asked for, one bit each. */
static uint64_t names_matching(const struct subscription *subscription,
			       const struct asked_names *asked)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < subscription->name_count; i++)
		for (size_t k = 0; k < asked->count; k++)
			if (span_equal(subscription->names[i], asked->names[k]))
				bits |= UINT64_C(1) << i;
	return bits;
}

/* The result of the upstream's answer to the subscribe request, as JSON: where events have no id,
 * servers answer both requests in the same words. */
static bool answer_result(struct engine *engine, const struct subscription *subscription,
			  struct strbuf *out)
{
	struct message answer;

	strbuf_clear(out);
	return subscription->answer &&
	       envelope_scan(engine->envelope, FROM_UPSTREAM, subscription->answer_encoding,
			     span_of(subscription->answer, subscription->answer_len),
			     &answer) == WSB_OK &&
	       answer.result.at &&
	       transcode(answer.encoding, ENCODING_JSON, answer.result, out) == WSB_OK;
}

static bool leave_by_name(struct engine *engine, const struct caller *caller,
			  const struct plan *plan, const struct message *message, uint64_t now_us)
{
	struct strbuf *result = &engine->publish.text;
	struct asked_names asked;
	bool left = false;

	names_read(&asked, message);
	list_each(&caller->session->members, node) {
		struct member *member = list_entry(node, struct member, client_link);
		struct subscription *subscription = member->subscription;
		uint64_t known = (UINT64_C(1) << subscription->name_count) - 1;
		uint64_t bits = names_matching(subscription, &asked);

		if (subscription->plan != plan || member->waiter)
			continue;
		/* One without names is there for its client's other one. */
		if (plan->form == EVENTS_BY_NAME && !(member->names ? bits & member->names : bits))
			continue;
		if (!left)
			left = answer_result(engine, subscription, result);
		member->names &= ~bits;
		if (plan->form == EVENTS_ALL || !(member->names & known))
			publish_leave(engine, member, now_us);
	}
	if (left)
		settle_result(engine, caller, strbuf_span(result));
	return left;
}

bool publish_unsubscribe(struct engine *engine, const struct caller *caller,
			 const struct message *message, uint64_t now_us)
{
	bool known = false;

	list_each(&engine->publish.plans, node) {
		const struct plan *plan = list_entry(node, struct plan, link);

		if (!span_is(message->method, plan->route->subscribe.unsubscribe))
			continue;
		known = true;
		if (plan->form >= EVENTS_BY_NAME
			    ? leave_by_name(engine, caller, plan, message, now_us)
			    : leave_by_id(engine, caller, plan, message, now_us))
			return true;
	}
	/* Not one of the caller's: that harms nobody. */
	if (known)
		settle_result(engine, caller, span_text("false"));
	return known;
}
