/* Events on their way to those who subscribed, and the truth about those that are missing. */
#include "broker/engine/publish.h"

#include <inttypes.h>
#include <stdlib.h>

#include "broker/engine/batch.h"
#include "broker/engine/client.h"
#include "broker/engine/feeds.h"
#include "broker/engine/watch.h"
#include "common/glob.h"
#include "common/map.h"
#include "proto/token.h"
#include "proto/value_walk.h"

/* What may wait for subscribe answers, over all connections. */
#define HELD_EVENTS_MAX 256
#define HELD_BYTES_MAX	(UINT64_C(4) << 20)

/* Before each message in a backlog. */
struct backlog_head {
	uint32_t len;
	uint32_t encoding;
};

static void backlog_put(struct engine *engine, struct member *member, enum encoding encoding,
			const struct span *pieces, size_t count)
{
	struct backlog_head head = {.encoding = encoding};
	size_t before = member->backlog.len;

	for (size_t i = 0; i < count; i++)
		head.len += (uint32_t)pieces[i].len;
	strbuf_add(&member->backlog, span_of((const char *)&head, sizeof(head)));
	for (size_t i = 0; i < count; i++)
		strbuf_add(&member->backlog, pieces[i]);
	/* Half a message would be read as a whole one. */
	if (member->backlog.failed) {
		member->backlog.len = before;
		member->overflowed = true;
	}
	engine->publish.subscriptions.bytes += member->backlog.len - before;
}

/* Behind a hole nothing follows until it is told. */
static void backlog_add(struct engine *engine, struct member *member, enum encoding encoding,
			const struct span *pieces, size_t count)
{
	uint64_t bytes = member->backlog.len;

	for (size_t i = 0; i < count; i++)
		bytes += pieces[i].len;
	member->overflowed |= bytes > engine->config->limits.send_buffer_bytes;
	if (!member->overflowed)
		backlog_put(engine, member, encoding, pieces, count);
}

static void member_send(struct engine *engine, struct member *member, enum encoding encoding,
			const struct span *pieces, size_t count)
{
	if (member->batch)
		backlog_add(engine, member, encoding, pieces, count);
	else
		client_send(engine, member->client, encoding, pieces, count);
}

static void backlog_send(struct engine *engine, struct session *session,
			 const struct strbuf *backlog)
{
	struct span rest = strbuf_span(backlog);

	while (rest.len > 0) {
		struct backlog_head head;
		struct span piece;

		memcpy(&head, rest.at, sizeof(head));
		piece = span_of(rest.at + sizeof(head), head.len);
		client_send(engine, session, (enum encoding)head.encoding, &piece, 1);
		rest = span_of(piece.at + piece.len, rest.len - sizeof(head) - piece.len);
	}
}

static void backlog_flush(struct engine *engine, struct member *member)
{
	backlog_send(engine, member->client, &member->backlog);
	engine->publish.subscriptions.bytes -= member->backlog.len;
	strbuf_fini(&member->backlog);
}

void publish_leave_behind(const struct member *member)
{
	struct batch *batch = member->batch;
	size_t before;

	if (!batch)
		return;
	before = batch->behind.len;
	strbuf_add(&batch->behind, strbuf_span(&member->backlog));
	if (batch->behind.failed)
		batch->behind.len = before;
}

void publish_batch_sent(struct engine *engine, struct session *session, const struct batch *batch)
{
	static const struct gap overflow = {.reason = GAP_OVERFLOW};

	watch_batch_sent(session, batch);
	backlog_send(engine, session, &batch->behind);
	list_each(&session->members, node) {
		struct member *member = list_entry(node, struct member, client_link);

		if (member->batch != batch)
			continue;
		member->batch = NULL;
		backlog_flush(engine, member);
		if (member->overflowed)
			publish_gap(engine, member->subscription, member, &overflow);
		member->overflowed = false;
	}
}

/* By what a member knows its subscription, as JSON. */
static void gap_name(struct strbuf *out, const struct member *member)
{
	const struct subscription *subscription = member->subscription;
	struct span own = own_token_span(&member->own, ENCODING_JSON);

	if (own.at)
		strbuf_add(out, own);
	else if (subscription->name_count > 0)
		strbuf_json(out, subscription->names[0]);
	else if (subscription->plan->form == EVENTS_ALL)
		strbuf_json(out, subscription->plan->notification);
	else
		strbuf_text(out, "null");
}

static void gap_tell(struct engine *engine, struct member *member, const struct gap *gap)
{
	struct session *session = member->client;
	struct strbuf *text = &engine->publish.text;
	struct span piece;

	strbuf_clear(text);
	strbuf_text(text, "{\"jsonrpc\":\"2.0\",\"method\":\"wsbroker.gap\",\"params\":{"
			  "\"subscription\":");
	gap_name(text, member);
	strbuf_printf(text, ",\"reason\":\"%s\",\"dark_ms\":%" PRIu64 ",\"gap\":\"%s\"%s}}",
		      gap_reason_name(gap->reason), gap->dark_us / US_PER_MS,
		      gap->none ? "none" : "possible", gap->ended ? ",\"ended\":true" : "");
	if (session->encoding == ENCODING_MSGPACK) {
		strbuf_clear(&engine->publish.text2);
		if (transcode(ENCODING_JSON, ENCODING_MSGPACK, strbuf_span(text),
			      &engine->publish.text2))
			return;
		text = &engine->publish.text2;
	}
	piece = strbuf_span(text);
	if (text->failed)
		return;
	/* The last one tells of what had no room before it, too. */
	if (member->batch && gap->ended)
		backlog_put(engine, member, session->encoding, &piece, 1);
	else
		member_send(engine, member, session->encoding, &piece, 1);
}

void publish_gap(struct engine *engine, struct subscription *subscription, struct member *member,
		 const struct gap *gap)
{
	struct lane *lane = subscription->plan->lane;

	lane->traffic.gaps[gap->reason]++;
	log_event(engine->log, gap->none ? LOG_DEBUG : LOG_INFO, "subscription.gap",
		  log_text("pool", lane->pool->settings->name),
		  log_text("reason", gap_reason_name(gap->reason)),
		  log_number("dark_ms", gap->dark_us / US_PER_MS),
		  log_text("gap", gap->none ? "none" : "possible"),
		  log_number("members", member ? 1 : subscription->members.count));
	if (member) {
		gap_tell(engine, member, gap);
		return;
	}
	list_each(&subscription->members, node) {
		struct member *each = list_entry(node, struct member, link);

		if (!each->waiter)
			gap_tell(engine, each, gap);
	}
}

/* An event and where its subscription's id stands in it (absent: nowhere). */
struct incoming {
	enum encoding encoding;
	struct span text;
	struct span id;
};

/* The place of the id in an event of this plan; for those that carry none it is absent. */
static struct span event_id(const struct plan *plan, const struct message *message)
{
	if (plan->form == EVENTS_BY_ID)
		return path_first(&plan->id, message);
	if (plan->form == EVENTS_BY_REQUEST)
		return message->id;
	return span_of(NULL, 0);
}

/* The same event in the other encoding. */
static bool event_transcode(struct engine *engine, const struct plan *plan,
			    const struct incoming *event, enum encoding to, struct incoming *out)
{
	struct strbuf *text = &engine->publish.event;
	struct message message;

	strbuf_clear(text);
	if (transcode(event->encoding, to, event->text, text) ||
	    envelope_scan(engine->envelope, FROM_UPSTREAM, to, strbuf_span(text), &message))
		return false;
	*out = (struct incoming){
		.encoding = to, .text = message.text, .id = event_id(plan, &message)};
	return !event->id.at || out->id.at;
}

static bool event_send(struct engine *engine, struct member *member, const struct incoming *event)
{
	struct span own = own_token_span(&member->own, event->encoding);
	struct span pieces[3] = {event->text};
	size_t count = 1;

	if (event->id.at) {
		const char *end = event->id.at + event->id.len;

		if (!own.at)
			return false;
		pieces[0].len = (size_t)(event->id.at - event->text.at);
		pieces[1] = own;
		pieces[2] = span_of(end, (size_t)(event->text.at + event->text.len - end));
		count = 3;
	}
	member_send(engine, member, event->encoding, pieces, count);
	return true;
}

/* Of all of it but the id. */
static uint64_t event_hash(const struct incoming *event)
{
	size_t head = event->id.at ? (size_t)(event->id.at - event->text.at) : event->text.len;
	size_t tail = event->id.at ? head + event->id.len : event->text.len;
	uint64_t hash = hash_bytes(span_of(event->text.at, head), 0);

	return hash_bytes(span_of(event->text.at + tail, event->text.len - tail), hash);
}

/* To everybody who listens to one of these names (bits), each with an id of its own: written once
 * in each encoding, spliced for each. */
static void event_fan_out(struct engine *engine, struct subscription *subscription,
			  const struct incoming *event, uint64_t names)
{
	static const struct gap not_transcodable = {.reason = GAP_NOT_TRANSCODABLE};
	struct lane *lane = subscription->plan->lane;
	struct incoming other = {.text = {.at = NULL}};
	bool other_tried = false;

	overlap_past_add(&subscription->past, event_hash(event));
	list_each(&subscription->members, node) {
		struct member *member = list_entry(node, struct member, link);
		const struct session *session = member->client;
		const struct incoming *suits = event;

		if (member->waiter || !(member->names & names))
			continue;
		if (session->encoding != event->encoding) {
			if (!other_tried && !event_transcode(engine, subscription->plan, event,
							     session->encoding, &other))
				other.text.at = NULL;
			other_tried = true;
			suits = &other;
		}
		if (suits->text.at && event_send(engine, member, suits))
			lane->traffic.events_delivered++;
		else
			publish_gap(engine, subscription, member, &not_transcodable);
	}
}

/* Hands on what waited for the two ways of a subscription to meet. */
void publish_waiting(struct engine *engine, struct subscription *subscription)
{
	struct overlap_event *waiting;

	while ((waiting = overlap_take(subscription->overlap))) {
		struct message message;

		if (envelope_scan(engine->envelope, FROM_UPSTREAM, waiting->encoding,
				  span_of(waiting->text, waiting->len), &message) == WSB_OK) {
			struct incoming event = {.encoding = message.encoding,
						 .text = message.text,
						 .id = event_id(subscription->plan, &message)};

			event_fan_out(engine, subscription, &event, waiting->names);
		}
		free(waiting);
	}
}

/* While a subscription moves its events come on two ways. True: this one is dealt with. */
static bool event_overlaps(struct engine *engine, const struct feed *feed,
			   const struct incoming *event, uint64_t names, uint64_t now_us)
{
	struct subscription *subscription = feed->subscription;
	struct overlap *overlap = subscription->overlap;
	enum overlap_side side =
		subscription->next && feed == subscription->feed ? OVERLAP_OLD : OVERLAP_NEW;

	if (!overlap)
		return false;
	if (!subscription->next && !subscription_is_behind(subscription, now_us)) {
		subscription_end_overlap(&engine->publish.subscriptions, subscription);
		return false;
	}
	switch (overlap_judge(overlap, side, event_hash(event))) {
	case OVERLAP_HAND_ON:
		return false;
	case OVERLAP_WAIT:
		if (overlap_keep(overlap, event->encoding, names, event->text))
			return true;
		/* Too much comes to wait any longer. */
		overlap_give_up(overlap);
		feeds_switch(engine, subscription, GAP_MOVED, false, now_us);
		return false;
	case OVERLAP_MEET:
		feeds_switch(engine, subscription, GAP_MOVED, true, now_us);
		break;
	case OVERLAP_REPEAT:
		break;
	}
	subscription->plan->lane->traffic.events_repeated++;
	return true;
}

static void event_deliver(struct engine *engine, struct feed *feed, const struct message *message,
			  uint64_t names, uint64_t now_us)
{
	struct subscription *subscription = feed->subscription;
	struct incoming event = {.encoding = message->encoding,
				 .text = message->text,
				 .id = event_id(feed->plan, message)};

	feed->plan->lane->traffic.events++;
	if (!event_overlaps(engine, feed, &event, names, now_us))
		event_fan_out(engine, subscription, &event, names);
}

/* Whether an answer is awaited on this connection that may say whose the event is. */
static bool is_asked_for(const struct connection *connection, const struct plan *plan)
{
	list_each(&connection->feeds, node) {
		const struct feed *feed = list_entry(node, struct feed, link);

		if (feed->state == FEED_ASKING && feed->plan == plan)
			return true;
	}
	return false;
}

static void held_free(struct publish *publish, struct held_event *held)
{
	list_remove(&publish->held, &held->link);
	publish->held_bytes -= sizeof(*held) + held->len;
	free(held);
}

static void event_hold(struct engine *engine, struct connection *connection, struct plan *plan,
		       const struct message *message)
{
	struct publish *publish = &engine->publish;
	size_t bytes = sizeof(struct held_event) + message->text.len;
	struct held_event *held = NULL;

	if (publish->held.count < HELD_EVENTS_MAX && publish->held_bytes + bytes <= HELD_BYTES_MAX)
		held = malloc(bytes);
	if (!held) {
		plan->lane->traffic.events_late++;
		return;
	}
	held->connection = connection;
	held->plan = plan;
	held->encoding = message->encoding;
	held->len = message->text.len;
	memcpy(held->text, message->text.at, message->text.len);
	list_node_init(&held->link);
	list_append(&publish->held, &held->link);
	publish->held_bytes += bytes;
}

void publish_held(struct engine *engine, struct feed *feed, uint64_t now_us)
{
	struct publish *publish = &engine->publish;

	list_each(&publish->held, node) {
		struct held_event *held = list_entry(node, struct held_event, link);
		struct message message;
		struct span key;

		if (held->connection != feed->connection || held->plan != feed->plan)
			continue;
		if (envelope_scan(engine->envelope, FROM_UPSTREAM, held->encoding,
				  span_of(held->text, held->len), &message) ||
		    !feeds_key(engine, held->connection, held->encoding,
			       event_id(held->plan, &message), 0, &key) ||
		    !span_equal(key, span_of(feed->key, feed->key_len)))
			continue;
		if (feed->subscription)
			event_deliver(engine, feed, &message, UINT64_MAX, now_us);
		held_free(publish, held);
	}
}

void publish_drop_held(struct engine *engine, const struct connection *connection, bool all)
{
	struct publish *publish = &engine->publish;

	list_each(&publish->held, node) {
		struct held_event *held = list_entry(node, struct held_event, link);

		if ((connection && held->connection != connection) ||
		    (!all && is_asked_for(connection, held->plan)))
			continue;
		held->plan->lane->traffic.events_late++;
		held_free(publish, held);
	}
}

/* By name, to each of the connection's feeds that asks for it. */
static bool event_by_name(struct engine *engine, struct connection *connection,
			  const struct plan *plan, const struct message *message, uint64_t now_us)
{
	bool wanted = false;

	list_each(&connection->feeds, node) {
		struct feed *feed = list_entry(node, struct feed, link);
		uint64_t names = plan->form == EVENTS_ALL ? UINT64_MAX : 0;

		if (feed->plan != plan || feed->state != FEED_LIVE || !feed->subscription)
			continue;
		for (size_t i = 0; i < feed->subscription->name_count; i++)
			if (span_equal(feed->subscription->names[i], message->method))
				names |= UINT64_C(1) << i;
		if (names == 0)
			continue;
		event_deliver(engine, feed, message, names, now_us);
		wanted = true;
	}
	return wanted;
}

static bool event_by_id(struct engine *engine, struct connection *connection, struct plan *plan,
			const struct message *message, uint64_t now_us)
{
	struct span id = path_first(&plan->id, message);
	struct feed *feed;
	struct span key;

	if (!id.at || !feeds_key(engine, connection, message->encoding, id, 0, &key))
		return false;
	feed = feed_find(&engine->publish.subscriptions, key);
	if (feed)
		event_deliver(engine, feed, message, UINT64_MAX, now_us);
	else if (is_asked_for(connection, plan))
		event_hold(engine, connection, plan, message);
	else
		plan->lane->traffic.events_late++;
	return true;
}

/* An event that carries the id of the request that subscribed: the answer came before. */
static bool event_by_request(struct engine *engine, struct connection *connection,
			     const struct message *message, uint64_t now_us)
{
	struct feed *feed;
	struct span key;
	uint64_t id;

	if (!own_id_read(envelope_id_form(engine->envelope), message->encoding, message->id, &id) ||
	    !feeds_key(engine, connection, message->encoding, span_of(NULL, 0), id, &key))
		return false;
	feed = feed_find(&engine->publish.subscriptions, key);
	if (feed)
		event_deliver(engine, feed, message, UINT64_MAX, now_us);
	return feed != NULL;
}

bool publish_event(struct engine *engine, struct connection *connection,
		   const struct message *message, uint64_t now_us)
{
	list_each(&engine->publish.plans, node) {
		struct plan *plan = list_entry(node, struct plan, link);
		bool taken = false;

		if (plan->lane->pool != connection->pool)
			continue;
		if (plan->form == EVENTS_BY_REQUEST)
			taken = message->id.at &&
				event_by_request(engine, connection, message, now_us);
		else if (!message->method.at || message->id.at ||
			 !glob_match(plan->notification, message->method))
			continue;
		else if (plan->form == EVENTS_BY_ID)
			taken = event_by_id(engine, connection, plan, message, now_us);
		else
			taken = event_by_name(engine, connection, plan, message, now_us);
		if (taken)
			return true;
	}
	return false;
}
