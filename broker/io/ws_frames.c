#include "broker/io/ws_frames.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/io/entropy.h"
#include "broker/io/tls.h"
#include "broker/io/ws_deflate.h"
#include "common/clock.h"

/* Of one socket in one turn, so that the others get theirs. */
#define READS_MAX 8

#define TEXT_MAX 160

#define BAD_PAYLOAD 1007

static const char no_memory[] = "no memory for what passes through";

static bool wants_bytes(const struct wire *wire)
{
	return !wire->paused || wire->mute || wire->deaf;
}

/* What comes from the socket follows what is kept. */
static bool may_read(const struct wire *wire)
{
	return wants_bytes(wire) && !wire->rest;
}

/* A client that is not read and goes has its places in the way of others. What it has still said
 * nobody has accepted; of an upstream, that may be answers. */
static bool watches_for_end(const struct wire *wire)
{
	return !wire->outgoing && wire->state == WIRE_OPEN;
}

void ws_frames_watch(struct wire *wire)
{
	int events = 0;

	if (wire->state == WIRE_SHAKING || wire->state == WIRE_DEAD)
		return;
	if (may_read(wire))
		events |= wire->stream.read_needs;
	else if (wants_bytes(wire))
		wire_want_write(wire);
	else if (watches_for_end(wire))
		events |= UV_DISCONNECT;
	if (wire->blocked && wire_is_up(wire))
		events |= wire->stream.write_needs;
	stream_watch(&wire->stream, events);
}

/* The peer has gone, or the socket has failed. */
static WSB_RARE void on_end(struct wire *wire, enum stream_verdict verdict)
{
	char text[TEXT_MAX] = "";

	if (verdict == STREAM_FAILED && wire->stream.ssl)
		tls_complaint(wire->stream.ssl, text, sizeof(text));
	else if (verdict == STREAM_FAILED)
		snprintf(text, sizeof(text), "%s", strerror(errno));
	wire_fail(wire, "eof", text);
}

/* A peer that takes nothing any more may have said why before it went: that is read first. TLS
 * gives nothing out after a failure. */
static void on_write_failed(struct wire *wire)
{
	wire->mute = true;
	if (wire->stream.ssl || wire->deaf)
		on_end(wire, STREAM_FAILED);
}

static struct span pending_of(struct wire *wire)
{
	return wire->deflate ? ws_deflate_pending(wire) : outbox_pending(wire->outbox);
}

static void consume(struct wire *wire, size_t len)
{
	if (wire->deflate)
		ws_deflate_consume(wire, len);
	else
		outbox_consume(wire->outbox, len);
}

/* What lies in a record of TLS cannot be taken back. Compressed frames are never taken back. */
static void on_blocked(struct wire *wire)
{
	wire->blocked = true;
	if (stream_is_secure(&wire->stream) && !wire->deflate)
		outbox_pledge(wire->outbox, STREAM_RECORD_MAX);
}

static void write_pending(struct wire *wire)
{
	struct span pending;

	while ((pending = pending_of(wire)).len > 0) {
		size_t len;
		enum stream_verdict verdict = stream_write(&wire->stream, pending, &len);

		if (verdict == STREAM_DONE) {
			consume(wire, len);
			continue;
		}
		if (verdict == STREAM_BLOCKED)
			on_blocked(wire);
		else
			on_write_failed(wire);
		return;
	}
	if (!pending.at)
		wire_fail(wire, "eof", no_memory);
}

/* The side that accepted ends the connection (RFC 6455, section 7.1.1): at once when both have said
 * goodbye, else after a moment in which the peer can read ours. */
static void end_when_said(struct wire *wire)
{
	if (!wire->deaf || !wire_is_up(wire) || wire->blocked)
		return;
	if (wire->peer_closed)
		wire_fail(wire, "closed", "");
	else
		wire_leave(wire);
}

static void write_frames(struct wire *wire)
{
	if (wire->blocked || wire->mute)
		return;
	if (wire->pongs.count > 0)
		pongs_append(&wire->pongs, wire->outbox, wire->outgoing ? entropy_fill : NULL);
	write_pending(wire);
	end_when_said(wire);
	ws_frames_watch(wire);
}

/* A close frame that overtakes what has not begun to leave: no upstream would read that any more,
 * and as long as it is unsent it can go elsewhere. A socket that is full gets none. */
static void overtake(struct wire *wire, uint16_t code, struct span reason)
{
	struct outbox frame;
	size_t len;

	if (wire->blocked || wire->mute)
		return;
	outbox_init(&frame, wire->outbox->pool, 0);
	if (wire_append_close(wire, &frame, code, reason) == WSB_OK &&
	    stream_write(&wire->stream, outbox_pending(&frame), &len) == STREAM_DONE)
		outbox_consume(&frame, len);
	outbox_fini(&frame);
}

/* Our close frame, the last one, behind what is pending, which is for this peer alone. What it
 * still sends is of no interest. */
static void say_goodbye(struct wire *wire, uint16_t code, struct span reason)
{
	wire->deaf = true;
	if (wire->state == WIRE_OPEN) {
		if (wire_append_close(wire, wire->outbox, code, reason)) {
			wire_abort(wire);
			return;
		}
		wire->state = WIRE_CLOSING;
		wire_give_time(wire, clock_monotonic_us() + WIRE_CLOSE_US);
	}
	write_frames(wire);
}

static void on_close(struct wire *wire, const struct wsreader_item *item)
{
	wire_note_close(wire, item->code, item->payload);
	if (!wire->outgoing) {
		say_goodbye(wire, item->code, span_of("", 0));
		return;
	}
	if (wire->state == WIRE_OPEN)
		overtake(wire, item->code, span_of("", 0));
	else
		wire_flush(wire);
	wire_fail(wire, "closed", "");
}

static void on_violation(struct wire *wire, const struct wsreader_item *item)
{
	if (!wire->outgoing) {
		say_goodbye(wire, item->code, item->payload);
		return;
	}
	if (wire->state == WIRE_OPEN)
		overtake(wire, item->code, item->payload);
	wire_fail(wire, "protocol", item->payload.at);
}

static void on_ping(struct wire *wire, struct span payload)
{
	pongs_add(&wire->pongs, payload);
	wire_want_write(wire);
}

/* Once our close frame is on its way only the peer's is of interest. */
static WSB_RARE void on_item(struct wire *wire, enum wsreader_event event,
			     const struct wsreader_item *item)
{
	bool open = wire->state == WIRE_OPEN;

	if (event == WSREADER_CLOSE)
		on_close(wire, item);
	else if (event == WSREADER_VIOLATION)
		on_violation(wire, item);
	else if (open && event == WSREADER_PING)
		on_ping(wire, item->payload);
	else if (open && event == WSREADER_PONG)
		wire->events->pong(wire);
}

static void take_compressed(struct wire *wire, const struct wsreader_item *item)
{
	enum wsb_err err = ws_deflate_take(wire, item);

	if (err == WSB_EPARSE)
		say_goodbye(wire, BAD_PAYLOAD, span_text("a message that deflate did not make"));
	else if (err)
		wire_fail(wire, "eof", no_memory);
}

static void on_message(struct wire *wire, const struct wsreader_item *item)
{
	if (item->compressed)
		take_compressed(wire, item);
	else
		wire->events->data(wire, item->binary, item->payload, item->frame_left,
				   item->ends_message);
}

/* A peer that is not to be heard now is heard from here later. */
static void keep_rest(struct wire *wire, const struct wsreader_chunk *chunk)
{
	if (chunk->len == 0)
		return;
	wire->rest = malloc(chunk->len);
	if (!wire->rest) {
		wire_fail(wire, "eof", no_memory);
		return;
	}
	memcpy(wire->rest, chunk->at, chunk->len);
	wire->rest_len = chunk->len;
}

void ws_frames_take(struct wire *wire, char *bytes, size_t len)
{
	struct wsreader_chunk chunk = {.at = bytes, .len = len};
	struct wsreader_item item;

	wire->context->now_us = clock_monotonic_us();
	while (wire_is_up(wire) && !wire->deaf) {
		enum wsreader_event event;

		if (!wants_bytes(wire)) {
			keep_rest(wire, &chunk);
			return;
		}
		event = wsreader_next(&wire->reader, &chunk, &item);
		if (event == WSREADER_MORE)
			return;
		if (event != WSREADER_DATA)
			on_item(wire, event, &item);
		else if (wire->state == WIRE_OPEN)
			on_message(wire, &item);
	}
}

static void take_rest(struct wire *wire)
{
	char *rest = wire->rest;

	wire->rest = NULL;
	ws_frames_take(wire, rest, wire->rest_len);
	free(rest);
}

void ws_frames_turn(struct wire *wire)
{
	if (wire->rest && wants_bytes(wire))
		take_rest(wire);
	if (wire_is_up(wire))
		write_frames(wire);
}

/* A bare socket that gave less than was asked for is empty, so it is not asked again; TLS gives one
 * record at a time. */
static void read_frames(struct wire *wire)
{
	char *bytes = wire->context->received;

	for (int reads = 0; reads < READS_MAX && wire->state != WIRE_DEAD; reads++) {
		size_t len;
		enum stream_verdict verdict =
			stream_read(&wire->stream, bytes, WS_RECEIVED_BYTES, &len);

		if (verdict == STREAM_BLOCKED)
			return;
		if (verdict != STREAM_DONE) {
			on_end(wire, verdict);
			return;
		}
		ws_frames_take(wire, bytes, len);
		if (!may_read(wire) || (!wire->stream.ssl && len < WS_RECEIVED_BYTES))
			return;
	}
}

void ws_frames_ready(struct wire *wire, int events)
{
	if ((events & wire->stream.read_needs) && may_read(wire))
		read_frames(wire);
	else if ((events & UV_DISCONNECT) && !wants_bytes(wire) && watches_for_end(wire))
		on_end(wire, STREAM_ENDED);
	if (wire->state == WIRE_DEAD)
		return;
	if (wire->blocked && (events & wire->stream.write_needs)) {
		wire->blocked = false;
		wire_flush(wire);
	}
	ws_frames_watch(wire);
}
