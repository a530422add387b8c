#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include "broker/tool/report.h"

static struct tally tally;

static const struct report report = {
	.tally = &tally,
	.method = "get \"it\"",
	.connections = 4,
	.depth = 2,
	.rate = 0.5,
	.measured_us = 2000000,
};

static void fill(void)
{
	tally_init(&tally);
	for (uint64_t i = 0; i < 100; i++)
		tally_answer(&tally, 1000, true);
	tally_error(&tally, -32000, true);
	tally_error(&tally, 5, true);
	tally_error(&tally, 5, true);
	tally_wrong(&tally, WRONG_TWICE, span_text("{\"id\":1}"));
	tally.lost = 7;
	tally_unsent(&tally);
	tally.connections_failed = 2;
	tally.connections_lost = 3;
}

Test(report, json_has_its_names)
{
	static const char *const names[] = {
		"method",
		"connections",
		"depth",
		"rate",
		"seconds",
		"requests",
		"requests_per_second",
		"errors",
		"wrong",
		"lost",
		"unsent",
		"connections_failed",
		"connections_lost",
		"latency",
		"error_codes",
	};
	struct strbuf out;
	json_t *tree;

	fill();
	strbuf_init(&out);
	report_json(&report, &out);
	cr_assert_eq(out.text[out.len - 1], '\n');
	cr_assert_eq(strchr(out.text, '\n'), out.text + out.len - 1, "one line");
	tree = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
	cr_assert_not_null(tree, "%s", out.text);
	cr_expect_eq(json_object_size(tree), sizeof(names) / sizeof(names[0]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_not_null(json_object_get(tree, names[i]), "%s", names[i]);
	cr_expect_str_eq(json_string_value(json_object_get(tree, "method")), "get \"it\"");
	cr_expect_eq(json_integer_value(json_object_get(tree, "requests")), 100);
	cr_expect_eq(json_number_value(json_object_get(tree, "requests_per_second")), 50);
	cr_expect_eq(json_number_value(json_object_get(tree, "rate")), 0.5);
	cr_expect_eq(json_integer_value(json_object_get(tree, "errors")), 3);
	cr_expect_eq(json_integer_value(json_object_get(tree, "wrong")), 1);
	cr_expect_eq(json_integer_value(json_object_get(tree, "lost")), 7);
	cr_expect_eq(json_integer_value(json_object_get(tree, "connections_lost")), 3);
	cr_expect_eq(json_integer_value(json_object_get(json_object_get(tree, "error_codes"), "5")),
		     2);
	json_decref(tree);
	strbuf_fini(&out);
}

Test(report, json_of_latency)
{
	static const char *const names[] = {"p50_ms",	"p90_ms", "p99_ms",
					    "p99_9_ms", "max_ms", "mean_ms"};
	const json_t *latency;
	struct strbuf out;
	json_t *tree;

	fill();
	strbuf_init(&out);
	report_json(&report, &out);
	tree = json_loads(out.text, 0, NULL);
	latency = json_object_get(tree, "latency");
	cr_assert_eq(json_object_size(latency), 6);
	for (size_t i = 0; i < 6; i++)
		cr_expect_float_eq(json_number_value(json_object_get(latency, names[i])), 1.0, 0.04,
				   "%s", names[i]);
	json_decref(tree);
	strbuf_fini(&out);
}

Test(report, json_of_nothing_is_json)
{
	struct report empty = report;
	struct strbuf out;
	json_t *tree;

	tally_init(&tally);
	empty.measured_us = 0;
	strbuf_init(&out);
	report_json(&empty, &out);
	tree = json_loads(out.text, 0, NULL);
	cr_assert_not_null(tree, "%s", out.text);
	json_decref(tree);
	strbuf_fini(&out);
}

static void expect_in(const struct strbuf *text, const char *part)
{
	cr_expect_not_null(strstr(text->text, part), "%s in\n%s", part, text->text);
}

Test(report, text_says_all_of_it)
{
	struct strbuf out;

	fill();
	strbuf_init(&out);
	report_text(&report, &out);
	expect_in(&out, "100 in 2.0 s: 50.0 per second");
	expect_in(&out, "p99.9 1.0");
	expect_in(&out, "3: 1 of code -32000, 2 of code 5");
	expect_in(&out, "1: 1 answered twice");
	expect_in(&out, "\"{\\\"id\\\":1}\"");
	expect_in(&out, "lost        7");
	expect_in(&out, "unsent      1");
	expect_in(&out, "2 failed");
	expect_in(&out, "3 lost");
	strbuf_fini(&out);
}

Test(report, progress_is_one_line_of_the_last_second)
{
	struct strbuf out;

	fill();
	tally_recent_reset(&tally);
	for (int i = 0; i < 30; i++)
		tally_answer(&tally, 2000, true);
	strbuf_init(&out);
	report_progress(&tally, true, 5000000, 500000, &out);
	cr_expect_null(strchr(out.text, '\n'));
	expect_in(&out, "5 s  60 requests/s");
	expect_in(&out, "p50 2.0");
	expect_in(&out, "errors 3");
	expect_in(&out, "wrong 1");
	expect_in(&out, "(warm-up)");
	strbuf_fini(&out);
}
