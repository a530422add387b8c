/* YAML that is broken, clever or hostile. */
#include <criterion/criterion.h>
#include <string.h>
#include "broker/control/document.h"
#include "rig.h"

static struct rig rig;

static void set_up(void)
{
	rig_init(&rig);
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(document, .init = set_up, .fini = tear_down);

Test(document, syntax_errors_have_the_form_of_the_others)
{
	rig_bad(&rig, "pools: [\n",
		"2:1: did not find expected node content while parsing a flow node\n");
	rig_bad_somewhere(&rig, "pools:\n\t- name: x\n", "2:1: ");
	rig_bad_somewhere(&rig, "a: b: c\n", "1:5: ");
	rig_bad_somewhere(&rig, "a: 'x\n", "2:1: ");
	rig_bad_somewhere(&rig, "č: 1\nb: \xff\n", "2:4: ");
	rig_bad_somewhere(&rig, "č: \"\x01\"\n", "1:5: ");
	rig_bad_somewhere(&rig, "a: *nothing\n", "1:4: ");
}

Test(document, one_document_that_says_something)
{
	rig_bad(&rig, "", "1:1: the file is empty: `pools` is missing\n");
	rig_bad(&rig, "# only a comment\n", "1:1: the file is empty: `pools` is missing\n");
	rig_bad(&rig, RIG_MINIMAL "---\na: 1\n",
		"6:1: a second document: one file holds one configuration\n");
	rig_good(&rig, "---\n" RIG_MINIMAL "...\n");
	rig_good(&rig, "\xef\xbb\xbf" RIG_MINIMAL);
}

Test(document, tags_are_refused)
{
	rig_bad_somewhere(&rig, RIG_MINIMAL "    size: !!int 3\n", "5:11: tags are not supported");
	rig_bad_somewhere(&rig, RIG_MINIMAL "    headers: {A: !secret x}\n",
			  "5:18: tags are not supported");
	rig_bad_somewhere(&rig, "!config\n" RIG_MINIMAL, "1:1: tags are not supported");
}

Test(document, aliases_stand_for_what_they_name)
{
	const struct config *config =
		rig_good(&rig, "pools:\n"
			       "  - {name: a, endpoints: &e [ws://h], queue: &q {age: 1s}}\n"
			       "  - {name: b, endpoints: *e, queue: *q}\n");

	cr_expect_str_eq(config->pools[1].endpoints[0].host, "h");
	cr_expect_eq(config->pools[1].queue.age_us, 1000000);
	rig_bad(&rig, "a: &a {name: x}\n" RIG_MINIMAL "    <<: *a\n",
		"1:1: unknown key \"a\"\n"
		"6:5: merge keys are not supported: name an alias for each value\n");
}

Test(document, a_value_that_holds_itself_ends)
{
	rig_bad_somewhere(&rig, RIG_MINIMAL "    on_connect: [{expect: &e {a: *e}}]\n",
			  "5:27: nested");
	rig_bad_somewhere(&rig, RIG_MINIMAL "    queue: &q {age: *q}\n",
			  "5:12: expected a duration");
	rig_bad_somewhere(&rig, "&r\n" RIG_MINIMAL "limits: *r\n", "2:1: unknown key \"pools\"");
}

Test(document, a_billion_laughs_are_cut_short)
{
	struct strbuf text;

	strbuf_init(&text);
	strbuf_text(&text, RIG_MINIMAL "    on_connect:\n      - expect:\n          a: &a0 [x]\n");
	for (int i = 1; i < 20; i++) {
		strbuf_printf(&text, "          a%d: &a%d [", i, i);
		for (int j = 0; j < 10; j++)
			strbuf_printf(&text, "%s*a%d", j > 0 ? ", " : "", i - 1);
		strbuf_text(&text, "]\n");
	}
	cr_assert_eq(rig_load(&rig, text.text), WSB_EINVAL);
	cr_expect_not_null(strstr(rig.errors.text, "more than 200000 values"));
	strbuf_fini(&text);
}

Test(document, deep_nesting_ends)
{
	struct strbuf text;

	strbuf_init(&text);
	strbuf_text(&text, RIG_MINIMAL "    on_connect: [{expect: {a: ");
	for (int i = 0; i < 40; i++)
		strbuf_text(&text, "[");
	for (int i = 0; i < 40; i++)
		strbuf_text(&text, "]");
	strbuf_text(&text, "}}]\n");
	rig_bad_somewhere(&rig, text.text, "5:62: nested deeper than 32");
	strbuf_fini(&text);
}

/* Each would keep libyaml busy for minutes if it were built. */
Test(document, what_takes_quadratic_time_is_not_begun)
{
	static const struct {
		const char *begin, *piece; /* %d: a number of its own */
		size_t pieces;
		const char *error;
	} rows[] = {
		{"a: ", "[", 100000, "1:67: lists and mappings are nested deeper than 64\n"},
		{"a:\n", " [\n", 100000, "65:2: lists and mappings are nested deeper than 64\n"},
		{"a: ", "{a: ", 100000, "1:256: lists and mappings are nested deeper than 64\n"},
		{"a: ", "[? [b]: ", 100000,
		 "1:503: lists and mappings are nested deeper than 64\n"},
		{"a:\n", "- ", 100000, "2:129: lists and mappings are nested deeper than 64\n"},
		{"", "? ", 100000, "1:129: lists and mappings are nested deeper than 64\n"},
		{"a:\n", "- &a%d x\n", 100000, "1002:3: there are more anchors than 1000\n"},
		{"a:\n- &a x\n", "- *a\n", 100000, "10003:3: there are more aliases than 10000\n"},
		{"", "%%TAG !a%d! x\n", 100000, "1:1: tags are not supported\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct strbuf text;

		strbuf_init(&text);
		strbuf_text(&text, rows[i].begin);
		for (size_t j = 0; j < rows[i].pieces; j++)
			strbuf_printf(&text, rows[i].piece, (int)j);
		rig_bad(&rig, text.text, rows[i].error);
		strbuf_fini(&text);
	}
}

Test(document, what_is_wide_but_flat_is_read)
{
	struct strbuf text;

	strbuf_init(&text);
	strbuf_text(&text, RIG_MINIMAL "    on_connect: [{expect: {a: [");
	for (int i = 0; i < 20000; i++)
		strbuf_text(&text, "[1], ");
	strbuf_text(&text, "[]]}}]\n");
	rig_good(&rig, text.text);
	strbuf_fini(&text);
}

Test(document, line_ends_and_byte_order_marks_do_not_matter)
{
	rig_good(&rig, "pools:\r\n  - {name: a, endpoints: [ws://h]}\r\n");
	rig_good(&rig, "pools:\r  - {name: a, endpoints: [ws://h]}\r");
	rig_bad_somewhere(&rig, "pools:\r\n  - {name: a,\tsize: 0, endpoints: [ws://h]}\r\n",
			  "2:21: must be 1 to 1000");
}

Test(document, a_file_has_an_end)
{
	struct strbuf text;

	strbuf_init(&text);
	strbuf_text(&text, RIG_MINIMAL);
	while (text.len <= DOCUMENT_BYTES_MAX)
		strbuf_text(&text, "# nothing but a long, long comment ....................\n");
	rig_bad(&rig, text.text, "1:1: longer than 4 MiB\n");
	strbuf_fini(&text);
}

Test(document, nul_bytes_and_odd_keys)
{
	rig_bad(&rig, RIG_MINIMAL "    headers: {A: \"x\\0y\"}\n",
		"5:18: a NUL byte cannot be part of a value\n");
	rig_bad_somewhere(&rig, RIG_MINIMAL "    on_connect: [{expect: {\"a\\0b\": 1}}]\n",
			  "5:28: ");
	rig_bad_somewhere(&rig, RIG_MINIMAL "    on_connect: [{expect: {a: 1, a: 2}}]\n",
			  "5:34: this key stands here twice");
	rig_bad_somewhere(&rig, RIG_MINIMAL "    on_connect: [{expect: {[a]: 1}}]\n",
			  "5:28: a key must be a text");
}

/* Whatever one byte is changed to, there is an answer and no crash. */
Test(document, any_byte_may_be_wrong)
{
	static const char bytes[] = {'\0', '\n', '\t', ' ', '{', '[', ']', '&', '*',	'!', '|',
				     '"',  '\'', '#',  ':', '-', '?', '%', '@', '\xff', '$', '0'};
	static const char good[] = RIG_MINIMAL "    size: 3\n"
					       "    headers: {A: x}\n"
					       "    on_connect: [{send: '1', expect: {a: [1]}}]\n";

	for (size_t at = 0; at < sizeof(good) - 1; at++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			char text[sizeof(good)];
			struct config *config;
			enum wsb_err err;

			memcpy(text, good, sizeof(good));
			text[at] = bytes[i];
			strbuf_clear(&rig.errors);
			err = config_parse(&config, rig.file, span_of(text, sizeof(good) - 1),
					   &rig.errors);
			cr_assert(err == WSB_OK || (err == WSB_EINVAL && rig.errors.len > 0));
			config_release(config);
		}
	}
}
