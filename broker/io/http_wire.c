#include "broker/io/http_wire.h"

#include <errno.h>
#include <sys/socket.h>
#include "common/wsframe.h"

/* Most that is handed over at once. What the socket does not take is copied by the library, so
 * this also bounds what a peer that does not read costs outside the outbox. */
#define WRITE_BYTES_MAX ((size_t)128 * 1024)

#define WS_CLOSE_PROTOCOL 1002

/* As many whole frames as fit into WRITE_BYTES_MAX, at least one. */
static size_t whole_frames(struct span pending)
{
	size_t len = 0;

	if (pending.len <= WRITE_BYTES_MAX)
		return pending.len;
	while (len < pending.len) {
		struct ws_header header;
		size_t frame_len;

		if (wsframe_read(span_of(pending.at + len, pending.len - len), &header))
			return pending.len;
		frame_len = header.header_len + header.payload_len;
		if (len > 0 && len + frame_len > WRITE_BYTES_MAX)
			break;
		len += frame_len;
	}
	return len;
}

/* A rest that the socket did not take stays with the library, which then asks for writability and
 * calls back when it is out. Until then nothing is added to it: its list has no bound. */
static void write_pending(struct wire *wire)
{
	struct lws *wsi = http_socket_of(wire)->wsi;

	while (outbox_bytes(wire->outbox) > 0) {
		struct span pending = outbox_pending(wire->outbox);
		size_t len = whole_frames(pending);

		if (lws_partial_buffered(wsi))
			return;
		if (lws_write(wsi, (unsigned char *)pending.at, len, LWS_WRITE_HTTP) < 0) {
			wire_abort(wire);
			return;
		}
		outbox_consume(wire->outbox, len);
	}
}

static void pause_reading(struct wire *wire)
{
	struct lws *wsi = http_socket_of(wire)->wsi;

	if (wsi && lws_rx_flow_control(wsi, !wire->paused) < 0)
		wire_abort(wire);
}

/* The library kills a socket from its own timers only, and looks at those after it has served some
 * socket: it has to be woken when nothing else does. */
static void drop(struct wire *wire)
{
	struct lws *wsi = http_socket_of(wire)->wsi;

	if (!wsi)
		return;
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	wire->context->wake = true;
}

const struct wire_kind http_wire_kind = {
	.write = write_pending, .pause = pause_reading, .drop = drop};

void http_wire_heard_close(struct http_socket *socket, const char *payload, size_t len)
{
	struct wire *wire = &socket->wire;
	bool answer = wire->state == WIRE_OPEN;

	if (len >= 2)
		wire_note_close(wire, (uint16_t)((uint8_t)payload[0] << 8 | (uint8_t)payload[1]),
				span_of(payload + 2, len - 2));
	else
		wire_note_close(wire, len == 1 ? WS_CLOSE_PROTOCOL : 0, span_of("", 0));
	if (answer &&
	    wire_append_close(wire, wire->outbox, wire->peer_code, span_of("", 0)) == WSB_OK)
		wire_flush(wire);
	wire->state = WIRE_DEAD;
}

/* Whether the peer has gone, or will send nothing more. */
static bool is_at_end(const struct http_socket *socket)
{
	char byte;
	ssize_t got = recv(lws_get_socket_fd(socket->wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

void http_wire_dropped(struct http_socket *socket)
{
	struct wire *wire = &socket->wire;

	if (wire->state == WIRE_OPEN && lws_get_close_length(socket->wsi) == 0 &&
	    !is_at_end(socket) &&
	    wire_append_close(wire, wire->outbox, WS_CLOSE_PROTOCOL, span_text("protocol error")) ==
		    WSB_OK)
		wire_flush(wire);
	wire->state = WIRE_DEAD;
}
