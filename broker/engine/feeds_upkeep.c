/* Subscriptions over time: what was lost is restored, what moves is moved, what nobody wants is
 * left. */
#include "broker/engine/feeds.h"

#include <string.h>

#include "broker/engine/dispatch.h"
#include "broker/engine/feeds_ask.h"
#include "broker/engine/publish.h"

/* How long the new way may still repeat what came the old way. */
#define OVERLAP_AFTER_US (10 * US_PER_S)

/* When to look again for a connection that takes one more. */
#define LOOK_AGAIN_US (50 * US_PER_MS)

/* Asks in one tick: a thousand lost at once come back in a second, not in one blow. */
#define ASKS_PER_TICK 64

static void subscription_ends(struct engine *engine, struct subscription *subscription,
			      const char *reason)
{
	subscription_enter(&engine->publish.subscriptions, subscription, SUBSCRIPTION_ENDED,
			   reason);
}

static void ask_step(struct engine *engine, struct subscription *subscription, uint64_t now_us)
{
	bool up = subscription->plan->lane->pool->ready_count > 0;
	struct feed *feed;

	if (subscription->feed)
		return;
	if (list_is_empty(&subscription->members)) {
		subscription_ends(engine, subscription, "left");
		return;
	}
	feed = feeds_ask(engine, subscription, NULL, now_us);
	if (feed) {
		subscription->feed = feed;
		return;
	}
	/* In a pause nobody grows impatient. */
	if (subscription->plan->lane->paused)
		feeds_let_wait(subscription, now_us);
	if (subscription->state != SUBSCRIPTION_ASKING || now_us < subscription->ask_until_us)
		return;
	publish_fail_all(engine, subscription, up ? RESULT_OVERLOADED : RESULT_UNAVAILABLE,
			 up ? "overloaded" : "unavailable", "pools.queue.age", now_us);
	subscription_ends(engine, subscription, "unavailable");
}

/* No event will come any more: those who wait for them are told so. */
static void give_up(struct engine *engine, struct subscription *subscription,
		    enum gap_reason reason, uint64_t now_us)
{
	bool lost = subscription->state == SUBSCRIPTION_LOST;
	const struct gap gap = {
		.reason = reason,
		.dark_us = lost ? now_us - subscription->lost_at_us : 0,
		.ended = true,
	};
	size_t left = subscription->members.count;

	publish_gap(engine, subscription, NULL, &gap);
	/* The last one takes the subscription along. */
	for (; left > 0; left--) {
		struct list_node *node = list_first(&subscription->members);
		struct member *member = list_entry(node, struct member, link);

		publish_leave_behind(member);
		member_destroy(&engine->publish.subscriptions, member, 0);
	}
}

static void restore_step(struct engine *engine, struct subscription *subscription, uint32_t *asks,
			 uint64_t now_us)
{
	uint64_t restore_us = subscription->plan->route->subscribe.restore_us;
	struct feed *feed;

	if (restore_us > 0 && now_us - subscription->lost_at_us >= restore_us) {
		give_up(engine, subscription, GAP_UNAVAILABLE, now_us);
		return;
	}
	if (subscription->feed || now_us < subscription->retry_at_us || *asks == 0 ||
	    subscription->plan->lane->pool->ready_count == 0)
		return;
	(*asks)--;
	subscription->retry_at_us = now_us + LOOK_AGAIN_US;
	feed = feeds_ask(engine, subscription, NULL, now_us);
	if (feed)
		subscription->feed = feed;
}

static void retire(struct engine *engine, struct subscription *subscription, uint64_t now_us)
{
	if (subscription->state == SUBSCRIPTION_ASKING) {
		publish_fail_all(engine, subscription, RESULT_UNAVAILABLE, "unavailable", NULL,
				 now_us);
		subscription_ends(engine, subscription, "pool_removed");
	} else if (subscription->state == SUBSCRIPTION_LINGERING) {
		subscription_ends(engine, subscription, "pool_removed");
	} else {
		give_up(engine, subscription, GAP_POOL_REMOVED, now_us);
	}
}

void feeds_retire(struct engine *engine, const struct lane *lane, uint64_t now_us)
{
	struct subscriptions *subscriptions = &engine->publish.subscriptions;

	for (size_t state = 0; state < SUBSCRIPTION_ENDED; state++) {
		list_each(&subscriptions->states[state], node) {
			struct subscription *subscription =
				list_entry(node, struct subscription, state_link);

			if (subscription->plan->lane == lane)
				retire(engine, subscription, now_us);
		}
	}
}

static void stop_moving(struct engine *engine, struct subscription *subscription)
{
	list_remove(&engine->publish.subscriptions.moving, &subscription->moving_link);
}

void feeds_switch(struct engine *engine, struct subscription *subscription, enum gap_reason reason,
		  bool none, uint64_t now_us)
{
	const struct gap gap = {.reason = reason, .none = none};

	stop_moving(engine, subscription);
	if (subscription->feed)
		feed_leave(&engine->publish.subscriptions, subscription->feed);
	subscription->feed = subscription->next;
	subscription->next = NULL;
	subscription->overlap_until_us = now_us + OVERLAP_AFTER_US;
	publish_gap(engine, subscription, NULL, &gap);
	if (!subscription->overlap)
		return;
	if (!none)
		overlap_give_up(subscription->overlap);
	publish_waiting(engine, subscription);
}

static void move_step(struct engine *engine, struct subscription *subscription, uint64_t now_us)
{
	struct feed *next = subscription->next;

	if (subscription->state != SUBSCRIPTION_LIVE) {
		stop_moving(engine, subscription);
		subscription_end_overlap(&engine->publish.subscriptions, subscription);
		if (next)
			feed_leave(&engine->publish.subscriptions, next);
	} else if (!next && now_us >= subscription->retry_at_us) {
		subscription->retry_at_us = now_us + LOOK_AGAIN_US;
		/* Events of a way that was tried before do not count, but for those that the
		 * present way may still repeat. */
		if (!subscription_is_behind(subscription, now_us))
			subscription_end_overlap(&engine->publish.subscriptions, subscription);
		subscription->next =
			feeds_ask(engine, subscription, subscription->feed->connection, now_us);
		if (subscription->next)
			subscription_begin_overlap(&engine->publish.subscriptions, subscription);
	} else if (next && next->state == FEED_LIVE && now_us >= subscription->overlap_until_us) {
		feeds_switch(engine, subscription, GAP_MOVED, false, now_us);
	}
}

static void begin_move(struct engine *engine, struct subscription *subscription, uint64_t now_us)
{
	subscription->retry_at_us = now_us;
	list_append(&engine->publish.subscriptions.moving, &subscription->moving_link);
}

void publish_move_away(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	list_each(&connection->feeds, node) {
		struct feed *feed = list_entry(node, struct feed, link);
		struct subscription *subscription = feed->subscription;

		if (!subscription || feed->state != FEED_LIVE)
			continue;
		if (subscription->state == SUBSCRIPTION_LINGERING)
			subscription_ends(engine, subscription, "drained");
		else if (feed == subscription->next)
			/* Where it was moving to is to be left as well. */
			feed_leave(&engine->publish.subscriptions, feed);
		else if (!list_is_linked(&subscription->moving_link))
			begin_move(engine, subscription, now_us);
	}
}

bool publish_is_clear(const struct connection *connection)
{
	return list_is_empty(&connection->feeds);
}

/* The request that ends it upstream, with an id that dispatch exchanges. */
static struct exchange *compose_leave(struct engine *engine, struct feed *feed, uint64_t now_us)
{
	enum encoding encoding = feed->plan->lane->pool->settings->encoding;
	struct strbuf *json = &engine->publish.text;
	struct strbuf *text = &engine->publish.text2;
	struct exchange *exchange;
	struct message message;

	strbuf_clear(json);
	strbuf_clear(text);
	if (!feed->params ||
	    request_compose(engine->envelope, feed->jsonrpc, span_text("0"),
			    span_text(feed->plan->route->subscribe.unsubscribe),
			    span_of(feed->params, feed->params_len), json) ||
	    transcode(ENCODING_JSON, encoding, strbuf_span(json), text) ||
	    envelope_scan(engine->envelope, FROM_CLIENT, encoding, strbuf_span(text), &message) ||
	    !message.id.at)
		return NULL;
	exchange = feeds_exchange(engine, feed, strbuf_span(text), encoding, now_us);
	if (exchange) {
		exchange->id_at = (uint32_t)(message.id.at - message.text.at);
		exchange->id_len = (uint32_t)message.id.len;
	}
	return exchange;
}

static void leave_step(struct engine *engine, struct feed *feed, uint64_t now_us)
{
	struct connection *connection = feed->connection;
	struct exchange *exchange;

	if (feed->asked || connection->doom || !pool_lease_draining(connection, now_us))
		return;
	exchange = compose_leave(engine, feed, now_us);
	if (!exchange) {
		/* Out of memory, or the envelope has no place for it: it stays the upstream's. */
		pool_unlease(connection, now_us);
		feed_end(&engine->publish.subscriptions, feed);
		return;
	}
	feed->asked = true;
	if (feeds_send(engine, exchange, connection, now_us))
		return;
	feeds_end_exchange(engine, exchange, now_us);
	feed_end(&engine->publish.subscriptions, feed);
}

void feeds_tick(struct engine *engine, uint64_t now_us)
{
	struct subscriptions *subscriptions = &engine->publish.subscriptions;
	uint32_t asks = ASKS_PER_TICK;

	if (engine->goodbye)
		return;
	list_each(&subscriptions->states[SUBSCRIPTION_LINGERING], node) {
		struct subscription *subscription =
			list_entry(node, struct subscription, state_link);

		if (now_us >= subscription->linger_until_us || engine->draining)
			subscription_ends(engine, subscription, "linger");
	}
	list_each(&subscriptions->states[SUBSCRIPTION_ASKING], node)
		ask_step(engine, list_entry(node, struct subscription, state_link), now_us);
	list_each(&subscriptions->states[SUBSCRIPTION_LOST], node)
		restore_step(engine, list_entry(node, struct subscription, state_link), &asks,
			     now_us);
	list_each(&subscriptions->moving, node)
		move_step(engine, list_entry(node, struct subscription, moving_link), now_us);
	list_each(&subscriptions->leaving, node)
		leave_step(engine, list_entry(node, struct feed, state_link), now_us);
}

/* Its events have stopped. */
static void lose(struct engine *engine, struct subscription *subscription, uint64_t now_us)
{
	if (subscription->state == SUBSCRIPTION_LINGERING) {
		subscription_ends(engine, subscription, "lost");
		return;
	}
	if (subscription->next && subscription->next->state == FEED_LIVE) {
		feeds_switch(engine, subscription, GAP_UPSTREAM_LOST, false, now_us);
		return;
	}
	stop_moving(engine, subscription);
	/* Where it was to move to may know already what came last. */
	subscription->overlap_until_us = now_us + OVERLAP_AFTER_US;
	if (subscription->overlap && subscription->next)
		overlap_give_up(subscription->overlap);
	else
		subscription_end_overlap(&engine->publish.subscriptions, subscription);
	subscription->feed = subscription->next;
	subscription->next = NULL;
	subscription->lost_at_us = now_us;
	subscription->retry_at_us = now_us;
	subscription->retries = 0;
	subscription_enter(&engine->publish.subscriptions, subscription, SUBSCRIPTION_LOST,
			   "upstream_lost");
}

void feeds_connection_lost(struct engine *engine, struct connection *connection, uint64_t now_us)
{
	struct list_node *node;

	publish_drop_held(engine, connection, true);
	while ((node = list_first(&connection->feeds))) {
		struct feed *feed = list_entry(node, struct feed, link);
		struct subscription *subscription = feed->subscription;
		bool only = subscription && subscription->feed == feed;

		feed_end(&engine->publish.subscriptions, feed);
		if (only)
			lose(engine, subscription, now_us);
	}
}
