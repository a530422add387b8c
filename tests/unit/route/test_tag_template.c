/* Tags from messages. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "broker/route/tag_template.h"
#include "proto/transcode.h"

static struct envelope *envelope;
static struct tag_list list;

static void set_up(void)
{
	cr_assert_eq(envelope_create(&envelope, NULL, NULL, 0), WSB_OK);
	tag_list_init(&list, 7);
}

static void tear_down(void)
{
	tag_list_fini(&list);
	envelope_destroy(envelope);
}

TestSuite(tag_template, .init = set_up, .fini = tear_down);

static struct tag_templates *compiled(const char *text, enum tag_use use)
{
	struct tag_templates *templates;
	const char *why = "";
	size_t bad;

	cr_assert_eq(tag_templates_create(&templates, &text, 1, use, &why, &bad), WSB_OK, "%s: %s",
		     text, why);
	return templates;
}

static void scan(enum message_side side, enum encoding encoding, struct span text,
		 struct message *message)
{
	cr_assert_eq(envelope_scan(envelope, side, encoding, text, message), WSB_OK, "%.*s",
		     (int)text.len, text.at);
	cr_assert_eq(message->flaw, FLAW_NONE);
}

static void pack(const char *text, struct strbuf *out)
{
	strbuf_init(out);
	cr_assert_eq(transcode(ENCODING_JSON, ENCODING_MSGPACK, span_text(text), out), WSB_OK);
}

/* The tags with a blank between them, or the verdict. */
static const char *joined(enum tag_verdict verdict, struct strbuf *out)
{
	static const char *const names[] = {"", "(missing)", "(too many)", "(no memory)"};

	strbuf_clear(out);
	if (verdict != TAGS_OK)
		return names[verdict];
	for (size_t i = 0; i < list.count; i++) {
		strbuf_text(out, i > 0 ? " " : "");
		strbuf_add(out, list.tags[i]);
	}
	return strbuf_span(out).at;
}

/* In both encodings. */
static void expect_tags(enum tag_use use, const char *template, const char *request,
			const char *answer, const char *expected)
{
	struct tag_templates *templates = compiled(template, use);
	struct strbuf packed[2], text;
	struct message messages[2];

	strbuf_init(&text);
	scan(FROM_CLIENT, ENCODING_JSON, span_text(request), &messages[0]);
	scan(FROM_UPSTREAM, ENCODING_JSON, span_text(answer), &messages[1]);
	cr_expect_str_eq(
		joined(tag_templates_eval(templates, &messages[0], &messages[1], 8, &list), &text),
		expected, "%s", template);
	pack(request, &packed[0]);
	pack(answer, &packed[1]);
	scan(FROM_CLIENT, ENCODING_MSGPACK, strbuf_span(&packed[0]), &messages[0]);
	scan(FROM_UPSTREAM, ENCODING_MSGPACK, strbuf_span(&packed[1]), &messages[1]);
	cr_expect_str_eq(
		joined(tag_templates_eval(templates, &messages[0], &messages[1], 8, &list), &text),
		expected, "%s as MessagePack", template);
	strbuf_fini(&packed[0]);
	strbuf_fini(&packed[1]);
	strbuf_fini(&text);
	tag_templates_destroy(templates);
}

static const char request[] =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"id\":42,\"one\":1.0,\"e\":"
	"1e2,\"half\":-0.50,\"yes\":true,\"no\":false,\"nil\":null,\"text\":\"a \\u010d\\n*?\\\\\","
	"\"list\":[1,\"1\",1.0,2,null,{},3],\"empty\":\"\",\"big\":18446744073709551615},"
	"\"trace\":{\"a/b\":[7]}}";
static const char answer[] =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"agent\":{\"id\":\"x\"},\"items\":[{\"city\":"
	"\"Brno\"},{},{\"city\":\"Praha\"},{\"city\":\"Brno\"}]}}";

Test(tag_template, finds_what_it_names)
{
	static const char *const table[][2] = {
		{"search", "search"},
		{"property:{params.id}", "property:42"},
		{"{params.id}", "42"},
		{"p:{params.one}", "p:1"},
		{"p:{params.e}", "p:100"},
		{"p:{params.half}", "p:-0.5"},
		{"p:{params.big}", "p:18446744073709551615"},
		{"p:{params.yes}{params.no}", "p:truefalse"},
		{"p:{params.text}", "p:a \xc4\x8d\n*?\\"},
		{"p:{params.empty}", "p:"},
		{"{params.empty}", ""},
		{"p:{params.list[*]}", "p:1 p:2 p:3"},
		{"p:{params.list[3]}.", "p:2."},
		{"agent:{result.agent.id}", "agent:x"},
		{"city:{result.items[*].city}", "city:Brno city:Praha"},
		{"{params.id}/{result.items[*].city}/{params.yes}", "42/Brno/true 42/Praha/true"},
		{"{params.list[*]}{result.items[*].city}",
		 "1Brno 2Brno 3Brno 1Praha 2Praha 3Praha"},
		{"a:{/result/agent/id}", "a:x"},
		{"a:{request:/trace/a~1b/0}", "a:7"},
		{"p:{params.nil}", "(missing)"},
		{"p:{params.nowhere}", "(missing)"},
		{"p:{params.list}", "(missing)"},
		{"p:{params.nowhere}?", ""},
		{"p:{params.id}?", "p:42"},
		{"p?:{params.id}", "p?:42"},
		{"p:{params.id}\\?", "p:42?"},
		{"\\{\\}\\\\", "{}\\"},
		{"why?", "why?"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expect_tags(TAGS_OF_ENTRY, table[i][0], request, answer, table[i][1]);
}

Test(tag_template, what_invalidates_is_a_glob_but_for_what_it_takes)
{
	static const char *const table[][2] = {
		{"property:*", "property:*"},
		{"\\*", "\\*"},
		{"p:{params.text}", "p:a \xc4\x8d\n\\*\\?\\\\"},
		{"p:{params.nowhere}", ""},
		{"p:??", "p:??"},
		{"p:{params.id}:??", "p:42:?"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		expect_tags(TAGS_OF_WRITE, table[i][0], request, answer, table[i][1]);
}

Test(tag_template, reads_a_push)
{
	static const char push[] =
		"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"id\":7},\"data\":{\"id\":8}}";

	expect_tags(TAGS_OF_PUSH, "p:{params.id}", push, push, "p:7");
	expect_tags(TAGS_OF_PUSH, "p:{/data/id}", push, push, "p:8");
	cr_expect_eq(list.missing, 0);
	expect_tags(TAGS_OF_PUSH, "p:{/data/x}", push, push, "");
	cr_expect_eq(list.missing, 1);
	cr_expect_str_eq(list.missing_template ? "named" : "", "named");
}

Test(tag_template, equal_numbers_are_one_tag)
{
	static const char *const table[][2] = {
		{"0", "0"},
		{"-0", "0"},
		{"-0.0e5", "0"},
		{"1", "1"},
		{"1.0", "1"},
		{"10E-1", "1"},
		{"-17", "-17"},
		{"9007199254740993", "9007199254740993"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"1.2345678901234567890123456789e29", "123456789012345678901234567890"},
		{"0.1", "0.1"},
		{"1e-1", "0.1"},
		{"12.340", "12.34"},
		{"0.00012", "0.00012"},
		{"1e39", "1000000000000000000000000000000000000000"},
		{"1e40", "1e40"},
		{"15e300", "15e300"},
		{"1.5e-300", "15e-301"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct tag_templates *templates = compiled("{params[0]}", TAGS_OF_ENTRY);
		struct strbuf text, out;
		struct message message;

		strbuf_init(&text);
		strbuf_init(&out);
		strbuf_printf(&text,
			      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[%s]}",
			      table[i][0]);
		scan(FROM_CLIENT, ENCODING_JSON, strbuf_span(&text), &message);
		cr_expect_str_eq(
			joined(tag_templates_eval(templates, &message, NULL, 1, &list), &out),
			table[i][1]);
		strbuf_fini(&text);
		strbuf_fini(&out);
		tag_templates_destroy(templates);
	}
}

static enum tag_verdict eval_list(const char *template, enum tag_use use, size_t values,
				  size_t value_len, size_t limit)
{
	struct tag_templates *templates = compiled(template, use);
	struct strbuf text;
	struct message message;
	enum tag_verdict verdict;

	strbuf_init(&text);
	strbuf_text(&text, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[0");
	for (size_t i = 0; i < values; i++)
		strbuf_printf(&text, ",\"%0*zu\"", (int)value_len, i);
	strbuf_text(&text, "]}");
	scan(FROM_CLIENT, ENCODING_JSON, strbuf_span(&text), &message);
	verdict = tag_templates_eval(templates, &message, NULL, limit, &list);
	strbuf_fini(&text);
	tag_templates_destroy(templates);
	return verdict;
}

Test(tag_template, never_makes_a_cut_list)
{
	cr_expect_eq(eval_list("{params[*]}", TAGS_OF_ENTRY, 255, 4, 256), TAGS_OK);
	cr_expect_eq(list.count, 256);
	cr_expect_eq(eval_list("{params[*]}", TAGS_OF_ENTRY, 256, 4, 256), TAGS_TOO_MANY);
	cr_expect_eq(eval_list("{params[*]}{params[*]}", TAGS_OF_ENTRY, 15, 4, 256), TAGS_OK);
	cr_expect_eq(eval_list("{params[*]}{params[*]}", TAGS_OF_ENTRY, 16, 4, 256), TAGS_TOO_MANY);
	cr_expect_eq(eval_list("{params[*]}{params[*]}{params[*]}{params[*]}", TAGS_OF_ENTRY,
			       100000, 6, TEXT_SET_MAX),
		     TAGS_TOO_MANY);
}

Test(tag_template, a_tag_has_at_most_256_bytes)
{
	cr_expect_eq(eval_list("{params[1]}", TAGS_OF_ENTRY, 1, 256, 4), TAGS_OK);
	cr_expect_eq(eval_list("{params[1]}", TAGS_OF_ENTRY, 1, 257, 4), TAGS_TOO_MANY);
	cr_expect_eq(eval_list("x{params[1]}", TAGS_OF_ENTRY, 1, 256, 4), TAGS_TOO_MANY);
	/* No entry has such a tag, so nothing is missed. */
	cr_expect_eq(eval_list("x{params[*]}", TAGS_OF_WRITE, 1, 256, 4), TAGS_OK);
	cr_expect_eq(list.count, 1);
}

Test(tag_template, what_cannot_be_meant_is_refused)
{
	static const struct {
		const char *text;
		enum tag_use use;
		const char *why;
	} table[] = {
		{"", TAGS_OF_ENTRY, "a tag cannot be empty"},
		{"a\\", TAGS_OF_ENTRY, "a backslash at the end takes nothing"},
		{"{params.id", TAGS_OF_ENTRY, "{ without }; a literal one is written \\{"},
		{"a}", TAGS_OF_ENTRY, "} without {; a literal one is written \\}"},
		{"{}", TAGS_OF_ENTRY, "a path begins with params, result, error or /"},
		{"{data.id}", TAGS_OF_PUSH, "a path begins with params, result, error or /"},
		{"{result.id}", TAGS_OF_PUSH,
		 "a push has no result: {params...} or {/pointer} read it"},
		{"{request:/id}", TAGS_OF_PUSH,
		 "a push answers no request: {/pointer} reads the push"},
		{"{request:params.id}", TAGS_OF_ENTRY, "behind {request: stands a JSON pointer"},
		{"{error.code}", TAGS_OF_WRITE, "an error has no tags"},
		{"{params.a}{params.b}{params.c}{params.d}{params.e}", TAGS_OF_ENTRY,
		 "a template has at most 4 slots"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *texts[] = {"fine", table[i].text};
		struct tag_templates *templates;
		const char *why = "";
		size_t bad = 0;

		cr_expect_eq(tag_templates_create(&templates, texts, 2, table[i].use, &why, &bad),
			     WSB_EINVAL, "%s", table[i].text);
		cr_expect_null(templates);
		cr_expect_str_eq(why, table[i].why);
		cr_expect_eq(bad, 1);
	}
}
