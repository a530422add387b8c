#include "broker/io/ws_frames.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "broker/io/entropy.h"
#include "broker/io/tls.h"

/* Of one socket in one turn, so that the others get theirs. */
#define READS_MAX 8

void ws_frames_watch(struct ws_client *client)
{
	int events = 0;

	if (client->stage != CLIENT_OPEN)
		return;
	if (!client->wire.paused || client->mute)
		events |= client->stream.read_needs;
	if (client->blocked)
		events |= client->stream.write_needs;
	stream_watch(&client->stream, events);
}

/* The peer has gone, or the socket has failed. */
static void on_end(struct ws_client *client, enum stream_verdict verdict)
{
	char text[WS_CLIENT_TEXT_MAX] = "";

	if (verdict == STREAM_FAILED && client->stream.ssl)
		tls_client_complaint(client->stream.ssl, text, sizeof(text));
	else if (verdict == STREAM_FAILED)
		snprintf(text, sizeof(text), "%s", strerror(errno));
	ws_client_drop(client, "eof", text);
}

/* A peer that takes nothing any more may have said why before it went: that is read first. TLS
 * gives nothing out after a failure. */
static void on_write_failed(struct ws_client *client)
{
	client->mute = true;
	if (client->stream.ssl)
		on_end(client, STREAM_FAILED);
}

void ws_frames_write(struct ws_client *client)
{
	struct outbox *outbox = client->outbox;

	if (client->blocked || client->mute)
		return;
	pongs_append(&client->pongs, outbox, entropy_fill);
	while (outbox_bytes(outbox) > 0) {
		size_t len;
		enum stream_verdict verdict =
			stream_write(&client->stream, outbox_pending(outbox), &len);

		if (verdict == STREAM_DONE) {
			outbox_consume(outbox, len);
			continue;
		}
		if (verdict == STREAM_BLOCKED)
			client->blocked = true;
		else
			on_write_failed(client);
		break;
	}
	ws_frames_watch(client);
}

/* A close frame that overtakes what has not begun to leave: nobody would read that any more, and as
 * long as it is unsent it can go elsewhere. A socket that is full gets none. */
static void say_goodbye(struct ws_client *client, uint16_t code, struct span reason)
{
	struct outbox frame;
	size_t len;

	if (client->blocked || client->mute)
		return;
	outbox_init(&frame, client->outbox->pool, 0);
	if (wire_append_close(&client->wire, &frame, code, reason) == WSB_OK &&
	    stream_write(&client->stream, outbox_pending(&frame), &len) == STREAM_DONE)
		outbox_consume(&frame, len);
	outbox_fini(&frame);
}

static void on_close(struct ws_client *client, const struct wsreader_item *item)
{
	wire_note_close(&client->wire, item->code, item->payload);
	if (client->wire.state == WIRE_OPEN)
		say_goodbye(client, item->code, span_of("", 0));
	else
		wire_flush(&client->wire);
	ws_client_drop(client, "closed", "");
}

static void on_violation(struct ws_client *client, const struct wsreader_item *item)
{
	if (client->wire.state == WIRE_OPEN)
		say_goodbye(client, item->code, item->payload);
	ws_client_drop(client, "protocol", item->payload.at);
}

static void on_ping(struct ws_client *client, struct span payload)
{
	pongs_add(&client->pongs, payload);
	wire_want_write(&client->wire);
}

/* Once our close frame is on its way only the peer's is of interest. */
static void on_item(struct ws_client *client, enum wsreader_event event,
		    const struct wsreader_item *item)
{
	const struct ws_client_events *events = client->group->events;
	bool open = client->wire.state == WIRE_OPEN;

	if (event == WSREADER_CLOSE)
		on_close(client, item);
	else if (event == WSREADER_VIOLATION)
		on_violation(client, item);
	else if (open && event == WSREADER_PING)
		on_ping(client, item->payload);
	else if (open && event == WSREADER_PONG && events->pong)
		events->pong(client);
}

void ws_frames_take(struct ws_client *client, char *bytes, size_t len)
{
	struct wsreader_chunk chunk = {.at = bytes, .len = len};
	struct wsreader_item item;

	while (client->stage == CLIENT_OPEN) {
		enum wsreader_event event = wsreader_next(&client->reader, &chunk, &item);

		if (event == WSREADER_MORE)
			return;
		if (event != WSREADER_DATA)
			on_item(client, event, &item);
		else if (client->wire.state == WIRE_OPEN)
			client->group->events->data(client, item.binary, item.payload,
						    item.frame_left, item.ends_message);
	}
}

/* A bare socket that gave less than was asked for is empty, so it is not asked again; TLS gives one
 * record at a time. */
static void read_frames(struct ws_client *client)
{
	char *bytes = client->group->context->received;

	for (int reads = 0; reads < READS_MAX && client->stage == CLIENT_OPEN; reads++) {
		size_t len;
		enum stream_verdict verdict =
			stream_read(&client->stream, bytes, WS_RECEIVED_BYTES, &len);

		if (verdict == STREAM_BLOCKED)
			return;
		if (verdict != STREAM_DONE) {
			on_end(client, verdict);
			return;
		}
		ws_frames_take(client, bytes, len);
		if (client->wire.paused || (!client->stream.ssl && len < WS_RECEIVED_BYTES))
			return;
	}
}

void ws_frames_ready(struct ws_client *client, int events)
{
	if ((events & client->stream.read_needs) && (!client->wire.paused || client->mute))
		read_frames(client);
	if (client->stage != CLIENT_OPEN)
		return;
	if (client->blocked && (events & client->stream.write_needs)) {
		client->blocked = false;
		wire_flush(&client->wire);
	}
	ws_frames_watch(client);
}
