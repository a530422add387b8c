#include "broker/io/deflate.h"

#include <limits.h>
#include <stdlib.h>
/* Input is read only. */
#define ZLIB_CONST
#include <zlib.h>

/* Answers are written once and read once: what a higher level saves is not worth its time. */
#define LEVEL	     1
#define MEMORY_LEVEL 8

#define WINDOW_BITS_MAX 15

/* Inflaters kept for the next message. */
#define SPARE_MAX 8

struct inflater {
	z_stream stream;
	struct inflater *next_spare;
	size_t tail_left; /* of the end that every message lacks */
};

struct deflater {
	z_stream *packers[WINDOW_BITS_MAX + 1];
	struct inflater *spare;
	size_t spare_count;
	char piece[INFLATE_PIECE_BYTES];
};

/* Every message ends with an empty block, of which these bytes are not sent. */
static const unsigned char tail[] = {0x00, 0x00, 0xff, 0xff};

enum wsb_err deflater_create(struct deflater **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? WSB_OK : WSB_ENOMEM;
}

static void inflater_destroy(struct inflater *inflater)
{
	inflateEnd(&inflater->stream);
	free(inflater);
}

void deflater_destroy(struct deflater *deflater)
{
	if (!deflater)
		return;
	for (size_t bits = 0; bits <= WINDOW_BITS_MAX; bits++) {
		if (deflater->packers[bits])
			deflateEnd(deflater->packers[bits]);
		free(deflater->packers[bits]);
	}
	while (deflater->spare) {
		struct inflater *next = deflater->spare->next_spare;

		inflater_destroy(deflater->spare);
		deflater->spare = next;
	}
	free(deflater);
}

static z_stream *packer_of(struct deflater *deflater, unsigned int window_bits)
{
	z_stream **packer = &deflater->packers[window_bits];

	if (*packer)
		return *packer;
	*packer = calloc(1, sizeof(**packer));
	if (*packer && deflateInit2(*packer, LEVEL, Z_DEFLATED, -(int)window_bits, MEMORY_LEVEL,
				    Z_DEFAULT_STRATEGY) != Z_OK) {
		free(*packer);
		*packer = NULL;
	}
	return *packer;
}

enum wsb_err deflater_pack(struct deflater *deflater, unsigned int window_bits, struct span message,
			   struct strbuf *out)
{
	z_stream *stream = packer_of(deflater, window_bits);
	const size_t before = out->len;

	if (!stream || message.len > UINT_MAX)
		return WSB_ENOMEM;
	stream->next_in = (const unsigned char *)message.at;
	stream->avail_in = (unsigned int)message.len;
	do {
		stream->next_out = (unsigned char *)deflater->piece;
		stream->avail_out = sizeof(deflater->piece);
		deflate(stream, Z_SYNC_FLUSH);
		strbuf_add(out,
			   span_of(deflater->piece, sizeof(deflater->piece) - stream->avail_out));
	} while (stream->avail_out == 0 && !out->failed);
	deflateReset(stream);
	if (out->failed)
		return WSB_ENOMEM;
	if (out->len - before >= sizeof(tail))
		out->len -= sizeof(tail);
	return WSB_OK;
}

static struct inflater *inflater_create(void)
{
	struct inflater *inflater = calloc(1, sizeof(*inflater));

	if (inflater && inflateInit2(&inflater->stream, -WINDOW_BITS_MAX) != Z_OK) {
		free(inflater);
		return NULL;
	}
	return inflater;
}

struct inflater *inflater_take(struct deflater *deflater)
{
	struct inflater *inflater = deflater->spare;

	if (!inflater) {
		inflater = inflater_create();
	} else {
		deflater->spare = inflater->next_spare;
		deflater->spare_count--;
		inflateReset(&inflater->stream);
	}
	if (inflater)
		inflater->tail_left = sizeof(tail);
	return inflater;
}

void inflater_give(struct deflater *deflater, struct inflater *inflater)
{
	if (!inflater)
		return;
	if (deflater->spare_count >= SPARE_MAX) {
		inflater_destroy(inflater);
		return;
	}
	inflater->next_spare = deflater->spare;
	deflater->spare = inflater;
	deflater->spare_count++;
}

/* As far as the input or the room goes. A block that says it is the last one may be followed by
 * others (section 7.2.3.4). */
static enum wsb_err run(struct inflater *inflater)
{
	z_stream *stream = &inflater->stream;

	while (stream->avail_out > 0) {
		switch (inflate(stream, Z_SYNC_FLUSH)) {
		case Z_OK:
			if (stream->avail_in == 0 && stream->avail_out > 0)
				return WSB_OK;
			break;
		case Z_BUF_ERROR:
			return WSB_OK;
		case Z_STREAM_END:
			inflateReset(stream);
			if (stream->avail_in == 0)
				return WSB_OK;
			break;
		case Z_MEM_ERROR:
			return WSB_ENOMEM;
		default:
			return WSB_EPARSE;
		}
	}
	return WSB_OK;
}

enum wsb_err inflater_read(struct deflater *deflater, struct inflater *inflater,
			   struct span *packed, bool ends, struct span *piece)
{
	z_stream *stream = &inflater->stream;
	enum wsb_err err;

	stream->next_in = (const unsigned char *)packed->at;
	stream->avail_in = (unsigned int)packed->len;
	stream->next_out = (unsigned char *)deflater->piece;
	stream->avail_out = sizeof(deflater->piece);
	err = run(inflater);
	*packed = span_of((const char *)stream->next_in, stream->avail_in);
	if (!err && ends && packed->len == 0 && stream->avail_out > 0 && inflater->tail_left > 0) {
		stream->next_in = tail + sizeof(tail) - inflater->tail_left;
		stream->avail_in = (unsigned int)inflater->tail_left;
		err = run(inflater);
		inflater->tail_left = stream->avail_in;
	}
	*piece = span_of(deflater->piece, sizeof(deflater->piece) - stream->avail_out);
	return err;
}
