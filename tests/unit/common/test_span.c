#include <criterion/criterion.h>
#include "common/span.h"

Test(span, absent_and_empty_differ_in_at_only)
{
	struct span absent = span_text(NULL);
	struct span empty = span_text("");

	cr_assert_null(absent.at);
	cr_assert_not_null(empty.at);
	cr_assert(span_equal(absent, empty));
	cr_assert(span_equal(absent, absent));
}

Test(span, equal_compares_bytes_and_length)
{
	cr_assert(span_equal(span_of("a\0b", 3), span_of("a\0b", 3)));
	cr_assert_not(span_equal(span_of("a\0b", 3), span_of("a\0c", 3)));
	cr_assert_not(span_equal(span_text("ab"), span_text("a")));
	cr_assert(span_is(span_of("abc", 2), "ab"));
	cr_assert_not(span_is(span_of("abc", 2), "abc"));
}

Test(span, begins_never_looks_past_the_end)
{
	cr_assert(span_begins(span_text("wsbroker.ping"), "wsbroker."));
	cr_assert(span_begins(span_text("x"), ""));
	cr_assert_not(span_begins(span_of("wsbroker.", 8), "wsbroker."));
	cr_assert_not(span_begins(span_text(""), "w"));
}
