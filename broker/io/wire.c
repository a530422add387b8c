#include "broker/io/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "broker/io/entropy.h"
#include "common/clock.h"
#include "common/wsframe.h"

/* Most that is handed over at once. What the socket does not take is copied by the library, so
 * this also bounds what a peer that does not read costs outside the outbox. */
#define WRITE_BYTES_MAX ((size_t)128 * 1024)

#define WS_CLOSE_PROTOCOL 1002

void wire_init(struct wire *wire, struct ws_context *context, const struct wire_kind *kind)
{
	*wire = (struct wire){.context = context, .kind = kind};
	list_node_init(&wire->dirty);
	timer_init(&wire->deadline);
}

void wire_fini(struct wire *wire)
{
	list_remove(&wire->context->dirty, &wire->dirty);
	timerq_disarm(&wire->context->timers, &wire->deadline);
}

void wire_give_time(struct wire *wire, uint64_t deadline_us)
{
	timerq_arm(&wire->context->timers, &wire->deadline, deadline_us);
}

void wire_opened(struct wire *wire, struct outbox *outbox)
{
	wire->outbox = outbox;
	wire->state = WIRE_OPEN;
	timerq_disarm(&wire->context->timers, &wire->deadline);
	if (outbox_bytes(outbox) > 0)
		wire_want_write(wire);
}

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
void wire_flush(struct wire *wire)
{
	if (wire->state != WIRE_OPEN && wire->state != WIRE_CLOSING)
		return;
	while (outbox_bytes(wire->outbox) > 0) {
		struct span pending = outbox_pending(wire->outbox);
		size_t len = whole_frames(pending);

		if (lws_partial_buffered(wire->wsi))
			return;
		if (lws_write(wire->wsi, (unsigned char *)pending.at, len, LWS_WRITE_HTTP) < 0) {
			wire_abort(wire);
			return;
		}
		outbox_consume(wire->outbox, len);
	}
}

static enum wsb_err append_close(struct wire *wire, uint16_t code, struct span reason)
{
	uint8_t mask[WS_MASK_BYTES];

	if (wire->kind->masks)
		entropy_fill(mask, sizeof(mask));
	return wsframe_append_close(wire->outbox, wire->kind->masks ? mask : NULL, code, reason);
}

void wire_close(struct wire *wire, uint16_t code, struct span reason)
{
	if (wire->state != WIRE_OPEN)
		return;
	if (append_close(wire, code, reason)) {
		wire_abort(wire);
		return;
	}
	wire->state = WIRE_CLOSING;
	wire_give_time(wire, clock_monotonic_us() + WIRE_CLOSE_US);
	/* A socket that is not read would never show the peer's answer. */
	wire_pause(wire, false);
	wire_want_write(wire);
}

/* The library kills a socket from its own timers only, and looks at those after it has served some
 * socket: it has to be woken when nothing else does. */
void wire_abort(struct wire *wire)
{
	if (wire->state == WIRE_DEAD)
		return;
	wire->state = WIRE_DEAD;
	timerq_disarm(&wire->context->timers, &wire->deadline);
	list_remove(&wire->context->dirty, &wire->dirty);
	if (!wire->wsi)
		return;
	lws_set_timeout(wire->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	wire->context->wake = true;
}

void wire_pause(struct wire *wire, bool paused)
{
	if (wire->paused == paused || !wire->wsi || wire->state == WIRE_DEAD)
		return;
	wire->paused = paused;
	if (lws_rx_flow_control(wire->wsi, !paused) < 0)
		wire_abort(wire);
}

void wire_heard_close(struct wire *wire, const char *payload, size_t len)
{
	bool answer = wire->state == WIRE_OPEN;

	wire->peer_closed = true;
	if (len == 1)
		wire->peer_code = WS_CLOSE_PROTOCOL;
	if (len >= 2) {
		size_t reason_len = len - 2 < WIRE_REASON_MAX ? len - 2 : WIRE_REASON_MAX;

		wire->peer_code = (uint16_t)((uint8_t)payload[0] << 8 | (uint8_t)payload[1]);
		wire->peer_reason_len = (uint8_t)reason_len;
		memcpy(wire->peer_reason, payload + 2, reason_len);
	}
	if (answer && append_close(wire, wire->peer_code, span_of("", 0)) == WSB_OK)
		wire_flush(wire);
	wire->state = WIRE_DEAD;
}

bool wire_at_end(const struct wire *wire)
{
	char byte;
	ssize_t got = recv(lws_get_socket_fd(wire->wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

void wire_dropped(struct wire *wire)
{
	if (wire->state == WIRE_OPEN && lws_get_close_length(wire->wsi) == 0 &&
	    !wire_at_end(wire) &&
	    append_close(wire, WS_CLOSE_PROTOCOL, span_text("protocol error")) == WSB_OK)
		wire_flush(wire);
	wire->state = WIRE_DEAD;
}

void wire_ended(struct wire *wire)
{
	wire->wsi = NULL;
	wire->outbox = NULL;
	wire->state = WIRE_DEAD;
	wire_fini(wire);
}

struct span wire_peer_reason(const struct wire *wire)
{
	return span_of(wire->peer_reason, wire->peer_reason_len);
}

void wire_expire(struct wire *wire)
{
	if (wire->state == WIRE_SHAKING && wire->kind->late)
		wire->kind->late(wire);
	wire_abort(wire);
}
