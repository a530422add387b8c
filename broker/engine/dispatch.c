#include "broker/engine/dispatch.h"

#include "broker/engine/affinity.h"
#include "broker/engine/cached.h"
#include "broker/engine/doubts.h"
#include "broker/engine/hedge.h"
#include "broker/engine/link.h"
#include "broker/engine/settle.h"
#include "broker/pool/health.h"

static struct lease_wish wish_of(const struct exchange *exchange)
{
	size_t made = exchange->attempts_made;

	return (struct lease_wish){
		.avoid = {.connections = exchange->tried,
			  .endpoints = exchange->tried_endpoints,
			  .count = made < EXCHANGE_ATTEMPTS_MAX ? made : EXCHANGE_ATTEMPTS_MAX},
		.spare = exchange->route->idempotent,
	};
}

enum lease_verdict dispatch_lease_elsewhere(struct exchange *exchange, uint64_t now_us,
					    struct connection **out)
{
	struct lease_wish wish = wish_of(exchange);

	return pool_lease(exchange->lane->pool, &wish, now_us, out);
}

/* It has been lost with its connection a moment ago: others of the same server may be about to
 * follow, and so may other servers. */
static bool dispatch_is_shaken(const struct exchange *exchange, uint64_t now_us)
{
	return exchange->attempts_lost > 0 && now_us < exchange->lost_us + HEALTH_BLOW_US &&
	       !affinity_rules(exchange->lane);
}

enum lease_verdict dispatch_lease(struct engine *engine, struct exchange *exchange, uint64_t now_us,
				  struct connection **out)
{
	struct lane *lane = exchange->lane;
	struct lease_wish wish = wish_of(exchange);
	bool shaken = dispatch_is_shaken(exchange, now_us);
	enum lease_verdict verdict;

	if (shaken && exchange->attempts_lost + 1 >= EXCHANGE_LOSSES_MAX)
		return LEASE_ALL_FULL; /* the last one is not staked on who may just be dying */
	if (affinity_rules(lane) && exchange->session)
		return affinity_lease(engine, lane, exchange, now_us, out);
	verdict = pool_lease(lane->pool, &wish, now_us, out);
	if (verdict == LEASE_OK || wish.avoid.count == 0 || shaken)
		return verdict;
	wish.avoid.endpoints = NULL;
	verdict = pool_lease(lane->pool, &wish, now_us, out);
	if (verdict != LEASE_OK && exchange_attempts_out(exchange) == 0)
		verdict = pool_lease(lane->pool, NULL, now_us, out);
	return verdict;
}

/* The line that it waits in; NULL: no memory. */
static struct fairparty *dispatch_party(const struct exchange *exchange)
{
	struct seat *seat;

	if (!exchange->session)
		return &exchange->lane->orphans;
	seat = client_seat(exchange->session, exchange->lane);
	return seat ? &seat->party : NULL;
}

/* How it comes to wait. */
enum dispatch_wait {
	WAIT_NEW,   /* behind the others */
	WAIT_AGAIN, /* it had been accepted already: before them */
	WAIT_SHAKEN /* aside, until the blow that hit it is over */
};

static void dispatch_queue(struct engine *engine, struct exchange *exchange, enum dispatch_wait how,
			   uint64_t now_us)
{
	struct lane *lane = exchange->lane;
	struct fairparty *party = dispatch_party(exchange);
	uint64_t until_us = now_us + lane->pool->settings->queue.age_us;

	if (!party) {
		settle_error(engine, exchange, RESULT_OVERLOADED, "overloaded", NULL, now_us);
		return;
	}
	if (how == WAIT_SHAKEN) {
		fairqueue_rest(&lane->queue, party, &exchange->item, exchange->len,
			       exchange->lost_us + HEALTH_BLOW_US, now_us);
	} else if (how == WAIT_AGAIN) {
		fairqueue_push_again(&lane->queue, party, &exchange->item, exchange->len, now_us);
		/* Of the moved, requests come the last one first, notifications in order; where
		 * clients stay, all of them the last one first. */
		if (exchange->notification && !affinity_rules(lane))
			fairqueue_move(&lane->queue, party, &exchange->item);
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

/* Whether it need not wait for others. What moves comes last one first, so all of it is gathered
 * before any of it is sent. */
static bool dispatch_is_next(struct lane *lane, const struct exchange *exchange, bool again)
{
	if (again)
		return false;
	if (affinity_rules(lane) && exchange->session)
		return affinity_is_next(lane, exchange);
	return list_is_empty(&lane->queue.round);
}

void dispatch_exchange(struct engine *engine, struct exchange *exchange, bool again,
		       uint64_t now_us)
{
	struct lane *lane = exchange->lane;
	struct connection *connection;

	if (!lane->paused && dispatch_is_next(lane, exchange, again) &&
	    dispatch_lease(engine, exchange, now_us, &connection) == LEASE_OK) {
		dispatch_send(engine, exchange, connection, now_us);
		return;
	}
	dispatch_queue(engine, exchange, again ? WAIT_AGAIN : WAIT_NEW, now_us);
}

void dispatch_waited(struct exchange *exchange, uint64_t now_us)
{
	uint64_t waited_us = now_us - exchange->item.since_us;

	exchange->state = EXCHANGE_ACCEPTED;
	exchange->waited_us += waited_us;
	histogram_record(&exchange->lane->traffic.queue_wait, waited_us);
}

/* The next one of this round. False: it has to wait on, and so have those behind it. */
static bool dispatch_serve(struct engine *engine, struct lane *lane, struct list *round,
			   uint64_t now_us)
{
	struct fairitem *item = fairqueue_pop_from(&lane->queue, round);
	struct exchange *exchange = list_entry(item, struct exchange, item);
	struct connection *connection;

	dispatch_waited(exchange, now_us);
	if (!exchange->notification)
		timerq_arm(&engine->timers, &exchange->timer, exchange->deadline_us);
	if (dispatch_lease(engine, exchange, now_us, &connection) != LEASE_OK) {
		bool shaken = dispatch_is_shaken(exchange, now_us);

		dispatch_queue(engine, exchange, shaken ? WAIT_SHAKEN : WAIT_AGAIN, now_us);
		return shaken;
	}
	dispatch_send(engine, exchange, connection, now_us);
	return true;
}

/* Those who wait for a place on their own connection. */
static void dispatch_pump_seated(struct engine *engine, struct lane *lane, uint64_t now_us)
{
	list_each(&lane->pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		while (!list_is_empty(&connection->waiting) && connection->carries &&
		       !connection_is_full(connection)) {
			if (!dispatch_serve(engine, lane, &connection->waiting, now_us))
				break;
		}
	}
}

void dispatch_pump(struct engine *engine, struct lane *lane, uint64_t now_us)
{
	bool seated = affinity_rules(lane);

	if (lane->paused)
		return;
	if (!list_is_empty(&lane->queue.resting))
		fairqueue_wake(&lane->queue, now_us);
	if (seated)
		affinity_let_go(engine, lane, now_us);
	while (!list_is_empty(&lane->queue.round) && pool_has_room(lane->pool)) {
		if (!dispatch_serve(engine, lane, &lane->queue.round, now_us))
			break;
	}
	if (seated)
		dispatch_pump_seated(engine, lane, now_us);
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

uint64_t dispatch_attempt_us(const struct exchange *exchange)
{
	const struct route_settings *route = exchange->route;

	return route->attempt_timeout_us ? route->attempt_timeout_us
					 : (exchange->deadline_us - exchange->arrived_us) / 3;
}

void dispatch_watch(struct engine *engine, struct exchange *exchange)
{
	uint64_t look_us = exchange->deadline_us;

	if (exchange->route->idempotent && !exchange->second_made) {
		uint64_t wait_us = dispatch_attempt_us(exchange);
		uint64_t hedge_us = exchange->hedge_tried ? 0 : hedge_after_us(engine, exchange);

		if (hedge_us > 0 && hedge_us < wait_us)
			wait_us = hedge_us;
		if (exchange->latest_us + wait_us < look_us)
			look_us = exchange->latest_us + wait_us;
	}
	if (!timer_is_armed(&exchange->timer) || exchange->timer.deadline_us != look_us)
		timerq_arm(&engine->timers, &exchange->timer, look_us);
}

static void dispatch_not_sent(struct engine *engine, struct exchange *exchange,
			      struct connection *connection, enum wsb_err err, uint64_t now_us)
{
	pool_unlease(connection, now_us);
	/* The broker's own are dealt with where they come from. */
	if (exchange_attempts_out(exchange) > 0 || exchange->feed)
		return;
	if (err == WSB_EINVAL || err == WSB_EPARSE)
		settle_error(engine, exchange, RESULT_INVALID, "not_transcodable", NULL, now_us);
	else
		settle_error(engine, exchange, RESULT_OVERLOADED, "overloaded", "limits.memory",
			     now_us);
}

static void dispatch_remember(struct exchange *exchange, const struct connection *connection)
{
	size_t at = exchange->attempts_made++ % EXCHANGE_ATTEMPTS_MAX;

	exchange->tried[at] = connection;
	exchange->tried_endpoints[at] = connection->endpoint;
}

static void dispatch_doubt(struct engine *engine, const struct exchange *notification,
			   struct connection *connection, uint64_t position, uint64_t now_us)
{
	if (notification->route->invalidate.compiled)
		doubts_notified(engine, notification, connection, position, now_us);
}

bool dispatch_send(struct engine *engine, struct exchange *exchange, struct connection *connection,
		   uint64_t now_us)
{
	struct lane *lane = exchange->lane;
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
	if (exchange->notification)
		health_unasked(connection->endpoint);
	if (exchange->notification && !affinity_rules(lane)) {
		pool_return(connection, 0, now_us);
		link_notified(engine, connection, now_us);
		dispatch_doubt(engine, exchange, connection, position, now_us);
		settle_silently(engine, exchange, RESULT_COUNT, now_us);
		return true;
	}
	attempt->connection = connection;
	attempt->position = position;
	attempt->sent_us = now_us;
	attempt->hedge = false;
	if (affinity_rules(lane))
		affinity_sent(exchange, connection);
	if (exchange->notification) {
		list_append(&connection->notifications, &attempt->link);
		exchange->state = EXCHANGE_SENT;
		timerq_arm(&engine->timers, &exchange->timer, now_us + exchange->route->timeout_us);
		dispatch_doubt(engine, exchange, connection, position, now_us);
		return true;
	}
	list_append(&connection->attempts, &attempt->link);
	lane->traffic.attempts++;
	dispatch_remember(exchange, connection);
	if (exchange->flight)
		cached_sent(engine, exchange, now_us);
	exchange->latest_us = now_us;
	exchange->state = EXCHANGE_SENT;
	dispatch_watch(engine, exchange);
	return true;
}
