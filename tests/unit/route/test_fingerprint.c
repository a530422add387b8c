/* Which values are the same request. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/route/fingerprint.h"
#include "proto/transcode.h"
#include "proto/value_walk.h"

static enum wsb_err print(struct fingerprint *fingerprint, enum encoding encoding,
			  struct span token)
{
	fingerprint_begin(fingerprint);
	return fingerprint_add_value(fingerprint, encoding, token, NULL, 0);
}

static bool are_equal(const char *a, const char *b)
{
	struct fingerprint one, other;
	bool equal;

	fingerprint_init(&one);
	fingerprint_init(&other);
	cr_assert_eq(print(&one, ENCODING_JSON, span_text(a)), WSB_OK, "%s", a);
	cr_assert_eq(print(&other, ENCODING_JSON, span_text(b)), WSB_OK, "%s", b);
	equal = span_equal(fingerprint_bytes(&one), fingerprint_bytes(&other));
	fingerprint_fini(&one);
	fingerprint_fini(&other);
	return equal;
}

Test(fingerprint, equal_values_have_equal_bytes)
{
	static const char *const table[][2] = {
		{"1", "1.0"},
		{"1", "1e0"},
		{"1", "10E-1"},
		{"1", "0.1e+1"},
		{"100", "1e2"},
		{"100", "1.00e2"},
		{"0", "-0"},
		{"0", "0.000e99"},
		{"-1.50", "-15e-1"},
		{"123456789012345678901234567890", "1.2345678901234567890123456789e29"},
		{"1e000000000000000000000000000002", "100"},
		{"{\"a\":1,\"b\":2}", "{ \"b\" : 2 , \"a\" : 1.0 }"},
		{"{\"a\":{\"c\":1,\"b\":[1,{\"y\":1,\"x\":2}]}}",
		 "{\"a\":{\"b\":[1,{\"x\":2,\"y\":1}],\"c\":1}}"},
		{"\"\\u0061\\n\\/\"", "\"a\\u000a/\""},
		{"{\"\\u0061\":1}", "{\"a\":1}"},
		{"[ ]", "[]"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_assert(are_equal(table[i][0], table[i][1]), "%s and %s", table[i][0],
			  table[i][1]);
}

Test(fingerprint, different_values_have_different_bytes)
{
	static const char *const table[][2] = {
		{"1", "\"1\""},
		{"1", "-1"},
		{"1", "10"},
		{"1", "0.1"},
		{"12", "1.2"},
		{"[1,23]", "[12,3]"},
		{"[\"1\",\"23\"]", "[\"12\",\"3\"]"},
		{"[[1],2]", "[[1,2]]"},
		{"{\"a\":\"b\"}", "[\"a\",\"b\"]"},
		{"{\"a\":1}", "{\"a\":1,\"b\":null}"},
		{"null", "false"},
		{"null", "\"\""},
		{"{}", "[]"},
		{"\"a\"", "\"A\""},
		{"[1,2]", "[2,1]"},
		{"9007199254740993", "9007199254740992"},
		{"1e400", "1e401"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_assert(!are_equal(table[i][0], table[i][1]), "%s and %s", table[i][0],
			  table[i][1]);
}

Test(fingerprint, both_encodings_have_the_same_bytes)
{
	static const char *const table[] = {
		"{\"b\":[1,-1,0.5,1e300,2.5e-10,18446744073709551615,-9223372036854775808],\"a\":"
		"null}",
		"[true,false,\"\\u010d \\\"\",{},[],{\"z\":{\"y\":1,\"x\":1.0}}]",
		"0.1",
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct fingerprint one, other;
		struct strbuf packed;

		fingerprint_init(&one);
		fingerprint_init(&other);
		strbuf_init(&packed);
		cr_assert_eq(
			transcode(ENCODING_JSON, ENCODING_MSGPACK, span_text(table[i]), &packed),
			WSB_OK);
		cr_assert_eq(print(&one, ENCODING_JSON, span_text(table[i])), WSB_OK);
		cr_assert_eq(print(&other, ENCODING_MSGPACK, strbuf_span(&packed)), WSB_OK);
		cr_assert(span_equal(fingerprint_bytes(&one), fingerprint_bytes(&other)), "%s",
			  table[i]);
		strbuf_fini(&packed);
		fingerprint_fini(&one);
		fingerprint_fini(&other);
	}
}

Test(fingerprint, what_has_no_canonical_form_is_refused)
{
	static const struct {
		enum encoding encoding;
		const char *bytes;
		size_t len;
	} table[] = {
		{ENCODING_JSON, "{\"a\":1,\"a\":1}", 13},
		{ENCODING_JSON, "{\"a\":1,\"\\u0061\":2}", 18},
		{ENCODING_JSON, "[{\"b\":{\"x\":1,\"y\":2,\"x\":3}}]", 28},
		{ENCODING_JSON, "1e9999999999999999", 18},
		{ENCODING_MSGPACK, "\x81\x01\x02", 3},
		{ENCODING_MSGPACK, "\xcb\x7f\xf8\0\0\0\0\0\0", 9},
	};
	struct fingerprint fingerprint;

	fingerprint_init(&fingerprint);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		cr_assert_eq(print(&fingerprint, table[i].encoding,
				   span_of(table[i].bytes, table[i].len)),
			     WSB_EINVAL, "row %zu", i);
	fingerprint_fini(&fingerprint);
}

Test(fingerprint, what_is_left_out_does_not_count)
{
	static const char a[] = "{\"id\":7,\"m\":{\"id\":8}}", b[] = "{\"m\":{\"id\":8}}";
	struct fingerprint one, other;
	struct span without = span_of(strchr(a, '7'), 1);

	fingerprint_init(&one);
	fingerprint_init(&other);
	fingerprint_begin(&one);
	cr_assert_eq(fingerprint_add_value(&one, ENCODING_JSON, span_text(a), &without, 1), WSB_OK);
	cr_assert_eq(print(&other, ENCODING_JSON, span_text(b)), WSB_OK);
	cr_assert(span_equal(fingerprint_bytes(&one), fingerprint_bytes(&other)));
	fingerprint_fini(&one);
	fingerprint_fini(&other);
}

/* Every level unsorted, with a heavy heart: sorting each would move the heart once more. */
Test(fingerprint, costly_nonsense_is_given_up)
{
	struct fingerprint fingerprint;
	struct strbuf text;

	strbuf_init(&text);
	for (int i = 0; i < 500; i++)
		strbuf_text(&text, "{\"b\":");
	strbuf_text(&text, "\"");
	for (int i = 0; i < 10000; i++)
		strbuf_text(&text, "heart ");
	strbuf_text(&text, "\"");
	for (int i = 0; i < 500; i++)
		strbuf_text(&text, ",\"a\":[{\"y\":1,\"x\":1}]}");
	fingerprint_init(&fingerprint);
	cr_assert_eq(print(&fingerprint, ENCODING_JSON, strbuf_span(&text)), WSB_ELIMIT);
	fingerprint_fini(&fingerprint);
	strbuf_fini(&text);
}

/* Any order of members gives the same bytes. */
Test(fingerprint, the_order_of_members_does_not_count)
{
	struct fingerprint one, other;

	fingerprint_init(&one);
	fingerprint_init(&other);
	srand(1);
	for (int round = 0; round < 200; round++) {
		int order[20], count = rand() % 20;
		struct strbuf a, b;

		strbuf_init(&a);
		strbuf_init(&b);
		for (int i = 0; i < count; i++)
			order[i] = i;
		for (int i = count - 1; i > 0; i--) {
			int k = rand() % (i + 1), kept = order[i];

			order[i] = order[k];
			order[k] = kept;
		}
		strbuf_text(&a, "{");
		strbuf_text(&b, "{");
		for (int i = 0; i < count; i++) {
			strbuf_printf(&a, "%s\"k%d\":{\"v\":%d}", i ? "," : "", i * i, i);
			strbuf_printf(&b, "%s\"k%d\":{\"v\":%d}", i ? "," : "", order[i] * order[i],
				      order[i]);
		}
		strbuf_text(&a, "}");
		strbuf_text(&b, "}");
		cr_assert_eq(print(&one, ENCODING_JSON, strbuf_span(&a)), WSB_OK);
		cr_assert_eq(print(&other, ENCODING_JSON, strbuf_span(&b)), WSB_OK);
		cr_assert(span_equal(fingerprint_bytes(&one), fingerprint_bytes(&other)));
		strbuf_fini(&a);
		strbuf_fini(&b);
	}
	fingerprint_fini(&one);
	fingerprint_fini(&other);
}

/* What is written without a call when there is room, and with one when there is not, is the same.
 */
Test(fingerprint, is_the_same_in_a_buffer_of_any_size)
{
	const struct span token =
		span_text("[-1.5e3,0,{\"b\":\"x\\n\",\"a\":[true,null]},\"some longer text\"]");
	struct fingerprint large, small;

	fingerprint_init(&large);
	cr_assert_eq(print(&large, ENCODING_JSON, token), WSB_OK);
	cr_assert_eq(print(&large, ENCODING_JSON, token), WSB_OK);
	for (size_t capacity = 1; capacity < large.bytes.len + 2; capacity++) {
		fingerprint_init(&small);
		small.bytes.text = malloc(capacity);
		small.bytes.capacity = capacity;
		cr_assert_eq(print(&small, ENCODING_JSON, token), WSB_OK);
		cr_assert(span_equal(fingerprint_bytes(&small), fingerprint_bytes(&large)));
		cr_assert_eq(small.bytes.text[small.bytes.len], '\0');
		fingerprint_fini(&small);
	}
	fingerprint_fini(&large);
}

/* What is left out leaves nothing behind, wherever it stands, whatever it is. */
Test(fingerprint, leaves_out_whole_values)
{
	static const char *const table[][3] = {
		/* the text, the same without, what is left out */
		{"{\"a\":1,\"b\":{\"x\":[1,\"}\"]},\"c\":2}", "{\"c\":2,\"a\":1}", "{\"x"},
		{"{ \"a\" : \"t\\\"}\" , \"b\" : 1 }", "{\"b\":1}", "\"t\\"},
		{"{\"a\":-1.5e3}", "{}", "-1.5"},
		{"{\"a\":[{\"k\":true,\"l\":null}]}", "{\"a\":[{\"l\":null}]}", "true"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct span without[] = {span_of(NULL, 0),
					       span_text(strstr(table[i][0], table[i][2]))};
		struct fingerprint one, other;

		fingerprint_init(&one);
		fingerprint_init(&other);
		fingerprint_begin(&one);
		cr_assert_eq(fingerprint_add_value(&one, ENCODING_JSON, span_text(table[i][0]),
						   without, 2),
			     WSB_OK);
		cr_assert_eq(print(&other, ENCODING_JSON, span_text(table[i][1])), WSB_OK);
		cr_assert(span_equal(fingerprint_bytes(&one), fingerprint_bytes(&other)), "%s",
			  table[i][0]);
		fingerprint_fini(&one);
		fingerprint_fini(&other);
	}
}

/* Names and strings around the lengths at which their heads grow. */
Test(fingerprint, long_strings_and_names)
{
	static const int lengths[] = {0, 1, 126, 127, 128, 129, 16383, 16384, 20000};
	static char one[90000], other[90000];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		int len = lengths[i];

		snprintf(one, sizeof(one), "{\"b%0*d\":\"%0*d\",\"a%0*d\":1,\"c\":2}", len, 1, len,
			 2, len, 1);
		snprintf(other, sizeof(other), "{\"c\":2,\"a%0*d\":1,\"b%0*d\":\"%0*d\"}", len, 1,
			 len, 1, len, 2);
		cr_assert(are_equal(one, other), "%d", len);
		snprintf(other, sizeof(other), "{\"c\":2,\"a%0*d\":1,\"b%0*d\":\"%0*d\"}", len, 1,
			 len, 1, len + 1, 3);
		cr_assert_not(are_equal(one, other), "%d", len);
	}
}
