/* The page of a night. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include "broker/console/report.h"

static struct strbuf out;

static void write_page(const char *status, const char *endpoints, const char *events,
		       const char *requests)
{
	struct report_data data = {
		.since = "24h",
		.status = json_loads(status, 0, NULL),
		.endpoints = json_loads(endpoints, 0, NULL),
		.events = json_loads(events, 0, NULL),
		.requests = json_loads(requests, 0, NULL),
	};

	strbuf_init(&out);
	report_write(&data, &out);
	json_decref((json_t *)data.status);
	json_decref((json_t *)data.endpoints);
	json_decref((json_t *)data.events);
	json_decref((json_t *)data.requests);
	cr_assert_not(out.failed);
}

static void expect(const char *part)
{
	cr_expect_not_null(strstr(out.text, part), "%s\nis not in\n%s", part, out.text);
}

Test(report, a_night)
{
	write_page("{\"node\": \"n1\", \"verdict\": \"degraded\", \"reasons\":"
		   " [{\"text\": \"endpoint main/b is down\", \"command\": \"wsbroker x\"}]}",
		   "[{\"pool\": \"main\", \"name\": \"b\", \"state\": \"down\", \"rate\": 1.25,"
		   " \"p50\": 0.0012, \"p99\": null, \"requests\": 9, \"errors\": 7,"
		   " \"ejections\": 2}]",
		   "[{\"time\": \"T1\", \"type\": \"connection.closed\", \"actor\": \"broker\"},"
		   " {\"time\": \"T2\", \"type\": \"endpoint.down\", \"object\": \"main/b\","
		   " \"before\": \"active\", \"after\": \"down\", \"reason\": \"connect\","
		   " \"actor\": \"broker\", \"detail\": \"a|b <c>\"},"
		   " {\"time\": \"T3\", \"type\": \"pool.resized\", \"object\": \"main\","
		   " \"before\": \"4\", \"after\": \"6\", \"reason\": \"night\","
		   " \"actor\": \"anna\"},"
		   " {\"time\": \"T4\", \"type\": \"operation.done\", \"actor\": \"anna\"}]",
		   "[{\"time\": \"T5\", \"method\": \"m\", \"result\": \"timeout\","
		   " \"duration_seconds\": 5.0, \"endpoint\": \"b\", \"attempts\": 2}]");
	expect("# wsbroker n1\n\nSince 24h. Verdict now: **degraded**.\n\n"
	       "- endpoint main/b is down (`wsbroker x`)\n");
	expect("| main/b | down | 1.2 | 1.20 ms | - | 9 | 7 | 2 |\n");
	expect("## Changes by people\n\n| time | type | object | before | after | reason | actor | "
	       "detail |\n|---|---|---|---|---|---|---|---|\n"
	       "| T3 | pool.resized | main | 4 | 6 | night | anna | - |\n\n## What happened");
	expect("| T2 | endpoint.down | main/b | active | down | connect | broker | a\\|b \\<c> "
	       "|\n");
	cr_expect_null(strstr(out.text, "| T1 |"));
	expect("| T5 | m | timeout | 5.00 s | - | - | b | 2 |\n");
	expect("| connection.closed | 1 |\n");
	strbuf_fini(&out);
}

Test(report, a_quiet_night)
{
	write_page("{\"node\": \"n1\", \"verdict\": \"ok\"}", "[]", "[]", "[]");
	expect("Verdict now: **ok**.\n\n## Changes by people\n\nNone.\n\n## What "
	       "happened\n\nNone.\n");
	expect("0 are kept.\n");
	strbuf_fini(&out);
}
