#include "tests/support/stream.h"

#include <stdlib.h>
#include <string.h>
#include "tests/support/must.h"

void stream_init(struct stream *stream, bool masked)
{
	*stream = (struct stream){.masked = masked};
}

void stream_fini(struct stream *stream)
{
	free(stream->bytes);
}

void stream_put(struct stream *stream, struct span bytes)
{
	if (stream->at == stream->len)
		stream->at = stream->len = 0;
	if (bytes.len > stream->capacity - stream->len) {
		stream->capacity = (stream->len + bytes.len) * 2;
		stream->bytes = must_realloc(stream->bytes, stream->capacity);
	}
	if (bytes.len > 0)
		memcpy(stream->bytes + stream->len, bytes.at, bytes.len);
	stream->len += bytes.len;
}

size_t stream_take(struct stream *stream, struct outbox *outbox, size_t max)
{
	struct span pending = outbox_pending(outbox);
	size_t len = pending.len < max ? pending.len : max;

	if (len == 0)
		return 0;
	stream_put(stream, span_of(pending.at, len));
	outbox_consume(outbox, len);
	return len;
}

/* What is wrong with the frame that these two bytes and the header read from them begin. */
static const char *frame_flaw(const struct stream *stream, const unsigned char *at,
			      const struct ws_header *header)
{
	size_t least = wsframe_header_len(header->payload_len, header->mask != NULL);
	bool control = header->opcode & 0x8;

	if (stream->closed)
		return "bytes follow a close frame";
	if (at[0] & 0x70)
		return "a reserved bit is set";
	if (!(at[0] & 0x80))
		return "a frame is not final";
	if (header->opcode != WS_TEXT && header->opcode != WS_BINARY &&
	    header->opcode != WS_CLOSE && header->opcode != WS_PING && header->opcode != WS_PONG)
		return "an opcode has no meaning here";
	if ((header->mask != NULL) != stream->masked)
		return stream->masked ? "a client's frame is not masked"
				      : "a server's frame is masked";
	if (header->header_len != least)
		return "a length is not written in its shortest form";
	if (control && header->payload_len > WS_CONTROL_MAX)
		return "a control frame is too long";
	return NULL;
}

static const char *close_flaw(struct span payload)
{
	const unsigned char *at = (const unsigned char *)payload.at;

	if (payload.len == 0)
		return NULL;
	if (payload.len == 1)
		return "half a close code";
	if (!wsframe_close_code_is_valid((uint16_t)(at[0] << 8 | at[1])))
		return "a close code that nobody may send";
	return NULL;
}

bool stream_next(struct stream *stream, struct frame *frame)
{
	struct ws_header header;
	struct span rest;
	char *payload;

	if (stream->flaw || !stream_is_inside_frame(stream))
		return false;
	rest = span_of(stream->bytes + stream->at, stream->len - stream->at);
	if (wsframe_read(rest, &header))
		return false;
	stream->flaw = frame_flaw(stream, (const unsigned char *)rest.at, &header);
	if (stream->flaw || header.payload_len > rest.len - header.header_len)
		return false;
	payload = stream->bytes + stream->at + header.header_len;
	if (header.mask)
		wsframe_mask(payload, header.payload_len, header.mask);
	*frame = (struct frame){.opcode = header.opcode,
				.payload = span_of(payload, header.payload_len)};
	if (header.opcode == WS_CLOSE) {
		stream->closed = true;
		stream->flaw = close_flaw(frame->payload);
	}
	stream->at += header.header_len + header.payload_len;
	return !stream->flaw;
}
