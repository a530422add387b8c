#include <criterion/criterion.h>
#include "common/rng.h"
#include "common/wsframe.h"

static struct outbox_pool pool;
static struct outbox outbox;

static void set_up(void)
{
	outbox_pool_init(&pool, 16384, 4);
	outbox_init(&outbox, &pool, 1 << 20);
}

static void tear_down(void)
{
	outbox_fini(&outbox);
	outbox_pool_fini(&pool);
}

TestSuite(wsframe, .init = set_up, .fini = tear_down);

static const uint8_t key[WS_MASK_BYTES] = {0x37, 0xfa, 0x21, 0x3d};

static void expect_pending(const char *bytes, size_t len)
{
	struct span pending = outbox_pending(&outbox);

	cr_assert(span_equal(pending, span_of(bytes, len)), "%zu bytes pending", pending.len);
}

/* The examples of RFC 6455, section 5.7. */
Test(wsframe, unmasked_text_of_the_rfc)
{
	struct span hello = span_text("Hello");

	cr_assert_eq(wsframe_append(&outbox, WS_TEXT, NULL, &hello, 1), WSB_OK);
	expect_pending("\x81\x05Hello", 7);
}

Test(wsframe, masked_text_of_the_rfc)
{
	struct span pieces[] = {span_text("H"), span_text(""), span_text("el"), span_text("lo")};

	cr_assert_eq(wsframe_append(&outbox, WS_TEXT, key, pieces, 4), WSB_OK);
	expect_pending("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
}

Test(wsframe, the_length_takes_the_fewest_bytes)
{
	size_t lens[] = {0, 1, 125, 126, 127, 65535, 65536, 100000};
	size_t header_lens[] = {2, 2, 2, 4, 4, 4, 10, 10};
	static char bytes[100000];

	for (int i = 0; i < 8; i++) {
		struct span payload = span_of(bytes, lens[i]);
		struct ws_header header;

		cr_assert_eq(wsframe_header_len(lens[i], 0), header_lens[i]);
		cr_assert_eq(wsframe_header_len(lens[i], 1), header_lens[i] + 4);
		cr_assert_eq(wsframe_append(&outbox, WS_BINARY, i % 2 ? key : NULL, &payload, 1),
			     WSB_OK);
		cr_assert_eq(wsframe_read(outbox_pending(&outbox), &header), WSB_OK);
		cr_assert_eq(header.opcode, WS_BINARY);
		cr_assert_eq(header.payload_len, lens[i]);
		cr_assert_eq(header.header_len, header_lens[i] + (i % 2 ? 4 : 0));
		cr_assert_eq(header.mask != NULL, i % 2);
		outbox_consume(&outbox, outbox_bytes(&outbox));
	}
}

Test(wsframe, a_header_cut_off_anywhere_is_not_read)
{
	char bytes[] = "\x82\xff\0\0\0\0\0\1\0\0abcd";
	struct ws_header header;

	for (size_t len = 0; len < 14; len++)
		cr_assert_eq(wsframe_read(span_of(bytes, len), &header), WSB_EPARSE);
	cr_assert_eq(wsframe_read(span_of(bytes, 14), &header), WSB_OK);
	cr_assert_eq(header.payload_len, 65536);
	cr_assert_eq(memcmp(header.mask, "abcd", 4), 0);
	memset(bytes + 2, 0xff, 8);
	cr_assert_eq(wsframe_read(span_of(bytes, 14), &header), WSB_EPARSE, "63 bits at most");
}

Test(wsframe, masking_works_at_any_length_and_alignment)
{
	char bytes[128], expected[128];

	for (size_t offset = 0; offset < 16; offset++) {
		for (size_t len = 0; len < 100; len++) {
			for (size_t i = 0; i < sizeof(bytes); i++) {
				bytes[i] = expected[i] = (char)(i * 7);
				if (i >= offset && i < offset + len)
					expected[i] ^= (char)key[(i - offset) % 4];
			}
			wsframe_mask(bytes + offset, len, key);
			cr_assert_arr_eq(bytes, expected, sizeof(bytes));
			wsframe_mask(bytes + offset, len, key);
			for (size_t i = 0; i < sizeof(bytes); i++)
				cr_assert_eq(bytes[i], (char)(i * 7));
		}
	}
}

Test(wsframe, any_pieces_give_the_same_frame_as_one)
{
	static char bytes[3000];
	struct rng rng;

	rng_init(&rng, 4);
	for (int round = 0; round < 2000; round++) {
		struct span pieces[8];
		size_t len = 0, count = rng_below(&rng, 9);
		const uint8_t *mask = round % 4 ? key : NULL;
		struct ws_header header;
		struct span frame;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)rng_next(&rng);
		for (size_t i = 0; i < count; i++) {
			size_t piece = rng_below(&rng, i % 2 ? 5 : 350);

			pieces[i] = span_of(bytes + len, piece);
			len += piece;
		}
		cr_assert_eq(wsframe_append(&outbox, WS_TEXT, mask, pieces, count), WSB_OK);
		frame = outbox_pending(&outbox);
		cr_assert_eq(wsframe_read(frame, &header), WSB_OK);
		cr_assert_eq(header.payload_len, len);
		cr_assert_eq(header.header_len + len, frame.len);
		if (mask)
			wsframe_mask(bytes, len, mask);
		cr_assert_eq(memcmp(frame.at + header.header_len, bytes, len), 0);
		outbox_consume(&outbox, frame.len);
	}
}

Test(wsframe, control_frames_pass_the_limit_and_data_does_not)
{
	struct span payload = span_text("12345678");

	outbox_fini(&outbox);
	outbox_init(&outbox, &pool, 9);
	cr_assert_eq(wsframe_append(&outbox, WS_TEXT, NULL, &payload, 1), WSB_ELIMIT);
	cr_assert_eq(outbox_bytes(&outbox), 0);
	cr_assert_eq(wsframe_append(&outbox, WS_PING, NULL, &payload, 1), WSB_OK);
	cr_assert_eq(wsframe_append(&outbox, WS_PONG, NULL, &payload, 1), WSB_OK);
	cr_assert_eq(outbox_bytes(&outbox), 20);
}

Test(wsframe, a_control_frame_over_125_bytes_is_refused)
{
	char bytes[126] = {0};
	struct span payload = span_of(bytes, 126);

	cr_assert_eq(wsframe_append(&outbox, WS_PONG, NULL, &payload, 1), WSB_EINVAL);
	cr_assert_eq(outbox_bytes(&outbox), 0);
	payload.len = 125;
	cr_assert_eq(wsframe_append(&outbox, WS_PONG, NULL, &payload, 1), WSB_OK);
}

Test(wsframe, lengths_that_overflow_are_refused)
{
	struct span pieces[] = {span_of("x", SIZE_MAX - 1), span_of("y", 5)};

	cr_assert_eq(wsframe_append(&outbox, WS_TEXT, NULL, pieces, 2), WSB_ELIMIT);
	cr_assert_eq(wsframe_append(&outbox, WS_TEXT, key, pieces, 1), WSB_ELIMIT);
	cr_assert_eq(outbox_bytes(&outbox), 0);
}

Test(wsframe, close_carries_code_and_reason)
{
	cr_assert_eq(wsframe_append_close(&outbox, NULL, 1012, span_text("bye")), WSB_OK);
	expect_pending("\x88\x05\x03\xf4"
		       "bye",
		       7);
	outbox_consume(&outbox, 7);
	cr_assert_eq(wsframe_append_close(&outbox, NULL, 0, span_text("unused")), WSB_OK);
	expect_pending("\x88\x00", 2);
	outbox_consume(&outbox, 2);
	cr_assert_eq(wsframe_append_close(&outbox, NULL, 1000, span_text(NULL)), WSB_OK);
	expect_pending("\x88\x02\x03\xe8", 4);
}

Test(wsframe, a_long_close_reason_is_cut_between_characters)
{
	char reason[200];
	size_t fits[] = {123, 122, 123, 120};

	/* Characters of 1 to 4 bytes, so that the 123rd byte falls inside most of them. */
	for (size_t width = 1; width <= 4; width++) {
		static const char *characters[] = {"x", "\xc3\xa9", "\xe2\x82\xac",
						   "\xf0\x9f\x98\x80"};
		struct span pending;

		for (size_t i = 0; i + width <= sizeof(reason); i += width)
			memcpy(reason + i, characters[width - 1], width);
		cr_assert_eq(wsframe_append_close(&outbox, NULL, 1008, span_of(reason, 196)),
			     WSB_OK);
		pending = outbox_pending(&outbox);
		cr_assert_eq(pending.len, 4 + fits[width - 1], "width %zu", width);
		outbox_consume(&outbox, pending.len);
	}
}

Test(wsframe, close_codes)
{
	uint16_t good[] = {1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 4999};
	uint16_t bad[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535};

	for (int i = 0; i < 10; i++) {
		cr_assert(wsframe_close_code_is_valid(good[i]), "%d", good[i]);
		cr_assert_not(wsframe_close_code_is_valid(bad[i]), "%d", bad[i]);
	}
}
