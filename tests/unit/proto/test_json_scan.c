#include <criterion/criterion.h>
#include "proto/codec.h"
#include "proto/json_codec.h"
#include "proto/json_scan.h"
#include "tests/unit/proto/exact.h"
#include "tests/unit/proto/json_rejected.h"

static bool is_valid(struct span text)
{
	const struct span exact = exact_copy(text);
	const bool valid = json_scan_is_valid(exact);

	exact_free(exact);
	return valid;
}

/* The same text so far inside a longer one that no stride begins or ends where it did. */
static bool is_valid_within(struct span text, size_t before, size_t after)
{
	char *at = malloc(text.len + before + after + 5);
	size_t len = 0;
	bool valid;

	at[len++] = '[';
	memset(at + len, ' ', before);
	len += before;
	memcpy(at + len, text.at, text.len);
	len += text.len;
	memset(at + len, ' ', after);
	len += after;
	at[len++] = ']';
	valid = is_valid(span_of(at, len));
	free(at);
	return valid;
}

Test(json_scan, accepts_what_is_json)
{
	for (size_t i = 0; i < JSON_ACCEPTED; i++) {
		cr_assert(is_valid(json_accepted[i]), "case %zu: %s", i, json_accepted[i].at);
		for (size_t shift = 0; shift < 40; shift++)
			cr_assert(is_valid_within(json_accepted[i], shift, 40 - shift));
	}
}

Test(json_scan, rejects_what_is_not)
{
	for (size_t i = 0; i < JSON_REJECTED; i++)
		cr_assert(!is_valid(json_rejected[i]), "case %zu: %s", i, json_rejected[i].at);
}

Test(json_scan, rejects_every_beginning_of_a_text)
{
	for (size_t i = 0; i < JSON_ACCEPTED; i++) {
		struct span text = json_accepted[i];

		if (!memchr("{[\"", text.at[0], 3))
			continue;
		for (size_t len = 0; len < text.len; len++)
			cr_assert(!is_valid(span_of(text.at, len)), "case %zu cut at %zu", i, len);
	}
}

Test(json_scan, a_byte_that_is_not_plain_is_found_at_every_place)
{
	char text[80];

	for (size_t len = 2; len <= sizeof(text); len++) {
		for (size_t at = 1; at < len - 1; at++) {
			memset(text, 'x', len);
			text[0] = text[len - 1] = '"';
			cr_assert(is_valid(span_of(text, len)));
			text[at] = '\x1f';
			cr_assert(!is_valid(span_of(text, len)));
			text[at] = '\x80';
			cr_assert(!is_valid(span_of(text, len)));
			text[at] = '"';
			cr_assert(!is_valid(span_of(text, len)));
			text[at] = '\x7f';
			cr_assert(is_valid(span_of(text, len)));
		}
	}
}

static bool is_valid_at_depth(size_t depth, const char *open, const char *close)
{
	const size_t open_len = strlen(open);
	char *text = malloc(depth * (open_len + 1) + 1);
	size_t len = 0;
	bool valid;

	for (size_t i = 0; i < depth; i++, len += open_len)
		memcpy(text + len, open, open_len);
	if (open_len > 1)
		text[len++] = '1';
	memset(text + len, *close, depth);
	valid = is_valid(span_of(text, len + depth));
	free(text);
	return valid;
}

Test(json_scan, nests_512_deep_and_no_deeper)
{
	cr_assert(is_valid_at_depth(CODEC_DEPTH_MAX, "[", "]"));
	cr_assert(is_valid_at_depth(CODEC_DEPTH_MAX, "{\"a\":", "}"));
	cr_assert(!is_valid_at_depth(CODEC_DEPTH_MAX + 1, "[", "]"));
	cr_assert(!is_valid_at_depth(CODEC_DEPTH_MAX + 1, "{\"a\":", "}"));
	cr_assert(!is_valid_at_depth(100000, "[", "]"));
}

Test(json_scan, mixed_nesting_closes_in_order)
{
	char text[1200];

	for (unsigned seed = 0; seed < 64; seed++) {
		size_t len = 0, depth = 0;
		char closers[CODEC_DEPTH_MAX];

		for (; depth < 130; depth++) {
			const bool object = (seed >> depth % 6 ^ depth >> 3) & 1;

			memcpy(text + len, object ? "{\"k\":" : "[", object ? 5 : 1);
			len += object ? 5 : 1;
			closers[depth] = object ? '}' : ']';
		}
		text[len++] = '0';
		for (size_t i = depth; i > 0; i--)
			text[len++] = closers[i - 1];
		cr_assert(is_valid(span_of(text, len)));
		text[len - 70] ^= ']' ^ '}';
		cr_assert(!is_valid(span_of(text, len)));
	}
}

static void check_string(const char *token, const char *value, size_t len)
{
	char buf[64];
	struct span read = json_string_read(span_text(token), buf, sizeof(buf));

	cr_assert(span_equal(read, span_of(value, len)), "%s", token);
	if (read.at == buf)
		cr_assert_null(json_string_read(span_text(token), buf, len - 1).at);
}

Test(json_scan, resolves_escapes)
{
	check_string("\"\"", "", 0);
	check_string("\"plain\"", "plain", 5);
	check_string("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
	check_string("\"a\\u0000b\"", "a\0b", 3);
	check_string("\"\\u00e9\\u20AC\\uD83D\\uDE00!\"", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!",
		     10);
	check_string("\"\\u0069d\"", "id", 2);
	check_string("\"\\\\u0069d\"", "\\u0069d", 7);
}
