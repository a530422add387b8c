#include "broker/io/wire.h"

#include <string.h>
#include "broker/io/entropy.h"
#include "common/clock.h"
#include "common/wsframe.h"

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

void wire_flush(struct wire *wire)
{
	if (wire_is_up(wire))
		wire->kind->write(wire);
}

enum wsb_err wire_append_close(const struct wire *wire, struct outbox *outbox, uint16_t code,
			       struct span reason)
{
	uint8_t mask[WS_MASK_BYTES];

	if (wire->kind->masks)
		entropy_fill(mask, sizeof(mask));
	return wsframe_append_close(outbox, wire->kind->masks ? mask : NULL, code, reason);
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

void wire_abort(struct wire *wire)
{
	if (wire->state == WIRE_DEAD)
		return;
	wire->state = WIRE_DEAD;
	timerq_disarm(&wire->context->timers, &wire->deadline);
	list_remove(&wire->context->dirty, &wire->dirty);
	wire->kind->drop(wire);
}

void wire_pause(struct wire *wire, bool paused)
{
	if (wire->paused == paused || wire->state == WIRE_DEAD)
		return;
	wire->paused = paused;
	wire->kind->pause(wire);
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

void wire_ended(struct wire *wire)
{
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
