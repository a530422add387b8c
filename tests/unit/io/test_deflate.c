#include <criterion/criterion.h>
#include <stdlib.h>
#include "broker/io/deflate.h"
#include "common/rng.h"

static struct deflater *deflater;

static void set_up(void)
{
	cr_assert_eq(deflater_create(&deflater), WSB_OK);
}

static void tear_down(void)
{
	deflater_destroy(deflater);
}

TestSuite(deflate, .init = set_up, .fini = tear_down);

/* Reads a whole message in slices of step bytes; stops when more than bytes_max have come. */
static enum wsb_err unpack(struct span packed, size_t step, size_t bytes_max, struct strbuf *out)
{
	struct inflater *inflater = inflater_take(deflater);
	enum wsb_err err = WSB_OK;
	size_t at = 0;

	cr_assert_not_null(inflater);
	do {
		size_t len = step < packed.len - at ? step : packed.len - at;
		struct span slice = span_of(packed.at + at, len);
		struct span piece = {0};

		at += len;
		do {
			err = inflater_read(deflater, inflater, &slice, at == packed.len, &piece);
			if (!err)
				strbuf_add(out, piece);
		} while (!err && piece.len == INFLATE_PIECE_BYTES && out->len <= bytes_max);
		cr_assert(err || out->len > bytes_max || slice.len == 0);
	} while (!err && at < packed.len && out->len <= bytes_max);
	inflater_give(deflater, inflater);
	return err;
}

static void expect_round_trip(struct span message, unsigned int bits, size_t step)
{
	struct strbuf packed, out;

	strbuf_init(&packed);
	strbuf_init(&out);
	cr_assert_eq(deflater_pack(deflater, bits, message, &packed), WSB_OK);
	cr_assert_eq(unpack(strbuf_span(&packed), step, SIZE_MAX, &out), WSB_OK);
	cr_expect(span_equal(strbuf_span(&out), message), "%zu bytes, %u bits, slices of %zu",
		  message.len, bits, step);
	strbuf_fini(&packed);
	strbuf_fini(&out);
}

Test(deflate, what_went_in_comes_out)
{
	static const size_t lengths[] = {0, 1, 5, 511, 4096, 3 * INFLATE_PIECE_BYTES, 300000};
	static const size_t steps[] = {1, 7, 1000, SIZE_MAX / 2};
	char *bytes = malloc(300000);
	struct rng rng;

	cr_assert_not_null(bytes);
	rng_init(&rng, 1);
	for (size_t i = 0; i < 300000; i++)
		bytes[i] = (char)(i % 100 < 60 ? 'a' : rng_below(&rng, 256));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++)
			expect_round_trip(span_of(bytes, lengths[i]), 9 + (unsigned int)(i % 7),
					  steps[j]);
	}
	free(bytes);
}

/* RFC 7692, section 7.2.3. */
Test(deflate, the_examples_of_the_rfc)
{
	static const struct {
		struct span packed;
		const char *message;
	} cases[] = {
		{{"\xf2\x48\xcd\xc9\xc9\x07\x00", 7}, "Hello"},
		{{"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11}, "Hello"},
		{{"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8},
		 "Hello"}, /* a last block, then one more */
		{{"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13}, "Hello"},
		{{"\x00", 1}, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step <= cases[i].packed.len; step++) {
			struct strbuf out;

			strbuf_init(&out);
			cr_expect_eq(unpack(cases[i].packed, step, SIZE_MAX, &out), WSB_OK, "%zu",
				     i);
			cr_expect(span_is(strbuf_span(&out), cases[i].message), "%zu in %zu", i,
				  step);
			strbuf_fini(&out);
		}
	}
}

Test(deflate, what_deflate_does_not_make)
{
	static const struct span cases[] = {
		{"\xff\xff\xff\xff", 4},
		{"\x06", 1},
		{"\x00\x05\x00\xfa\xfe\x48", 6},
		{"\xf2\x48\xcd\xc9\xc9\x07\x00\x07", 8},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strbuf out;

		strbuf_init(&out);
		cr_expect_eq(unpack(cases[i], SIZE_MAX / 2, SIZE_MAX, &out), WSB_EPARSE, "%zu", i);
		strbuf_fini(&out);
	}
	expect_round_trip(span_text("what was wrong leaves nothing behind"), 15, 3);
}

Test(deflate, a_bomb_goes_off_piece_by_piece)
{
	const size_t len = (size_t)64 * 1024 * 1024;
	char *zeros = calloc(1, len);
	struct strbuf packed, out;

	cr_assert_not_null(zeros);
	strbuf_init(&packed);
	strbuf_init(&out);
	cr_assert_eq(deflater_pack(deflater, 15, span_of(zeros, len), &packed), WSB_OK);
	cr_assert_lt(packed.len, len / 200);
	cr_assert_eq(unpack(strbuf_span(&packed), SIZE_MAX / 2, 1000000, &out), WSB_OK);
	cr_expect_leq(out.len, 1000000 + INFLATE_PIECE_BYTES, "no more than was asked for");
	strbuf_fini(&packed);
	strbuf_fini(&out);
	free(zeros);
}
