#include "tests/support/outside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/must.h"

static void breach(struct outside *outside, const char *what)
{
	if (!outside->breach)
		outside->breach = what;
}

static struct peer *peer_add(struct outside *outside, enum peer_kind kind, enum peer_state state)
{
	struct peer *peer = must_calloc(1, sizeof(*peer));

	peer->outside = outside;
	peer->number = ++outside->peer_count;
	peer->kind = kind;
	peer->state = state;
	stream_init(&peer->stream, kind == PEER_UPSTREAM);
	strbuf_init(&peer->body);
	list_node_init(&peer->link);
	list_append(&outside->peers, &peer->link);
	return peer;
}

static void peer_enter(struct peer *peer, enum peer_state state)
{
	struct outside *outside = peer->outside;

	peer->state = state;
	if (state == PEER_ENDED && list_is_linked(&peer->link)) {
		list_remove(&outside->peers, &peer->link);
		list_append(&outside->gone, &peer->link);
	}
}

static void peer_change(struct peer *peer, enum peer_state state)
{
	peer_enter(peer, state);
	if (peer->outside->on_change)
		peer->outside->on_change(peer->outside->context, peer);
}

static struct peer *peer_of_dial(struct outside *outside, const struct connection *connection)
{
	list_each(&outside->peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->connection == connection)
			return peer;
	}
	return NULL;
}

static void port_dial(void *io, struct connection *connection)
{
	struct outside *outside = io;
	struct peer *peer;

	if (peer_of_dial(outside, connection))
		breach(outside, "dial: this connection has been dialled before");
	peer = peer_add(outside, PEER_UPSTREAM, PEER_DIALING);
	peer->connection = connection;
	peer_change(peer, PEER_DIALING);
}

static void port_abort_dial(void *io, struct connection *connection)
{
	struct peer *peer = peer_of_dial(io, connection);

	if (!peer || peer->state != PEER_DIALING)
		breach(io, "abort_dial: no such dial is under way");
	else
		peer_change(peer, PEER_ABORTED);
}

static void port_want_write(void *io, void *transport)
{
	struct peer *peer = transport;

	if (peer->state != PEER_OPEN && peer->state != PEER_CLOSING)
		breach(io, "want_write: the transport is not open");
	peer->wants_write = true;
}

static void port_close(void *io, void *transport, uint16_t code, struct span reason)
{
	struct peer *peer = transport;

	if (peer->state != PEER_OPEN)
		breach(io, "close: the transport is not open");
	if (code != 0 && !wsframe_close_code_is_valid(code))
		breach(io, "close: a code that nobody may send");
	peer->close_code = code;
	snprintf(peer->close_reason, sizeof(peer->close_reason), "%.*s", (int)reason.len,
		 reason.len ? reason.at : "");
	peer_change(peer, PEER_CLOSING);
}

static void port_abort(void *io, void *transport)
{
	struct peer *peer = transport;

	if (peer->state != PEER_OPEN && peer->state != PEER_CLOSING)
		breach(io, "abort: the transport is not open");
	else
		peer_change(peer, PEER_ABORTED);
}

static void port_pause(void *io, void *transport, bool paused)
{
	struct peer *peer = transport;

	if (peer->state == PEER_ENDED)
		breach(io, "pause: the transport has ended");
	peer->paused = paused;
}

static void port_http_respond(void *io, void *transport, int status, uint32_t retry_after_s,
			      enum encoding encoding, struct span body)
{
	struct peer *peer = transport;

	if (peer->kind != PEER_POST || peer->state != PEER_OPEN || peer->status != 0)
		breach(io, "http_respond: nobody waits for it");
	if (status == 204 && body.len > 0)
		breach(io, "http_respond: 204 with a body");
	peer->status = status;
	peer->retry_after_s = retry_after_s;
	peer->encoding = encoding;
	strbuf_clear(&peer->body);
	strbuf_add(&peer->body, body);
	peer->session = NULL;
	peer_change(peer, PEER_ENDED);
}

static void port_tunnel_dial(void *io, void *transport, const struct endpoint *endpoint,
			     uint64_t deadline_us)
{
	struct peer *peer = transport;

	if (peer->kind != PEER_TUNNEL || peer->state != PEER_DIALING || peer->dialled)
		breach(io, "tunnel_dial: not one that could be dialled now");
	peer->dialled = endpoint;
	peer->dial_until_us = deadline_us;
}

static void port_tunnel_refuse(void *io, void *transport, const struct admittance *verdict)
{
	struct peer *peer = transport;

	if (peer->kind != PEER_TUNNEL || peer->state != PEER_DIALING)
		breach(io, "tunnel_refuse: too late");
	peer->status = verdict->status;
	peer->retry_after_s = verdict->retry_after_s;
	peer->dialled = NULL;
	peer->session = NULL;
	peer_change(peer, PEER_ENDED);
}

/* The run begins on a day like any other. */
static uint64_t port_wall_us(void *io)
{
	return UINT64_C(1700000000000000) + ((struct outside *)io)->now_us;
}

static void port_random(void *io, void *out, size_t len)
{
	struct outside *outside = io;
	unsigned char *at = out;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = rng_next(&outside->rng);

		memcpy(at + i, &word, len - i < 8 ? len - i : 8);
	}
}

static void port_resolve(void *io, uint64_t look_up, const char *host)
{
	struct outside *outside = io;

	(void)host;
	outside->look_up = look_up;
}

static void discard_line(void *context, enum log_level level, struct span line)
{
	(void)context, (void)level, (void)line;
}

void outside_init(struct outside *outside, uint64_t seed)
{
	*outside = (struct outside){.now_us = 1000000};
	list_init(&outside->peers);
	list_init(&outside->gone);
	rng_init(&outside->rng, seed);
	log_init(&outside->log, LOG_ERROR, LOG_LOGFMT, discard_line, NULL, NULL);
	outside->ports = (struct ports){
		.io = outside,
		.dial = port_dial,
		.abort_dial = port_abort_dial,
		.want_write = port_want_write,
		.close = port_close,
		.abort = port_abort,
		.pause = port_pause,
		.http_respond = port_http_respond,
		.resolve = port_resolve,
		.tunnel_dial = port_tunnel_dial,
		.tunnel_refuse = port_tunnel_refuse,
		.tunnel_close = port_close,
		.wall_us = port_wall_us,
		.random = port_random,
	};
}

enum wsb_err outside_begin(struct outside *outside, const struct config *config, uint64_t seed)
{
	return engine_create(&outside->engine, config, &outside->ports, &outside->log, seed,
			     outside->now_us);
}

void outside_hang_up(struct outside *outside)
{
	struct list_node *node;

	while ((node = list_first(&outside->peers)))
		peer_end(list_entry(node, struct peer, link), "eof", 0, span_of("", 0));
}

void outside_end(struct outside *outside)
{
	outside_hang_up(outside);
	engine_destroy(outside->engine);
	outside->engine = NULL;
}

void outside_fini(struct outside *outside)
{
	struct list_node *node;

	while ((node = list_pop(&outside->gone))) {
		struct peer *peer = list_entry(node, struct peer, link);

		stream_fini(&peer->stream);
		strbuf_fini(&peer->body);
		free(peer);
	}
}

void outside_tick(struct outside *outside, uint64_t now_us)
{
	outside->now_us = now_us;
	engine_tick(outside->engine, now_us);
}

int outside_knock(struct outside *outside, bool upgrade, struct admittance *out)
{
	return outside_knock_at(outside, 0, upgrade, out);
}

int outside_knock_at(struct outside *outside, size_t listener, bool upgrade, struct admittance *out)
{
	const struct admission admission = {
		.listener = listener,
		.upgrade = upgrade,
		.method = span_text(upgrade ? "GET" : "POST"),
		.path = span_text("/"),
		.version = span_text(upgrade ? "13" : NULL),
		.key = span_text(upgrade ? "dGhlIHNhbXBsZSBub25jZQ==" : NULL),
	};

	*out = (struct admittance){0};
	engine_admit(outside->engine, &admission, out);
	return out->status;
}

struct peer *outside_client(struct outside *outside, size_t listener,
			    const struct admittance *admittance)
{
	struct peer *peer = peer_add(outside, PEER_CLIENT, PEER_OPEN);

	peer->session =
		engine_client_opened(outside->engine, listener, admittance, peer, outside->now_us);
	if (peer->session)
		return peer;
	peer_enter(peer, PEER_ENDED);
	return NULL;
}

struct peer *outside_post(struct outside *outside, size_t listener,
			  const struct admittance *admittance, enum encoding encoding,
			  struct span body)
{
	struct peer *peer = peer_add(outside, PEER_POST, PEER_OPEN);
	struct session *session = engine_http_request(outside->engine, listener, admittance,
						      encoding, body, peer, outside->now_us);

	if (peer->status == 0 && !session)
		breach(outside, "http_request: neither answered nor under way");
	if (peer->status != 0 && session)
		breach(outside, "http_request: answered and still under way");
	peer->session = session;
	return peer;
}

struct peer *outside_tunnel(struct outside *outside, size_t listener,
			    const struct admittance *admittance)
{
	struct peer *peer = peer_add(outside, PEER_TUNNEL, PEER_DIALING);
	struct session *session =
		engine_tunnel_begin(outside->engine, listener, admittance, peer, outside->now_us);

	if ((peer->status != 0) == (session != NULL))
		breach(outside, "tunnel_begin: refused and under way, or neither");
	peer->session = session;
	return peer;
}

void tunnel_fails(struct peer *peer, const char *cause)
{
	struct outside *outside = peer->outside;

	peer->dialled = NULL;
	engine_tunnel_failed(outside->engine, peer->session, cause, "", outside->now_us);
}

void tunnel_opens(struct peer *peer)
{
	peer->dialled = NULL;
	peer->state = PEER_OPEN;
	engine_tunnel_opened(peer->outside->engine, peer->session, peer->outside->now_us);
}

void tunnel_declines(struct peer *peer, unsigned int status)
{
	peer->dialled = NULL;
	engine_tunnel_declined(peer->outside->engine, peer->session, status, peer->outside->now_us);
}

void peer_open(struct peer *peer)
{
	if (peer->state != PEER_DIALING)
		return;
	peer->state = PEER_OPEN;
	engine_connection_opened(peer->outside->engine, peer->connection, peer,
				 peer->outside->now_us);
}

void peer_piece(struct peer *peer, bool binary, struct span piece, bool ends_frame,
		bool ends_message)
{
	struct outside *outside = peer->outside;

	char *copy;

	if (peer->state != PEER_OPEN)
		return;
	/* Its very own memory, and gone afterwards, so that the sanitizer sees every byte too many
	 * that is read of it, and every one too late. */
	copy = must_realloc(NULL, piece.len);
	if (piece.len > 0)
		memcpy(copy, piece.at, piece.len);
	piece.at = copy;
	if (peer->kind == PEER_UPSTREAM)
		engine_connection_data(outside->engine, peer->connection, binary, piece,
				       ends_frame ? 0 : 1, ends_message, outside->now_us);
	else
		engine_client_data(outside->engine, peer->session, binary, piece,
				   ends_frame ? 0 : 1, ends_message, outside->now_us);
	free(copy);
}

void peer_say(struct peer *peer, bool binary, struct span message)
{
	peer_piece(peer, binary, message, true, true);
}

void peer_pong(struct peer *peer)
{
	struct outside *outside = peer->outside;

	if (peer->state != PEER_OPEN)
		return;
	peer->pings = 0;
	if (peer->kind == PEER_UPSTREAM)
		engine_connection_pong(outside->engine, peer->connection, outside->now_us);
	else
		engine_client_pong(outside->engine, peer->session, outside->now_us);
}

void peer_end(struct peer *peer, const char *cause, uint16_t code, struct span reason)
{
	struct outside *outside = peer->outside;
	bool asked = peer->state == PEER_CLOSING || peer->state == PEER_ABORTED;
	struct session *session = peer->session;
	struct connection *connection = peer->connection;

	if (peer->state == PEER_ENDED)
		return;
	peer_enter(peer, PEER_ENDED);
	peer->session = NULL;
	peer->connection = NULL;
	if (peer->kind == PEER_UPSTREAM)
		engine_connection_closed(outside->engine, connection, asked ? "asked" : cause,
					 asked ? 0 : code, asked ? span_of("", 0) : reason,
					 outside->now_us);
	else if (peer->kind == PEER_TUNNEL)
		engine_tunnel_closed(outside->engine, session,
				     &(struct tunnel_end){.side = SIDE_CLIENT, .code = code},
				     outside->now_us);
	else
		engine_client_closed(outside->engine, session, code, reason, outside->now_us);
}

struct outbox *peer_outbox(const struct peer *peer)
{
	if (peer->state == PEER_ENDED || peer->state == PEER_DIALING || peer->kind == PEER_POST ||
	    peer->kind == PEER_TUNNEL)
		return NULL;
	if (peer->kind == PEER_CLIENT)
		return &peer->session->outbox;
	return peer->connection->transport ? &peer->connection->outbox : NULL;
}

bool peer_take(struct peer *peer, size_t max)
{
	struct outbox *outbox = peer_outbox(peer);

	if (!outbox || peer->state == PEER_ABORTED)
		return false;
	stream_take(&peer->stream, outbox, max);
	peer->wants_write = outbox_bytes(outbox) > 0;
	return peer->wants_write;
}

bool peer_has_got_all(const struct peer *peer)
{
	const struct outbox *outbox = peer_outbox(peer);

	return !outbox || outbox_bytes(outbox) == 0;
}

bool peer_next(struct peer *peer, struct frame *frame)
{
	while (stream_next(&peer->stream, frame)) {
		if (frame->opcode == WS_TEXT || frame->opcode == WS_BINARY)
			return true;
		if (frame->opcode == WS_PING)
			peer->pings++;
	}
	return false;
}
