#include <criterion/criterion.h>
#include "common/rng.h"
#include "proto/json_scan.h"
#include "proto/transcode.h"
#include "tests/unit/proto/exact.h"

/* What transcode makes of text; absent when it refuses with `wanted`. Freed with exact_free. */
static struct span transcoded(enum encoding from, struct span text, enum wsb_err wanted)
{
	const enum encoding to = from == ENCODING_JSON ? ENCODING_MSGPACK : ENCODING_JSON;
	const struct span exact = exact_copy(text);
	struct strbuf out;
	struct span result = {.at = NULL};
	enum wsb_err err;

	strbuf_init(&out);
	strbuf_text(&out, "before");
	err = transcode(from, to, exact, &out);
	cr_assert_eq(err, wanted, "%d for %.*s", err, (int)text.len, text.at);
	cr_assert(span_begins(strbuf_span(&out), "before"));
	if (err == WSB_OK)
		result = exact_copy(span_of(out.text + 6, out.len - 6));
	else
		cr_assert_str_eq(out.text, "before");
	strbuf_fini(&out);
	exact_free(exact);
	return result;
}

static void check_there_and_back(const char *json, const char *wanted)
{
	struct span packed = transcoded(ENCODING_JSON, span_text(json), WSB_OK);
	struct span back = transcoded(ENCODING_MSGPACK, packed, WSB_OK);

	cr_assert(span_is(back, wanted), "%s came back as %.*s", json, (int)back.len, back.at);
	exact_free(back);
	exact_free(packed);
}

Test(transcode, values_come_back)
{
	static const char *const same[] = {
		"null",
		"true",
		"false",
		"0",
		"1",
		"-1",
		"127",
		"128",
		"-32",
		"-33",
		"-128",
		"-129",
		"255",
		"256",
		"65535",
		"65536",
		"-32769",
		"4294967295",
		"4294967296",
		"9223372036854775807",
		"-9223372036854775808",
		"18446744073709551615",
		"9007199254740993",
		"0.5",
		"-0.25",
		"0.1",
		"3.141592653589793",
		"5e-324",
		"1.7976931348623157e+308",
		"-0.0",
		"\"\"",
		"\"a\"",
		"\"\xc3\xa9\xf0\x9f\x98\x80\"",
		"\"\\\"\\\\\\n\\u0000\"",
		"[]",
		"{}",
		"[[],{},[{}]]",
		"{\"\":{\"\":[]}}",
		"{\"a\":1,\"a\":2}",
		"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		check_there_and_back(same[i], same[i]);
}

Test(transcode, another_way_of_writing_the_same_comes_back_shortest)
{
	check_there_and_back(" { \"a\" :\t[ 1 ,\n2 ] } ", "{\"a\":[1,2]}");
	check_there_and_back("1e2", "100.0");
	check_there_and_back("1.50", "1.5");
	check_there_and_back("-0", "-0.0");
	check_there_and_back("0e5", "0.0");
	check_there_and_back("1.0", "1.0");
	check_there_and_back("0.10000000000000001", "0.1");
	check_there_and_back("0.1000000000000000055511151231257827021181583404541015625", "0.1");
	check_there_and_back("1E20", "1e+20");
	check_there_and_back("\"\\u0041\\/\\u00e9\\uD83D\\uDE00\"",
			     "\"A/\xc3\xa9\xf0\x9f\x98\x80\"");
	check_there_and_back("{\"\\u0069d\":1}", "{\"id\":1}");
}

Test(transcode, what_json_numbers_cannot_be_carried)
{
	static const char *const refused[] = {
		"18446744073709551616",
		"-9223372036854775809",
		"123456789012345678901234567890",
		"1e400",
		"-1e400",
		"1e-400",
		"0.12345678901234567890",
		"3.14159265358979323846",
		"9007199254740993.0",
		"[1,{\"a\":1e999}]",
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		transcoded(ENCODING_JSON, span_text(refused[i]), WSB_EINVAL);
}

Test(transcode, what_messagepack_cannot_be_carried)
{
	static const struct span refused[] = {
		{"\xc4\1a", 3},			 /* bin */
		{"\xd4\1a", 3},			 /* ext */
		{"\xd6\xff\0\0\0\0", 6},	 /* time stamp */
		{"\x81\1\2", 3},		 /* a key that is a number */
		{"\x81\x90\2", 3},		 /* ... an array */
		{"\xcb\x7f\xf8\0\0\0\0\0\0", 9}, /* NaN */
		{"\xcb\x7f\xf0\0\0\0\0\0\0", 9}, /* infinity */
		{"\xca\xff\x80\0\0", 5},	 /* the negative one, narrow */
		{"\x92\1\x81\xa1"
		 "a\xc4\0",
		 7}, /* deep inside */
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		transcoded(ENCODING_MSGPACK, refused[i], WSB_EINVAL);
}

Test(transcode, narrow_floats_are_exact)
{
	struct span json = transcoded(ENCODING_MSGPACK, span_of("\xca\x3d\xcc\xcc\xcd", 5), WSB_OK);

	cr_assert(span_is(json, "0.10000000149011612"));
	exact_free(json);
}

Test(transcode, what_is_not_well_formed_is_refused)
{
	transcoded(ENCODING_JSON, span_text("{"), WSB_EPARSE);
	transcoded(ENCODING_JSON, span_text(""), WSB_EPARSE);
	transcoded(ENCODING_JSON, span_text("{}x"), WSB_EPARSE);
	transcoded(ENCODING_MSGPACK, span_of("", 0), WSB_EPARSE);
	transcoded(ENCODING_MSGPACK, span_of("\x91", 1), WSB_EPARSE);
	transcoded(ENCODING_MSGPACK, span_of("\xc1", 1), WSB_EPARSE);
}

Test(transcode, the_same_encoding_is_copied)
{
	struct strbuf out;

	strbuf_init(&out);
	cr_assert_eq(transcode(ENCODING_JSON, ENCODING_JSON, span_text(" [1.50] "), &out), WSB_OK);
	cr_assert_str_eq(out.text, " [1.50] ");
	strbuf_fini(&out);
}

/* A random value, written as transcode itself writes JSON. */
static void random_value(struct rng *rng, unsigned depth, struct strbuf *out)
{
	static const char *const scalars[] = {
		"null",
		"true",
		"false",
		"0",
		"-1",
		"18446744073709551615",
		"-9223372036854775808",
		"0.1",
		"-1.5e-07",
		"1e+300",
		"\"\"",
		"\"\\n\\\\\"",
		"\"\xe2\x82\xac\"",
	};
	const uint64_t kind = rng_below(rng, depth > 0 ? 3 : 1);
	const uint64_t count = kind > 0 ? rng_below(rng, 20) : 0;

	if (kind == 0) {
		strbuf_text(out, scalars[rng_below(rng, sizeof(scalars) / sizeof(scalars[0]))]);
		return;
	}
	strbuf_text(out, kind == 1 ? "[" : "{");
	for (uint64_t i = 0; i < count; i++) {
		if (i > 0)
			strbuf_text(out, ",");
		if (kind == 2)
			strbuf_printf(out, "\"k%llu\":", (unsigned long long)rng_below(rng, 30));
		random_value(rng, depth - 1, out);
	}
	strbuf_text(out, kind == 1 ? "]" : "}");
}

Test(transcode, random_trees_come_back)
{
	struct strbuf text;
	struct rng rng;

	rng_init(&rng, 20261122);
	strbuf_init(&text);
	for (int i = 0; i < 2000; i++) {
		strbuf_clear(&text);
		random_value(&rng, (unsigned)rng_below(&rng, 5), &text);
		check_there_and_back(text.text, text.text);
	}
	strbuf_fini(&text);
}
