/* What goes out to a client, and what its coming and going asks of the rest. */
#include "broker/engine/client.h"

#include <stdlib.h>

#include "broker/engine/affinity.h"
#include "broker/engine/tunnel.h"

/* The client does not read what it is sent: what has not begun to leave is dropped, a close frame
 * follows the frame under way. */
void client_cut(struct engine *engine, struct session *session, const char *limit)
{
	size_t dropped = outbox_cut(&session->outbox);

	engine->stats.oddities[ODD_SLOW_READER]++;
	log_event(engine->log, LOG_WARN, "client.slow_reader", log_number("client", session->id),
		  log_text("identity", session->identity ? session->identity : ""),
		  log_number("dropped_bytes", dropped), log_text("limit", limit));
	client_close(engine, session, 1013, "slow_reader");
}

static void client_send_frame(struct engine *engine, struct session *session,
			      enum encoding encoding, const struct span *pieces, size_t count)
{
	uint64_t before = outbox_position(&session->outbox);
	enum wsb_err err =
		wsframe_append(&session->outbox, encoding == ENCODING_JSON ? WS_TEXT : WS_BINARY,
			       NULL, pieces, count);

	if (err) {
		client_cut(engine, session, "limits.send_buffer");
		return;
	}
	engine->stats.messages_out[SIDE_CLIENT]++;
	engine->stats.bytes_out[SIDE_CLIENT] += outbox_position(&session->outbox) - before;
	engine->ports->want_write(engine->ports->io, session->transport);
}

/* A notification has been accepted, so it is sent even when its client has gone. */
static void client_disown(struct exchange *exchange)
{
	struct lane *lane = exchange->lane;
	uint64_t since_us = exchange->item.since_us;
	size_t bytes = exchange->item.bytes;

	list_remove(&exchange->session->exchanges, &exchange->session_link);
	exchange->session->in_flight--;
	exchange->session = NULL;
	if (exchange->state != EXCHANGE_QUEUED)
		return; /* it is in a connection's outbox already */
	fairqueue_remove(&lane->queue, &exchange->item);
	fairqueue_push_again(&lane->queue, &lane->orphans, &exchange->item, bytes, since_us);
}

/* From the last to the first, as each goes to the front of its new line. */
void client_disown_notifications(struct session *session)
{
	struct list_node *node = session->exchanges.head.prev;

	while (node != &session->exchanges.head) {
		struct exchange *exchange = list_entry(node, struct exchange, session_link);

		node = node->prev;
		if (exchange->notification)
			client_disown(exchange);
	}
}

/* An HTTP session has said all it can with its one answer; only notifications may still wait. */
void client_send_status(struct engine *engine, struct session *session, int status,
			uint32_t retry_after_s, enum encoding encoding, struct span body)
{
	void *transport = session->transport;

	if (session->state != SESSION_OPEN || !transport)
		return;
	client_disown_notifications(session);
	affinity_forget_client(session);
	session->transport = NULL;
	session_enter(&engine->sessions, session, SESSION_CLOSED);
	engine->stats.messages_out[SIDE_CLIENT]++;
	engine->stats.bytes_out[SIDE_CLIENT] += body.len;
	engine->ports->http_respond(engine->ports->io, transport, status, retry_after_s, encoding,
				    body);
}

void client_send(struct engine *engine, struct session *session, enum encoding encoding,
		 const struct span *pieces, size_t count)
{
	if (session->state != SESSION_OPEN)
		return;
	if (session->kind == SESSION_WEBSOCKET) {
		client_send_frame(engine, session, encoding, pieces, count);
		return;
	}
	strbuf_clear(&engine->body);
	for (size_t i = 0; i < count; i++)
		strbuf_add(&engine->body, pieces[i]);
	client_send_status(engine, session, engine->body.failed ? 503 : 200, 0, encoding,
			   strbuf_span(&engine->body));
}

void client_close(struct engine *engine, struct session *session, uint16_t code, const char *reason)
{
	if (session->kind == SESSION_TUNNEL) {
		tunnel_close(engine, session, code, reason);
		return;
	}
	if (session->state != SESSION_OPEN || session->kind != SESSION_WEBSOCKET)
		return;
	session_enter(&engine->sessions, session, SESSION_DRAINING);
	list_remove(&engine->pings, &session->ping_link);
	engine->stats.closes[SIDE_CLIENT][close_class_of(code)]++;
	engine->ports->close(engine->ports->io, session->transport, code, span_text(reason));
}

/* Of all clients' messages that have come in part, what may be held. One of any size allowed fits,
 * whatever limits.memory is; as it grows its memory doubles. */
static size_t gathered_max(const struct engine *engine)
{
	uint64_t half = engine->config->limits.memory_bytes / 2;
	uint64_t one = 2 * engine->config->limits.message_bytes;

	return (size_t)(half > one ? half : one);
}

static size_t gathered_of(const struct session *session)
{
	return session->inbox.capacity + session->inflating_bytes;
}

void client_set_inflating(struct engine *engine, struct session *session, size_t bytes)
{
	engine->sessions.gathered_bytes += bytes - session->inflating_bytes;
	session->inflating_bytes = bytes;
}

/* The one that holds most goes: whoever sends whole messages holds nothing for long. */
static void relieve_of_one(struct engine *engine)
{
	struct session *largest = NULL;

	list_each(&engine->sessions.states[SESSION_OPEN], node) {
		struct session *session = list_entry(node, struct session, state_link);

		if (session->kind == SESSION_WEBSOCKET &&
		    (!largest || gathered_of(session) > gathered_of(largest)))
			largest = session;
	}
	if (!largest)
		return;
	log_event(engine->log, LOG_WARN, "client.half_message", log_number("client", largest->id),
		  log_text("identity", largest->identity ? largest->identity : ""),
		  log_number("bytes", gathered_of(largest)), log_text("limit", "limits.memory"));
	inbox_release(&largest->inbox);
	client_set_inflating(engine, largest, 0);
	client_close(engine, largest, 1013, "too much memory is held for messages half sent");
}

void client_relieve(struct engine *engine)
{
	if (engine->sessions.gathered_bytes > gathered_max(engine))
		relieve_of_one(engine);
}

void client_pause(struct engine *engine, struct session *session, bool paused, uint64_t now_us)
{
	session->paused = paused;
	if (!paused) {
		/* It could not be heard while it was not read. */
		session->heard_us = now_us;
		session->ping_waits = false;
	}
	engine->ports->pause(engine->ports->io, session->transport, paused);
}

void client_request_ended(struct engine *engine, struct session *session, uint64_t now_us)
{
	session->in_flight--;
	if (session->paused && session->transport &&
	    session->in_flight < engine->config->limits.in_flight_per_client)
		client_pause(engine, session, false, now_us);
}

/* Few clients ever wait or stay, and those in few pools: they get their seats late, one by one. */
struct seat *client_seat(struct session *session, struct lane *lane)
{
	struct seat *seat = session->seats;

	while (seat && seat->lane != lane)
		seat = seat->next;
	if (seat)
		return seat;
	seat = calloc(1, sizeof(*seat));
	if (!seat)
		return NULL;
	seat->next = session->seats;
	seat->lane = lane;
	fairparty_init(&seat->party);
	list_node_init(&seat->link);
	session->seats = seat;
	return seat;
}

static void forget_seats(struct session *session)
{
	struct seat *seat;

	while ((seat = session->seats)) {
		session->seats = seat->next;
		free(seat);
	}
}

static void forget_seat(struct session *session, const struct lane *lane)
{
	struct seat **at = (struct seat **)&session->seats;

	while (*at) {
		struct seat *seat = *at;

		if (seat->lane != lane) {
			at = &seat->next;
			continue;
		}
		*at = seat->next;
		free(seat);
	}
}

void client_forget_lane(struct engine *engine, const struct lane *lane)
{
	for (size_t state = 0; state < SESSION_STATES; state++) {
		list_each(&engine->sessions.states[state], node)
			forget_seat(list_entry(node, struct session, state_link), lane);
	}
}

void client_reap(struct engine *engine)
{
	list_each(&engine->sessions.states[SESSION_CLOSED], node)
		forget_seats(list_entry(node, struct session, state_link));
	session_reap(&engine->sessions);
}
