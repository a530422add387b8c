#include <criterion/criterion.h>
#include <jansson.h>
#include "broker/tool/pretty.h"

static void expect_pretty(const char *text, const char *wanted)
{
	struct strbuf out;

	strbuf_init(&out);
	pretty_json(span_text(text), &out);
	cr_expect_str_eq(strbuf_span(&out).at, wanted);
	strbuf_fini(&out);
}

Test(pretty, scalars_stay_as_they_are)
{
	expect_pretty("1", "1");
	expect_pretty(" 1e400 ", "1e400");
	expect_pretty("123456789012345678901234567890.10", "123456789012345678901234567890.10");
	expect_pretty("\"a \\\" , [ b\"", "\"a \\\" , [ b\"");
	expect_pretty("\"\\\\\"", "\"\\\\\"");
	expect_pretty("null", "null");
}

Test(pretty, containers)
{
	expect_pretty("[]", "[]");
	expect_pretty("{ \n }", "{}");
	expect_pretty("[1,[2,{}],\"č\"]", "[\n  1,\n  [\n    2,\n    {}\n  ],\n  \"č\"\n]");
	expect_pretty("{\"a\" :1 , \"b\":[ ]}", "{\n  \"a\": 1,\n  \"b\": []\n}");
}

Test(pretty, means_the_same)
{
	const char *text = "{\"a\":[1,2.5,{\"b\":[[],[{}],null]}],\"c\\\"}\":\"x,y:{\",\"d\":true}";
	json_t *before = json_loads(text, 0, NULL);
	struct strbuf out;
	json_t *after;

	strbuf_init(&out);
	pretty_json(span_text(text), &out);
	after = json_loads(out.text, 0, NULL);
	cr_assert(json_equal(before, after));
	json_decref(before);
	json_decref(after);
	strbuf_fini(&out);
}

Test(pretty, what_is_cut_off_ends_in_peace)
{
	expect_pretty("\"abc", "\"abc");
	expect_pretty("\"abc\\", "\"abc\\");
	expect_pretty("]", "\n]");
	expect_pretty("[", "[\n  ");
}

Test(pretty, one_line)
{
	struct strbuf out;

	strbuf_init(&out);
	one_line_json(span_text("{\n\"a\":\r\n1}\n"), &out);
	cr_assert_str_eq(out.text, "{ \"a\":  1} ");
	strbuf_fini(&out);
}
