#include "broker/io/ws_deflate.h"

#include <stdlib.h>
#include "broker/io/deflate.h"
#include "common/wsframe.h"

#define WS_COMPRESSED 0x40

/* So much of the outbox is packed at a time, and at least a frame. What a peer that does not read
 * may cost beside its outbox. */
#define BATCH_BYTES ((size_t)64 * 1024)

struct ws_deflate {
	struct deflater *shared;
	struct inflater *inflater; /* of the message under way; NULL: none is */
	struct outbox_pool *pool;  /* counts what is packed; NULL: nothing is */
	size_t counted;		   /* there */
	struct strbuf packed;	   /* whole frames, ready to be written */
	struct strbuf message;	   /* one of them on the way there */
	size_t sent;		   /* of packed */
	unsigned int window_bits;
};

enum wsb_err ws_deflate_begin(struct wire *wire, struct deflate_terms terms)
{
	struct ws_context *context = wire->context;
	struct ws_deflate *self;

	if (!context->deflater && deflater_create(&context->deflater))
		return WSB_ENOMEM;
	self = calloc(1, sizeof(*self));
	if (!self)
		return WSB_ENOMEM;
	self->shared = context->deflater;
	self->window_bits = terms.window_bits;
	strbuf_init(&self->packed);
	strbuf_init(&self->message);
	wire->deflate = self;
	return WSB_OK;
}

/* What has been taken out of the outbox is held as it was there. */
static void count_packed(struct ws_deflate *self, size_t bytes)
{
	if (self->counted == bytes)
		return;
	self->pool->bytes += bytes - self->counted;
	self->counted = bytes;
}

void ws_deflate_end(struct wire *wire)
{
	struct ws_deflate *self = wire->deflate;

	if (!self)
		return;
	inflater_give(self->shared, self->inflater);
	count_packed(self, 0);
	strbuf_fini(&self->packed);
	strbuf_fini(&self->message);
	free(self);
	wire->deflate = NULL;
}

/* frame_left is unknown before the frame has ended, and a lower bound then. */
static void hand_on(struct wire *wire, const struct wsreader_item *item, struct span piece,
		    bool is_last)
{
	if (!is_last)
		wire->events->data(wire, item->binary, piece, 1, false);
	else if (piece.len > 0 || item->frame_left == 0)
		wire->events->data(wire, item->binary, piece, item->frame_left > 0,
				   item->ends_message);
}

/* Whoever is told of a piece may have enough of the message: then the rest is not looked at. */
enum wsb_err ws_deflate_take(struct wire *wire, const struct wsreader_item *item)
{
	struct ws_deflate *self = wire->deflate;
	struct span packed = item->payload;
	bool is_last = false;
	bool fresh = false;

	if (!self->inflater) {
		self->inflater = inflater_take(self->shared);
		fresh = true;
	}
	if (!self->inflater)
		return WSB_ENOMEM;
	while (!is_last && wire->state == WIRE_OPEN) {
		struct span piece;
		enum wsb_err err = inflater_read(self->shared, self->inflater, &packed,
						 item->ends_message, &piece);

		if (err)
			return err;
		is_last = piece.len < INFLATE_PIECE_BYTES;
		hand_on(wire, item, piece, is_last);
	}
	if (item->ends_message) {
		inflater_give(self->shared, self->inflater);
		self->inflater = NULL;
		if (!fresh)
			wire->events->inflates(wire, 0);
	} else if (fresh && wire->state == WIRE_OPEN) {
		wire->events->inflates(wire, INFLATER_BYTES);
	}
	return WSB_OK;
}

/* The header of an unmasked frame. */
static void add_header(struct strbuf *out, unsigned int first, size_t len)
{
	unsigned char header[WS_HEADER_MAX] = {(unsigned char)first};
	size_t header_len = wsframe_header_len(len, false);
	size_t len_bytes = header_len - 2;

	header[1] = (unsigned char)(len_bytes == 0 ? len : len_bytes == 2 ? 126 : 127);
	for (size_t i = 0; i < len_bytes; i++)
		header[2 + i] = (unsigned char)(len >> 8 * (len_bytes - 1 - i));
	strbuf_add(out, span_of((const char *)header, header_len));
}

/* A frame as it is, or shorter. */
static enum wsb_err pack_frame(struct ws_deflate *self, const struct ws_header *header,
			       struct span frame)
{
	struct span payload = span_of(frame.at + header->header_len, header->payload_len);
	bool is_data = header->opcode == WS_TEXT || header->opcode == WS_BINARY;

	strbuf_clear(&self->message);
	if (is_data && payload.len >= DEFLATE_BYTES_MIN &&
	    deflater_pack(self->shared, self->window_bits, payload, &self->message))
		return WSB_ENOMEM;
	if (self->message.len == 0 || self->message.len >= payload.len) {
		strbuf_add(&self->packed, frame);
	} else {
		add_header(&self->packed, (unsigned char)frame.at[0] | WS_COMPRESSED,
			   self->message.len);
		strbuf_add(&self->packed, strbuf_span(&self->message));
	}
	return self->packed.failed ? WSB_ENOMEM : WSB_OK;
}

/* The outbox holds whole frames of our own making, of which none has begun to leave. */
static enum wsb_err pack_batch(struct ws_deflate *self, struct outbox *outbox)
{
	size_t taken = 0;

	while (taken < BATCH_BYTES && outbox_bytes(outbox) > 0) {
		struct span pending = outbox_pending(outbox);
		struct ws_header header;
		size_t len;

		if (wsframe_read(pending, &header))
			return WSB_EINVAL;
		len = header.header_len + header.payload_len;
		if (pack_frame(self, &header, span_of(pending.at, len)))
			return WSB_ENOMEM;
		outbox_consume(outbox, len);
		taken += len;
	}
	return WSB_OK;
}

struct span ws_deflate_pending(struct wire *wire)
{
	struct ws_deflate *self = wire->deflate;

	if (self->packed.len == 0) {
		if (pack_batch(self, wire->outbox))
			return span_of(NULL, 0);
		self->pool = wire->outbox->pool;
		count_packed(self, self->packed.len);
	}
	return span_of(strbuf_span(&self->packed).at + self->sent, self->packed.len - self->sent);
}

/* A socket that waits holds no memory. */
void ws_deflate_consume(struct wire *wire, size_t len)
{
	struct ws_deflate *self = wire->deflate;

	self->sent += len;
	if (self->sent < self->packed.len)
		return;
	self->sent = 0;
	count_packed(self, 0);
	strbuf_fini(&self->packed);
	strbuf_fini(&self->message);
}
