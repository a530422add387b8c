#include "broker/io/wire.h"

#include <stdlib.h>
#include <string.h>
#include "broker/io/entropy.h"
#include "broker/io/ws_deflate.h"
#include "broker/io/ws_frames.h"
#include "common/clock.h"
#include "common/wsframe.h"

void wire_init(struct wire *wire, struct ws_context *context, const struct wire_events *events,
	       bool outgoing)
{
	*wire = (struct wire){.context = context, .events = events, .outgoing = outgoing};
	stream_init(&wire->stream);
	list_node_init(&wire->dirty);
	list_node_init(&wire->step);
	timer_init(&wire->deadline);
	pongs_init(&wire->pongs);
	list_append(&context->wires, &wire->step);
}

void wire_give_time(struct wire *wire, uint64_t deadline_us)
{
	if (wire->state != WIRE_DEAD)
		timerq_arm(&wire->context->timers, &wire->deadline, deadline_us);
}

void wire_opened(struct wire *wire, struct outbox *outbox)
{
	wire->outbox = outbox;
	wire->state = WIRE_OPEN;
	wsreader_init(&wire->reader, wire->outgoing ? WSREADER_SERVER : WSREADER_CLIENT);
	wire->reader.allows_compressed = wire->deflate != NULL;
	timerq_disarm(&wire->context->timers, &wire->deadline);
	if (outbox_bytes(outbox) > 0)
		wire_want_write(wire);
}

void wire_flush(struct wire *wire)
{
	if (wire_is_up(wire))
		ws_frames_turn(wire);
	else if (wire->state == WIRE_SHAKING && wire->events->flush)
		wire->events->flush(wire);
}

enum wsb_err wire_append_close(const struct wire *wire, struct outbox *outbox, uint16_t code,
			       struct span reason)
{
	uint8_t mask[WS_MASK_BYTES];

	if (wire->outgoing)
		entropy_fill(mask, sizeof(mask));
	return wsframe_append_close(outbox, wire->outgoing ? mask : NULL, code, reason);
}

void wire_close(struct wire *wire, uint16_t code, struct span reason)
{
	if (wire->state != WIRE_OPEN)
		return;
	if (wire_append_close(wire, wire->outbox, code, reason)) {
		wire_abort(wire);
		return;
	}
	wire->state = WIRE_CLOSING;
	wire_give_time(wire, clock_monotonic_us() + WIRE_CLOSE_US);
	/* A socket that is not read would never show the peer's answer. */
	wire_pause(wire, false);
	wire_want_write(wire);
}

void wire_leave(struct wire *wire)
{
	list_remove(&wire->context->dirty, &wire->dirty);
	wire->outbox = NULL;
	wire->deaf = true;
	wire->state = WIRE_LEAVING;
	wire_give_time(wire, clock_monotonic_us() + WIRE_LEAVE_US);
	stream_finish(&wire->stream);
	ws_frames_watch(wire);
}

void wire_abort(struct wire *wire)
{
	if (wire->state == WIRE_DEAD)
		return;
	wire->state = WIRE_DEAD;
	timerq_disarm(&wire->context->timers, &wire->deadline);
	list_remove(&wire->context->dirty, &wire->dirty);
	stream_close(&wire->stream);
	list_remove(&wire->context->wires, &wire->step);
	list_append(&wire->context->ended, &wire->step);
	if (wire->events->dropped)
		wire->events->dropped(wire);
}

void wire_fail(struct wire *wire, const char *cause, const char *text)
{
	if (wire->state == WIRE_DEAD)
		return;
	if (wire->events->fault)
		wire->events->fault(wire, cause, text);
	wire_abort(wire);
}

void wire_pause(struct wire *wire, bool paused)
{
	if (wire->paused == paused || !wire_is_up(wire))
		return;
	wire->paused = paused;
	ws_frames_watch(wire);
}

void wire_note_close(struct wire *wire, uint16_t code, struct span reason)
{
	size_t len = reason.len < WIRE_REASON_MAX ? reason.len : WIRE_REASON_MAX;

	wire->peer_closed = true;
	wire->peer_code = code;
	wire->peer_reason_len = (uint8_t)len;
	if (len > 0)
		memcpy(wire->peer_reason, reason.at, len);
}

struct span wire_peer_reason(const struct wire *wire)
{
	return span_of(wire->peer_reason, wire->peer_reason_len);
}

void wire_expire(struct wire *wire)
{
	if (wire->state == WIRE_SHAKING && wire->events->late)
		wire->events->late(wire);
	wire_abort(wire);
}

void wire_report_end(struct wire *wire)
{
	wire->outbox = NULL;
	pongs_fini(&wire->pongs);
	free(wire->rest);
	ws_deflate_end(wire);
	wire->events->ended(wire);
}
