#include <criterion/criterion.h>
#include "proto/codec.h"
#include "proto/msgpack_scan.h"
#include "tests/unit/proto/exact.h"

#define BYTES(literal)                                                                             \
	{                                                                                          \
		literal, sizeof(literal) - 1                                                       \
	}

static bool is_valid(struct span bytes)
{
	const struct span exact = exact_copy(bytes);
	const char *const end = exact.at + exact.len;
	const bool valid = msgpack_skip(exact.at, end, 0) == end;

	exact_free(exact);
	return valid;
}

static const struct span accepted[] = {
	BYTES("\0"),
	BYTES("\x7f"),
	BYTES("\xe0"),
	BYTES("\xff"),
	BYTES("\xc0"),
	BYTES("\xc2"),
	BYTES("\xc3"),
	BYTES("\xcc\xff"),
	BYTES("\xcd\xff\xff"),
	BYTES("\xce\1\2\3\4"),
	BYTES("\xcf\1\2\3\4\5\6\7\x08"),
	BYTES("\xd0\x80"),
	BYTES("\xd1\x80\0"),
	BYTES("\xd2\x80\0\0\0"),
	BYTES("\xd3\x80\0\0\0\0\0\0\0"),
	BYTES("\xca\0\0\0\0"),
	BYTES("\xcb\x7f\xf8\0\0\0\0\0\0"),
	BYTES("\xa0"),
	BYTES("\xa3"
	      "abc"),
	BYTES("\xa1\0"),
	BYTES("\xd9\0"),
	BYTES("\xd9\1a"),
	BYTES("\xda\0\1a"),
	BYTES("\xdb\0\0\0\1a"),
	BYTES("\xa4\xf0\x9f\x98\x80"),
	BYTES("\xc4\0"),
	BYTES("\xc4\2\xff\xfe"),
	BYTES("\xc5\0\1\xff"),
	BYTES("\xc6\0\0\0\1\xff"),
	BYTES("\xd4\1\xff"),
	BYTES("\xd5\1\xff\xff"),
	BYTES("\xd6\xff\0\0\0\0"),
	BYTES("\xd7\1\0\0\0\0\0\0\0\0"),
	BYTES("\xd8\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	BYTES("\xc7\0\1"),
	BYTES("\xc7\1\1\xff"),
	BYTES("\xc8\0\1\1\xff"),
	BYTES("\xc9\0\0\0\1\1\xff"),
	BYTES("\x80"),
	BYTES("\x90"),
	BYTES("\x91\x90"),
	BYTES("\x81\x01\x02"),
	BYTES("\x81\x80\x80"),
	BYTES("\xdc\0\1\xc0"),
	BYTES("\xdd\0\0\0\1\xc0"),
	BYTES("\xde\0\1\xc0\xc0"),
	BYTES("\xdf\0\0\0\1\xa1k\xc0"),
	BYTES("\xdc\0\0"),
	BYTES("\xdf\0\0\0\0"),
	BYTES("\x92\x92\x01\x02\x81\xa1"
	      "a\x90"),
};

static const struct span rejected[] = {
	BYTES(""),
	BYTES("\xc1"),
	BYTES("\x91\xc1"),
	BYTES("\x81\xc1\0"),
	BYTES("\x81\xa1k\xc1"),
	BYTES("\xa2\xc3\x28"),
	BYTES("\xa1\xff"),
	BYTES("\xa2\xc0\x80"),
	BYTES("\xa3\xed\xa0\x80"),
	BYTES("\x81\xa1\x80\0"),
	BYTES("\xa9"
	      "12345678\xff"),
	BYTES("\0\0"),
	BYTES("\xc0\xc0"),
	BYTES("\x90\x90"),
	BYTES("\x80\0"),
	BYTES("\xdd\xff\xff\xff\xff\0"),
	BYTES("\xdf\xff\xff\xff\xff\0\0"),
	BYTES("\xdb\xff\xff\xff\xff"
	      "a"),
	BYTES("\xc6\xff\xff\xff\xff"
	      "a"),
	BYTES("\xc9\xff\xff\xff\xff\1a"),
	BYTES("\xc9\xff\xff\xff\xff"),
	BYTES("\xde\0\2\0\0\0"),
};

Test(msgpack, accepts_every_type)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
		cr_assert(is_valid(accepted[i]), "case %zu", i);
}

Test(msgpack, rejects_what_is_none_and_believes_no_length)
{
	for (size_t i = 0; i < sizeof(rejected) / sizeof(rejected[0]); i++)
		cr_assert(!is_valid(rejected[i]), "case %zu", i);
}

Test(msgpack, rejects_every_beginning)
{
	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
		for (size_t len = 0; len < accepted[i].len; len++)
			cr_assert(!is_valid(span_of(accepted[i].at, len)), "case %zu at %zu", i,
				  len);
	}
}

static bool is_valid_at_depth(size_t depth, char open, bool map)
{
	char bytes[2 * CODEC_DEPTH_MAX + 8];
	size_t len = 0;

	for (size_t i = 0; i < depth; i++) {
		bytes[len++] = open;
		if (map)
			bytes[len++] = '\1';
	}
	bytes[len++] = '\xc0';
	return is_valid(span_of(bytes, len));
}

Test(msgpack, nests_512_deep_and_no_deeper)
{
	cr_assert(is_valid_at_depth(CODEC_DEPTH_MAX, '\x91', false));
	cr_assert(is_valid_at_depth(CODEC_DEPTH_MAX, '\x81', true));
	cr_assert(!is_valid_at_depth(CODEC_DEPTH_MAX + 1, '\x91', false));
	cr_assert(!is_valid_at_depth(CODEC_DEPTH_MAX + 1, '\x81', true));
}

static struct msgpack_head head(struct span bytes)
{
	struct msgpack_head result = {.kind = MSGPACK_NIL};

	cr_assert(msgpack_head_read(bytes.at, bytes.at + bytes.len, &result));
	return result;
}

static int64_t signed_of(struct span bytes)
{
	const struct msgpack_head at = head(bytes);

	return msgpack_int(bytes.at, &at);
}

static uint64_t unsigned_of(struct span bytes)
{
	const struct msgpack_head at = head(bytes);

	return msgpack_uint(bytes.at, &at);
}

static double float_of(struct span bytes)
{
	const struct msgpack_head at = head(bytes);

	return msgpack_float(&at);
}

Test(msgpack, numbers_have_their_values)
{
	cr_assert_eq(signed_of(span_of("\xff", 1)), -1);
	cr_assert_eq(signed_of(span_of("\xe0", 1)), -32);
	cr_assert_eq(signed_of(span_of("\xd0\x80", 2)), -128);
	cr_assert_eq(signed_of(span_of("\xd1\x80\0", 3)), -32768);
	cr_assert_eq(signed_of(span_of("\xd2\x80\0\0\0", 5)), INT32_MIN);
	cr_assert_eq(signed_of(span_of("\xd3\x80\0\0\0\0\0\0\0", 9)), INT64_MIN);
	cr_assert_eq(signed_of(span_of("\xd3\0\0\0\0\0\0\0\5", 9)), 5);
	cr_assert_eq(unsigned_of(span_of("\x7f", 1)), 127);
	cr_assert_eq(unsigned_of(span_of("\xcc\xff", 2)), 255);
	cr_assert_eq(unsigned_of(span_of("\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9)), UINT64_MAX);
	cr_assert_eq(float_of(span_of("\xca\x3f\xc0\0\0", 5)), 1.5);
	cr_assert_eq(float_of(span_of("\xcb\xc0\x04\0\0\0\0\0\0", 9)), -2.5);
}
