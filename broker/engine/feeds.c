#include "broker/engine/feeds.h"

#include <stdlib.h>
#include <string.h>

#include "broker/engine/dispatch.h"
#include "broker/engine/feeds_ask.h"
#include "broker/engine/plan.h"
#include "broker/engine/publish.h"
#include "broker/pool/health.h"
#include "proto/token.h"

/* A subscribe request that was given up may still be answered, and then has to be undone. */
#define ORPHAN_US (10 * US_PER_S)

/* How long both ways are kept open for a pair of equal events to prove that none is missing. */
#define OVERLAP_US (3 * US_PER_S)
bool feeds_key(struct engine *engine, const struct connection *connection, enum encoding encoding,
	       struct span token, uint64_t request, struct span *key)
{
	struct fingerprint *fingerprint = &engine->publish.fingerprint;
	enum wsb_err err = WSB_OK;

	fingerprint_begin(fingerprint);
	fingerprint_add_number(fingerprint, connection->id);
	if (!token.at)
		fingerprint_add_number(fingerprint, request);
	else
		err = fingerprint_add_value(fingerprint, encoding, token, NULL, 0);
	*key = fingerprint_bytes(fingerprint);
	return err == WSB_OK;
}

static struct connection *connection_of(const struct exchange *exchange)
{
	return exchange->attempts[0].connection;
}

void feeds_end_exchange(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	exchange->feed = NULL;
	settle_silently(engine, exchange, RESULT_COUNT, now_us);
}

struct exchange *feeds_exchange(struct engine *engine, struct feed *feed, struct span text,
				enum encoding encoding, uint64_t now_us)
{
	const struct plan *plan = feed->plan;
	struct exchange *exchange;

	if (exchange_create(&exchange, &engine->exchanges, text.len))
		return NULL;
	memcpy(exchange->text, text.at, text.len);
	exchange->feed = feed;
	exchange->lane = plan->lane;
	exchange->route = plan->route;
	exchange->config = config_hold(plan->config);
	exchange->encoding = encoding;
	exchange->jsonrpc = feed->jsonrpc;
	exchange->arrived_us = now_us;
	exchange->deadline_us = now_us + plan->route->timeout_us;
	/* A second attempt would be a second subscription. */
	exchange->second_made = true;
	return exchange;
}

bool feeds_send(struct engine *engine, struct exchange *exchange, struct connection *connection,
		uint64_t now_us)
{
	feed_place(exchange->feed, connection, &connection->feeds);
	return dispatch_send(engine, exchange, connection, now_us);
}

/* Who is not to be asked: those that have refused, and the one that it shall leave. */
static size_t avoided(const struct subscription *subscription, const struct connection *left,
		      const struct connection *avoid[SUBSCRIPTION_REFUSALS_MAX + 1])
{
	const struct pool *pool = subscription->plan->lane->pool;
	size_t count = 0;

	if (left)
		avoid[count++] = left;
	for (size_t i = 0; subscription->refusal_count > 0 && i < pool->ready_count; i++)
		for (size_t k = 0; k < subscription->refusal_count; k++)
			if (pool->ready[i]->id == subscription->refusals[k].connection)
				avoid[count++] = pool->ready[i];
	return count;
}

/* The request could not even be written. */
static void ask_failed(struct engine *engine, struct subscription *subscription, struct feed *feed,
		       uint64_t now_us)
{
	bool foreign = subscription->encoding != subscription->plan->lane->pool->settings->encoding;

	feed_end(&engine->publish.subscriptions, feed);
	subscription->retry_at_us =
		now_us + subscription_retry_us(subscription->retries++, &engine->rng);
	if (subscription->state != SUBSCRIPTION_ASKING)
		return;
	publish_fail_all(engine, subscription, foreign ? RESULT_INVALID : RESULT_OVERLOADED,
			 foreign ? "not_transcodable" : "overloaded",
			 foreign ? NULL : "limits.memory", now_us);
	subscription_enter(&engine->publish.subscriptions, subscription, SUBSCRIPTION_ENDED,
			   "not_sent");
}

struct feed *feeds_ask(struct engine *engine, struct subscription *subscription,
		       const struct connection *left, uint64_t now_us)
{
	const struct connection *avoid[SUBSCRIPTION_REFUSALS_MAX + 1];
	size_t count = avoided(subscription, left, avoid);
	const struct plan *plan = subscription->plan;
	struct connection *connection;
	struct exchange *exchange = NULL;
	struct feed *feed;

	if (engine->goodbye || plan->lane->paused ||
	    pool_lease_quietest(plan->lane->pool, avoid, count,
				plan->route->subscribe.max_per_connection, now_us,
				&connection) != LEASE_OK)
		return NULL;
	if (feed_create(&feed, &engine->publish.subscriptions, subscription) == WSB_OK)
		exchange = feeds_exchange(engine, feed, subscription->request,
					  subscription->encoding, now_us);
	else
		feed = NULL;
	if (!exchange) {
		pool_unlease(connection, now_us);
		if (feed)
			feed_end(&engine->publish.subscriptions, feed);
		return NULL;
	}
	exchange->id_at = subscription->id_at;
	exchange->id_len = subscription->id_len;
	if (feeds_send(engine, exchange, connection, now_us))
		return feed;
	feeds_end_exchange(engine, exchange, now_us);
	ask_failed(engine, subscription, feed, now_us);
	return NULL;
}

void feeds_let_wait(struct subscription *subscription, uint64_t now_us)
{
	const struct pool_settings *settings = subscription->plan->lane->pool->settings;

	subscription->ask_until_us =
		now_us + (settings->queue.requests ? settings->queue.age_us : 0);
}

void feeds_begin(struct engine *engine, struct subscription *subscription, uint64_t now_us)
{
	struct feed *feed;

	feeds_let_wait(subscription, now_us);
	feed = feeds_ask(engine, subscription, NULL, now_us);
	if (feed)
		subscription->feed = feed;
}

/* What an unsubscribe request will have to say. */
static void keep_leave_params(struct engine *engine, struct feed *feed,
			      const struct subscription *subscription, const struct message *answer,
			      struct span id, uint64_t request)
{
	struct strbuf *params = &engine->publish.text;
	struct strbuf *json = &engine->publish.text2;
	struct message asked;

	strbuf_clear(params);
	strbuf_clear(json);
	if (feed->plan->form == EVENTS_BY_ID) {
		if (transcode(answer->encoding, ENCODING_JSON, id, json) == WSB_OK)
			plan_wrap_id(feed->plan, strbuf_span(json), params);
	} else if (feed->plan->form == EVENTS_BY_REQUEST) {
		char own[OWN_ID_MAX];
		size_t len = own_id_write(envelope_id_form(engine->envelope), ENCODING_JSON,
					  request, own);

		plan_wrap_id(feed->plan, span_of(own, len), params);
	} else if (subscription &&
		   envelope_scan(engine->envelope, FROM_CLIENT, subscription->encoding,
				 subscription->request, &asked) == WSB_OK &&
		   asked.params.at &&
		   transcode(asked.encoding, ENCODING_JSON, asked.params, params) != WSB_OK) {
		strbuf_clear(params);
	}
	if (params->len == 0)
		strbuf_text(params, "null");
	if (params->failed ||
	    feed_keep_params(&engine->publish.subscriptions, feed, strbuf_span(params)) != WSB_OK)
		log_event(engine->log, LOG_ERROR, "subscription.memory",
			  log_text("method", feed->plan->route->method));
}

/* The upstream has said yes. False: but not so that its events could be known. */
static bool feed_accept(struct engine *engine, struct feed *feed, const struct message *answer,
			struct connection *connection, uint64_t request, struct span *id)
{
	struct span key;

	*id = span_of(NULL, 0);
	if (feed->plan->form == EVENTS_BY_ID) {
		*id = path_first(&feed->plan->result, answer);
		if (!id->at || (token_kind(answer->encoding, *id) != TOKEN_STRING &&
				token_kind(answer->encoding, *id) != TOKEN_NUMBER))
			return false;
	}
	keep_leave_params(engine, feed, feed->subscription, answer, *id, request);
	if (feed->plan->form >= EVENTS_BY_NAME)
		return true;
	if (!feeds_key(engine, connection, answer->encoding, *id, request, &key))
		return false;
	/* Nobody's events any more: they need no key. */
	if (!feed->subscription)
		return true;
	return feed_name(&engine->publish.subscriptions, feed, key) == WSB_OK;
}

static void learn_caps(struct engine *engine, struct subscription *subscription)
{
	struct pool *pool = subscription->plan->lane->pool;

	for (size_t i = 0; i < pool->ready_count && subscription->refusal_count > 0; i++) {
		struct connection *connection = pool->ready[i];

		for (size_t k = 0; k < subscription->refusal_count; k++) {
			if (connection->id != subscription->refusals[k].connection)
				continue;
			connection->feeds_max = subscription->refusals[k].feeds;
			log_event(engine->log, LOG_INFO, "subscription.cap",
				  log_text("pool", pool->settings->name),
				  log_text("endpoint", connection->endpoint->settings->name),
				  log_number("connection", connection->id),
				  log_number("subscriptions", connection->feeds_max));
		}
	}
	subscription->refusal_count = 0;
}

/* Live for the first time: those who wait get the answer. */
static void go_live(struct engine *engine, struct subscription *subscription,
		    const struct message *answer, struct span id,
		    const struct connection *connection, uint64_t upstream_us, uint64_t now_us)
{
	struct subscriptions *subscriptions = &engine->publish.subscriptions;

	if (subscription_keep_answer(subscriptions, subscription, answer->encoding, answer->text,
				     id)) {
		publish_fail_all(engine, subscription, RESULT_OVERLOADED, "overloaded",
				 "limits.memory", now_us);
		subscription_enter(subscriptions, subscription, SUBSCRIPTION_ENDED, "memory");
		return;
	}
	subscription_enter(subscriptions, subscription, SUBSCRIPTION_LIVE, "accepted");
	publish_answer_all(engine, subscription, connection, upstream_us, now_us);
	if (list_is_empty(&subscription->members) && subscription->state == SUBSCRIPTION_LIVE) {
		subscription->linger_until_us =
			now_us + subscription->plan->route->subscribe.linger_us;
		subscription_enter(subscriptions, subscription, SUBSCRIPTION_LINGERING, "left");
	}
}

static void come_back(struct engine *engine, struct subscription *subscription, uint64_t now_us)
{
	const struct gap gap = {
		.reason = GAP_UPSTREAM_LOST,
		.dark_us = now_us - subscription->lost_at_us,
	};

	subscription_enter(&engine->publish.subscriptions, subscription, SUBSCRIPTION_LIVE,
			   "restored");
	subscription->retries = 0;
	publish_gap(engine, subscription, NULL, &gap);
}

/* It has no feed: one that never lived ends with this answer for all who wait, one that has lived
 * is asked for again later. */
static void end_or_retry(struct engine *engine, struct subscription *subscription,
			 const struct message *answer, const struct connection *connection,
			 uint64_t upstream_us, uint64_t now_us, const char *reason)
{
	if (subscription->state != SUBSCRIPTION_ASKING) {
		subscription->retry_at_us =
			now_us + subscription_retry_us(subscription->retries++, &engine->rng);
		return;
	}
	publish_refuse_all(engine, subscription, answer, connection, upstream_us, now_us);
	subscription_enter(&engine->publish.subscriptions, subscription, SUBSCRIPTION_ENDED,
			   reason);
}

/* The upstream's yes does not tell its events: the answer is passed on, and nothing is shared. */
static void accept_blindly(struct engine *engine, struct feed *feed,
			   struct subscription *subscription, const struct message *answer,
			   const struct connection *connection, uint64_t upstream_us,
			   uint64_t now_us)
{
	log_event(engine->log, LOG_WARN, "subscription.no_id",
		  log_text("pool", feed->plan->lane->pool->settings->name),
		  log_text("method", feed->plan->route->method),
		  log_text("key", "routes.subscribe.result"));
	feed_end(&engine->publish.subscriptions, feed);
	if (!subscription)
		return;
	end_or_retry(engine, subscription, answer, connection, upstream_us, now_us, "no_id");
}

static void feeds_accepted(struct engine *engine, struct feed *feed, uint64_t request,
			   const struct message *answer, struct connection *connection,
			   uint64_t upstream_us, uint64_t now_us)
{
	struct subscription *subscription = feed->subscription;
	struct span id;

	if (!feed_accept(engine, feed, answer, connection, request, &id)) {
		accept_blindly(engine, feed, subscription, answer, connection, upstream_us, now_us);
		return;
	}
	feed->state = FEED_LIVE;
	if (!subscription) {
		feed_leave(&engine->publish.subscriptions, feed);
		return;
	}
	learn_caps(engine, subscription);
	if (feed == subscription->next)
		subscription->overlap_until_us = now_us + OVERLAP_US;
	else if (subscription->state == SUBSCRIPTION_LOST)
		come_back(engine, subscription, now_us);
	else
		go_live(engine, subscription, answer, id, connection, upstream_us, now_us);
	if (feed->key)
		publish_held(engine, feed, now_us);
}

/* Whether the refusal may be this connection's alone, because it carries others already: then
 * another is asked. */
static bool ask_elsewhere(struct engine *engine, struct subscription *subscription,
			  const struct connection *connection, uint64_t now_us)
{
	struct feed_refusal *refusal = &subscription->refusals[subscription->refusal_count];
	struct feed *feed;

	if (connection->feeds.count == 0 ||
	    subscription->refusal_count == SUBSCRIPTION_REFUSALS_MAX)
		return false;
	refusal->connection = connection->id;
	refusal->feeds = (uint32_t)connection->feeds.count;
	subscription->refusal_count++;
	feed = feeds_ask(engine, subscription, NULL, now_us);
	if (feed)
		subscription->feed = feed;
	return feed || subscription->state == SUBSCRIPTION_ENDED;
}

static void feeds_refused(struct engine *engine, struct feed *feed, const struct message *answer,
			  struct connection *connection, uint64_t upstream_us, uint64_t now_us)
{
	struct subscription *subscription = feed->subscription;
	bool moving = subscription && feed == subscription->next;

	feed_end(&engine->publish.subscriptions, feed);
	if (!subscription)
		return;
	if (!moving && ask_elsewhere(engine, subscription, connection, now_us))
		return;
	subscription->refusal_count = 0;
	end_or_retry(engine, subscription, answer, connection, upstream_us, now_us, "refused");
}

void feeds_answer(struct engine *engine, struct exchange *exchange, const struct message *answer,
		  struct connection *connection, uint64_t upstream_us, uint64_t now_us)
{
	struct feed *feed = exchange->feed;
	uint64_t request = exchange_id(exchange);

	feeds_end_exchange(engine, exchange, now_us);
	if (feed->state == FEED_LEAVING)
		feed_end(&engine->publish.subscriptions, feed);
	else if (answer->failed)
		feeds_refused(engine, feed, answer, connection, upstream_us, now_us);
	else
		feeds_accepted(engine, feed, request, answer, connection, upstream_us, now_us);
	publish_drop_held(engine, connection, false);
}

/* Nothing has come of this ask: the next tick makes another, if somebody still wants it. */
static void ask_is_over(struct engine *engine, struct subscription *subscription, uint64_t now_us)
{
	struct subscriptions *subscriptions = &engine->publish.subscriptions;

	subscription->refusal_count = 0;
	if (subscription->state == SUBSCRIPTION_LOST && subscription->retries++ > 0)
		subscription->retry_at_us =
			now_us + subscription_retry_us(subscription->retries, &engine->rng);
	if (subscription->state != SUBSCRIPTION_ASKING)
		return;
	feeds_let_wait(subscription, now_us);
	if (list_is_empty(&subscription->members))
		subscription_enter(subscriptions, subscription, SUBSCRIPTION_ENDED, "abandoned");
}

void feeds_attempt_lost(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	const struct connection *connection = connection_of(exchange);
	bool rescued = connection && connection->transport && !connection->doom;
	struct feed *feed = exchange->feed;
	struct subscription *subscription = feed->subscription;

	feeds_end_exchange(engine, exchange, now_us);
	/* What was taken back out of the outbox of a connection that lives has not been left. */
	if (rescued && feed->state == FEED_LEAVING) {
		feed->asked = false;
		return;
	}
	feed_end(&engine->publish.subscriptions, feed);
	if (subscription && subscription->feed == NULL)
		ask_is_over(engine, subscription, now_us);
}

void feeds_timed_out(struct engine *engine, struct exchange *exchange, uint64_t now_us)
{
	struct feed *feed = exchange->feed;
	struct subscription *subscription = feed->subscription;
	struct connection *connection = connection_of(exchange);

	if (connection)
		health_bad(connection->endpoint, FAILURE_TIMEOUT, now_us - exchange->latest_us,
			   now_us);
	if (feed->state == FEED_LEAVING || feed->late) {
		feeds_end_exchange(engine, exchange, now_us);
		feed_end(&engine->publish.subscriptions, feed);
		return;
	}
	/* It may be answered yet, and must be undone then. */
	feed->late = true;
	exchange->deadline_us = now_us + ORPHAN_US;
	timerq_arm(&engine->timers, &exchange->timer, exchange->deadline_us);
	feed_leave(&engine->publish.subscriptions, feed);
	if (subscription && !subscription->feed)
		ask_is_over(engine, subscription, now_us);
}
