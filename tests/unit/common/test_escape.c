#include <criterion/criterion.h>
#include "common/escape.h"

static size_t sequence(const char *bytes)
{
	return utf8_sequence_len(span_text(bytes));
}

Test(escape, well_formed_sequences_have_their_length)
{
	cr_assert_eq(sequence("a"), 1);
	cr_assert_eq(sequence("\x7f"), 1);
	cr_assert_eq(sequence("\xc2\x80"), 2);
	cr_assert_eq(sequence("\xdf\xbf"), 2);
	cr_assert_eq(sequence("\xe0\xa0\x80"), 3);
	cr_assert_eq(sequence("\xed\x9f\xbf"), 3);
	cr_assert_eq(sequence("\xee\x80\x80"), 3);
	cr_assert_eq(sequence("\xf0\x90\x80\x80"), 4);
	cr_assert_eq(sequence("\xf4\x8f\xbf\xbf"), 4);
}

Test(escape, ill_formed_sequences_have_none)
{
	cr_assert_eq(utf8_sequence_len(span_of("", 0)), 0);
	cr_assert_eq(sequence("\x80"), 0, "a continuation alone");
	cr_assert_eq(sequence("\xc0\x80"), 0, "overlong, two bytes");
	cr_assert_eq(sequence("\xc1\xbf"), 0, "overlong, two bytes");
	cr_assert_eq(sequence("\xe0\x9f\xbf"), 0, "overlong, three bytes");
	cr_assert_eq(sequence("\xf0\x8f\xbf\xbf"), 0, "overlong, four bytes");
	cr_assert_eq(sequence("\xed\xa0\x80"), 0, "a surrogate");
	cr_assert_eq(sequence("\xf4\x90\x80\x80"), 0, "above U+10FFFF");
	cr_assert_eq(sequence("\xf5\x80\x80\x80"), 0, "above U+10FFFF");
	cr_assert_eq(sequence("\xff"), 0);
	cr_assert_eq(sequence("\xe2\x82"), 0, "cut off");
	cr_assert_eq(sequence("\xe2\x41\x80"), 0, "no continuation");
	cr_assert_eq(utf8_sequence_len(span_of("\xf0\x9f\x98\x80", 3)), 0, "cut off by length");
}

static void expect_escaped(struct span text, const char *expected)
{
	char all[256];
	size_t len = 0;

	while (text.len > 0)
		len += escape_next(&text, all + len);
	cr_assert(span_is(span_of(all, len), expected), "%.*s is not %s", (int)len, all, expected);
}

Test(escape, text_is_valid_when_all_of_it_is)
{
	cr_expect(utf8_is_valid(span_text("")));
	cr_expect(utf8_is_valid(span_text("a\xc3\xa9\xe2\x82\xac")));
	cr_expect_not(utf8_is_valid(span_text("a\xc3")));
	cr_expect_not(utf8_is_valid(span_text("\xff"
					      "a")));
}

Test(escape, what_needs_it_is_escaped)
{
	expect_escaped(span_text("plain / text"), "plain / text");
	expect_escaped(span_text("\"\\\n\r\t"), "\\\"\\\\\\n\\r\\t");
	expect_escaped(span_of("\0\x01\x1f\x7f", 4), "\\u0000\\u0001\\u001f\\u007f");
	expect_escaped(span_text("\x1b[31m"), "\\u001b[31m");
	expect_escaped(span_text("\xc2\x9b"), "\\u009b");
	expect_escaped(span_text("\xc2\xa0"), "\xc2\xa0");
	expect_escaped(span_text("\xe2\x82\xac\xf0\x9f\x98\x80"), "\xe2\x82\xac\xf0\x9f\x98\x80");
}

Test(escape, each_bad_byte_becomes_one_replacement)
{
	expect_escaped(span_text("a\xff\xfe z"), "a\xef\xbf\xbd\xef\xbf\xbd z");
	expect_escaped(span_text("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
	expect_escaped(span_text("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}
