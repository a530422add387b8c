#include <criterion/criterion.h>
#include <stdlib.h>
#include "common/rng.h"
#include "common/strbuf.h"

Test(strbuf, an_untouched_one_is_empty_and_not_absent)
{
	struct strbuf buf;

	strbuf_init(&buf);
	cr_assert_null(buf.text);
	cr_assert_not_null(strbuf_span(&buf).at);
	cr_assert_eq(strbuf_span(&buf).len, 0);
	strbuf_fini(&buf);
}

Test(strbuf, builds_text_piece_by_piece)
{
	struct strbuf buf;

	strbuf_init(&buf);
	strbuf_text(&buf, "a=");
	strbuf_printf(&buf, "%d,%s", 7, "x");
	strbuf_add(&buf, span_of("\0z", 2));
	strbuf_add(&buf, span_text(NULL));
	cr_assert(span_equal(strbuf_span(&buf), span_of("a=7,x\0z", 7)));
	cr_assert_eq(buf.text[buf.len], '\0');
	strbuf_clear(&buf);
	cr_assert_str_eq(buf.text, "");
	strbuf_fini(&buf);
}

Test(strbuf, printf_longer_than_any_first_guess)
{
	struct strbuf buf;

	strbuf_init(&buf);
	strbuf_printf(&buf, "%5000d", 1);
	cr_assert_eq(buf.len, 5000);
	cr_assert_eq(buf.text[4999], '1');
	strbuf_fini(&buf);
}

Test(strbuf, every_length_around_the_growth_steps)
{
	for (size_t first = 120; first < 136; first++) {
		for (size_t second = 0; second < 200; second++) {
			char bytes[200];
			struct strbuf buf;

			memset(bytes, 'x', sizeof(bytes));
			strbuf_init(&buf);
			strbuf_add(&buf, span_of(bytes, first));
			strbuf_add(&buf, span_of(bytes, second));
			cr_assert_eq(strlen(buf.text), first + second);
			cr_assert(buf.len < buf.capacity);
			strbuf_fini(&buf);
		}
	}
}

Test(strbuf, a_failure_sticks_until_cleared)
{
	struct strbuf buf;

	strbuf_init(&buf);
	strbuf_text(&buf, "before");
	strbuf_add(&buf, span_of("x", SIZE_MAX / 2));
	cr_assert(buf.failed);
	strbuf_text(&buf, "after");
	strbuf_printf(&buf, "%d", 1);
	strbuf_json(&buf, span_text("x"));
	cr_assert(span_is(strbuf_span(&buf), "before"));
	strbuf_clear(&buf);
	strbuf_text(&buf, "again");
	cr_assert_not(buf.failed);
	cr_assert(span_is(strbuf_span(&buf), "again"));
	strbuf_fini(&buf);
}

Test(strbuf, plain_text_cannot_steer_a_terminal)
{
	struct strbuf buf;

	strbuf_init(&buf);
	strbuf_plain(&buf, span_text("a \"b\" c:\\d \x1b[2J\n\xc2\x9b\xff \xc3\xa9"));
	cr_assert(span_is(strbuf_span(&buf),
			  "a \"b\" c:\\d \\u001b[2J\\n\\u009b\xef\xbf\xbd \xc3\xa9"));
	strbuf_fini(&buf);
}

Test(strbuf, json_is_quoted_escaped_and_well_formed)
{
	struct strbuf buf;

	strbuf_init(&buf);
	strbuf_json(&buf, span_of("a\"b\\\n\0\xff", 7));
	cr_assert(span_is(strbuf_span(&buf), "\"a\\\"b\\\\\\n\\u0000\xef\xbf\xbd\""));
	strbuf_clear(&buf);
	strbuf_json(&buf, span_text(NULL));
	cr_assert(span_is(strbuf_span(&buf), "\"\""));
	strbuf_fini(&buf);
}
