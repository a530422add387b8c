#include <string.h>
#include "broker/io/deflate.h"
#include "broker/io/deflate_offer.h"
#include "common/strbuf.h"
#include "tests/fuzz/fuzz.h"

/* A message may grow to this; what comes after that is not looked at. */
#define BYTES_MAX ((size_t)1024 * 1024)

/* Slices of step bytes; what a broken message gave before it broke depends on them. */
static enum wsb_err unpack(struct deflater *deflater, struct span packed, size_t step,
			   struct strbuf *out)
{
	struct inflater *inflater = inflater_take(deflater);
	enum wsb_err err = WSB_OK;
	size_t at = 0;

	must(inflater != NULL);
	do {
		size_t len = step < packed.len - at ? step : packed.len - at;
		struct span slice = span_of(packed.at + at, len);
		struct span piece;

		at += len;
		do {
			err = inflater_read(deflater, inflater, &slice, at == packed.len, &piece);
			must(piece.len <= INFLATE_PIECE_BYTES);
			if (!err)
				strbuf_add(out, piece);
		} while (!err && piece.len == INFLATE_PIECE_BYTES && out->len < BYTES_MAX);
		must(err || out->len >= BYTES_MAX || slice.len == 0);
	} while (!err && at < packed.len && out->len < BYTES_MAX);
	inflater_give(deflater, inflater);
	return err;
}

static void must_pack(struct deflater *deflater, struct span message, unsigned int bits)
{
	struct strbuf packed, out;

	strbuf_init(&packed);
	strbuf_init(&out);
	must(deflater_pack(deflater, bits, message, &packed) == WSB_OK);
	must(unpack(deflater, strbuf_span(&packed), 7, &out) == WSB_OK);
	must(span_equal(strbuf_span(&out), message));
	strbuf_fini(&packed);
	strbuf_fini(&out);
}

/* The first byte says how the bytes are cut. They are taken for a compressed message, for a message
 * to compress and for an offer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deflater *deflater;
	struct strbuf whole, sliced;
	enum wsb_err first, second;
	struct span bytes;

	if (size < 1)
		return 0;
	bytes = span_of((const char *)data + 1, size - 1);
	must(deflater_create(&deflater) == WSB_OK);
	strbuf_init(&whole);
	strbuf_init(&sliced);
	first = unpack(deflater, bytes, bytes.len, &whole);
	second = unpack(deflater, bytes, data[0] % 16u + 1u, &sliced);
	must(first == second || whole.len >= BYTES_MAX || sliced.len >= BYTES_MAX);
	if (!first && !second && whole.len < BYTES_MAX && sliced.len < BYTES_MAX)
		must(span_equal(strbuf_span(&whole), strbuf_span(&sliced)));
	must_pack(deflater, bytes, 9 + data[0] % 7u);
	must(deflate_offer_choose(bytes).window_bits <= 15);
	strbuf_fini(&whole);
	strbuf_fini(&sliced);
	deflater_destroy(deflater);
	return 0;
}
