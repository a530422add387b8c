/* Answers of the admin API as people see them. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/console/pages.h"
#include "broker/console/pages_config.h"
#include "broker/console/pages_past.h"

static const char status[] =
	"{\"verdict\": \"degraded\", \"reasons\": ["
	"{\"text\": \"pool main has 7 of 10 connections ready\","
	" \"command\": \"wsbroker connections\"}],"
	" \"node\": \"broker-a\", \"version\": \"1.2.3\", \"uptime_seconds\": 245.5,"
	" \"ready\": true, \"draining\": false, \"clients\": 12, \"clients_limit\": 10000,"
	" \"in_flight\": 4, \"buffer_bytes\": 12345, \"buffer_limit_bytes\": 1073741824,"
	" \"requests\": {\"ok\": 1999, \"error\": 0, \"timeout\": 2},"
	" \"p50_seconds\": 0.0012, \"p99_seconds\": null,"
	" \"pools\": [{\"name\": \"main\", \"size\": 10, \"ready\": 7, \"in_flight\": 4,"
	" \"queued\": 0, \"oldest_wait_seconds\": 0.0, \"endpoints\": 2, \"endpoints_up\": 1,"
	" \"p50_seconds\": 0.0012, \"p99_seconds\": 0.02}]}";

static const char pools[] =
	"[{\"name\": \"main\", \"size\": 10, \"ready\": 7, \"in_flight\": 4, \"queued\": 2,"
	" \"oldest_wait_seconds\": 1.5, \"balancer\": \"random\", \"encoding\": \"json\","
	" \"requests\": {\"ok\": 5, \"error\": 6, \"timeout\": 7}, \"p50_seconds\": null,"
	" \"p99_seconds\": null, \"endpoints\": [{\"name\": \"a\", \"state\": \"up\","
	" \"since_seconds\": 60, \"weight\": 1, \"tier\": 2, \"connections\": 8, \"ready\": 7,"
	" \"in_flight\": 4, \"dials\": 8, \"dial_failures\": 0, \"connections_lost\": 1,"
	" \"requests\": 9, \"failures\": 3, \"ping_rtt_seconds\": 0.00025,"
	" \"last_error\": \"reset \\u001b[2J\"}]}]";

static const char connections[] =
	"[{\"id\": 7, \"pool\": \"main\", \"endpoint\": \"a\", \"state\": \"ready\","
	" \"standby\": true, \"subscriptions\": 3, \"in_flight\": 4, \"since_seconds\": 2.0,"
	" \"ping_rtt_seconds\": null, \"requests\": 9, \"bytes_in\": 2048, \"bytes_out\": 10,"
	" \"outbox_bytes\": 0}]";

static struct strbuf out;

static const char *show(void (*page)(const json_t *answer, struct strbuf *out), const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);

	cr_assert_not_null(answer);
	strbuf_clear(&out);
	page(answer, &out);
	json_decref(answer);
	cr_assert_not(out.failed);
	return strbuf_span(&out).at;
}

static void set_up(void)
{
	strbuf_init(&out);
}

static void tear_down(void)
{
	strbuf_fini(&out);
}

TestSuite(pages, .init = set_up, .fini = tear_down);

Test(pages, status_begins_with_the_verdict_and_its_reasons)
{
	cr_expect_str_eq(show(page_status, status),
			 "degraded\n"
			 "\n"
			 "pool main has 7 of 10 connections ready\n"
			 "  $ wsbroker connections\n"
			 "\n"
			 "node      broker-a, wsbroker 1.2.3, up 4m05s, ready\n"
			 "clients   12 of at most 10000\n"
			 "requests  1999 ok, 2 timeout, 4 in flight\n"
			 "latency   p50 1.20 ms, p99 -\n"
			 "buffers   12.1 KiB of at most 1.00 GiB\n"
			 "\n"
			 "POOL  READY  IN_FLIGHT  QUEUED  OLDEST  ENDPOINTS      P50      P99\n"
			 "main   7/10          4       0     0 s        1/2  1.20 ms  20.0 ms\n");
}

Test(pages, status_without_reasons_names_no_command)
{
	cr_expect_null(strstr(show(page_status, "{\"verdict\": \"ok\", \"reasons\": []}"), "$"));
}

static const char events[] =
	"[{\"time\": \"T1\", \"type\": \"connection.dialing\", \"object\": \"connection 7\","
	"  \"pool\": \"main\", \"endpoint\": \"a\", \"before\": \"none\", \"after\": \"dialing\"},"
	" {\"time\": \"T2\", \"type\": \"connection.warming\", \"object\": \"connection 7\","
	"  \"pool\": \"main\", \"endpoint\": \"a\", \"before\": \"dialing\", \"after\": "
	"\"warming\"},"
	" {\"time\": \"T3\", \"type\": \"connection.ready\", \"object\": \"connection 7\","
	"  \"pool\": \"main\", \"endpoint\": \"a\", \"before\": \"warming\", \"after\": \"ready\","
	"  \"reason\": \"warm\", \"actor\": \"broker\"},"
	" {\"time\": \"T4\", \"type\": \"endpoint.drain\", \"object\": \"main/a\", \"pool\": "
	"\"main\","
	"  \"endpoint\": \"a\", \"before\": \"active\", \"after\": \"draining\", \"actor\": "
	"\"anna\"}]";

Test(pages, events_say_whose_a_connection_is)
{
	cr_expect_str_eq(show(page_events_in_brief, events),
			 "TIME  TYPE              OBJECT               CHANGE              REASON  "
			 "ACTOR   DETAIL\n"
			 "T3    connection.ready  main/a connection 7  warming -> ready    warm    "
			 "broker  -\n"
			 "T4    endpoint.drain    main/a               active -> draining  -       "
			 "anna    -\n");
	cr_expect_not_null(
		strstr(show(page_events, events), "main/a connection 7  none -> dialing"));
	cr_expect_not_null(
		strstr(show(page_events, events), "main/a connection 7  dialing -> warming"));
}

/* Two dead endpoints, one of which comes back, and falls again. */
static char *new_dials(void)
{
	static const char *const steps[][4] = {
		{"T1", "a", "closed", "refused"}, {"T2", "b", "closed", "refused"},
		{"T3", "a", "closed", "refused"}, {"T4", "a", "closed", "no route"},
		{"T5", "b", "closed", "refused"}, {"T6", "b", "ready", ""},
		{"T7", "b", "closed", "refused"}, {"T8", "a", "closed", "no route"},
	};
	json_t *array = json_array();
	char *text;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char type[32];

		snprintf(type, sizeof(type), "connection.%s", steps[i][2]);
		json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
						       "time", steps[i][0], "type", type, "object",
						       "connection 7", "pool", "main", "endpoint",
						       steps[i][1], "before", "dialing", "reason",
						       "connect", "detail", steps[i][3]));
	}
	text = json_dumps(array, 0);
	json_decref(array);
	return text;
}

Test(pages, a_night_of_failed_dials_is_a_few_lines)
{
	char *dials = new_dials();
	const char *brief = show(page_events_in_brief, dials);
	static const char *const told[] = {"T1", "T2", "T4", "T6", "T7"};
	static const char *const omitted[] = {"T3", "T5", "T8"};

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		cr_expect_not_null(strstr(brief, told[i]), "%s\n%s", told[i], brief);
	for (size_t i = 0; i < sizeof(omitted) / sizeof(omitted[0]); i++)
		cr_expect_null(strstr(brief, omitted[i]), "%s\n%s", omitted[i], brief);
	cr_expect_not_null(
		strstr(brief, "\n(3 more dials that failed as the one before: --all)\n"));
	cr_expect_not_null(strstr(show(page_events, dials), "T3"));
	free(dials);
}

Test(pages, a_reason_is_not_said_twice)
{
	static const char *const cases[][3] = {
		{"surplus", "surplus", "surplus"},
		{"connect", "connect: refused", "connect: refused"},
		{"connect", "connection refused", "connect: connection refused"},
		{"warm", "", "warm"},
		{"", "2 of 2 are ready", "2 of 2 are ready"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *event =
			json_pack("{s:s, s:s}", "reason", cases[i][0], "detail", cases[i][1]);
		struct strbuf why;

		strbuf_init(&why);
		event_why(event, &why);
		cr_expect_str_eq(strbuf_span(&why).at, cases[i][2]);
		strbuf_fini(&why);
		json_decref(event);
	}
}

Test(pages, pools_and_their_endpoints)
{
	cr_expect_str_eq(
		show(page_pools, pools),
		"POOL  SIZE  READY  IN_FLIGHT  QUEUED  OLDEST  BALANCER  ENCODING  OK  ERROR  "
		"TIMEOUT  P50  P99\n"
		"main    10      7          4       2  1.50 s  random    json       5      6  "
		"      7    -    -\n"
		"\n"
		"ENDPOINT  STATE   SINCE  READY  IN_FLIGHT  REQUESTS  FAILED  LOST  WEIGHT  TIER  "
		"   RTT  LAST_ERROR\n"
		"main/a    up     60.0 s    7/8          4         9       3     1       1     2  "
		"250 us  reset \\u001b[2J\n");
}

Test(pages, connections)
{
	cr_expect_str_eq(
		show(page_connections, connections),
		"ID  ENDPOINT  STATE             SINCE  IN_FLIGHT  SUBS  REQUESTS        IN   OUT  "
		"WAITING  RTT\n"
		" 7  main/a    ready (standby)  2.00 s          4     3         9  2.00 KiB  10 B  "
		"    0 B    -\n");
}

Test(pages, config_says_what_is_and_who_said_so)
{
	static const char rows[] =
		"[{\"key\": \"limits.batch\", \"value\": 7, \"default\": 100, \"source\": "
		"\"runtime\","
		" \"pending\": null, \"changeable\": true, \"needs_restart\": false,"
		" \"who\": \"ann\", \"when\": \"T\", \"why\": \"\\u001b[2J\"},"
		" {\"key\": \"node\", \"value\": \"a\", \"default\": null, \"source\": \"file\","
		" \"pending\": \"b\", \"changeable\": false, \"needs_restart\": true},"
		" {\"key\": \"pools.main.tls.verify\", \"value\": true, \"default\": 0.5,"
		" \"source\": \"file\", \"changeable\": false, \"needs_restart\": false}]";
	static const char single[] =
		"[{\"key\": \"k\", \"value\": \"0123456789012345678901234567890123456789x\","
		" \"source\": \"file\", \"description\": \"What it is for.\","
		" \"allowed\": \"a text\"}]";

	cr_expect_str_eq(
		show(page_config, rows),
		"KEY                    VALUE  DEFAULT  SOURCE   CHANGE      WHO  WHEN  WHY\n"
		"limits.batch           7      100      runtime  yes         ann  T     "
		"\\u001b[2J\n"
		"node                   a      -        file     restart: b  -    -     -\n"
		"pools.main.tls.verify  true   0.5      file     file        -    -     -\n");
	cr_expect_str_eq(
		show(page_config, single),
		"KEY  VALUE                                      DEFAULT  SOURCE  CHANGE  WHO  "
		"WHEN  WHY\n"
		"k    0123456789012345678901234567890123456789…  -        file    file    -    -  "
		"   -\n\nWhat it is for.\nA value is a text.\n");
}

Test(pages, a_step_says_what_it_has_changed_and_what_not)
{
	static const char step[] =
		"{\"generation\": 3, \"changed\": [{\"key\": \"limits.batch\", \"before\": \"100\","
		" \"after\": \"7\"}, {\"key\": \"pools.a\", \"before\": null, \"after\": "
		"\"present\"},"
		" {\"key\": \"pools.b\", \"before\": \"present\", \"after\": null}],"
		" \"restart_needed\": [{\"key\": \"node\", \"before\": \"x\", \"after\": \"y\"}],"
		" \"kept\": [{\"key\": \"pools.main.size\", \"before\": \"4\", \"after\": \"2\"},"
		" {\"key\": \"pools.main.endpoints.a\", \"before\": null, \"after\": \"present\"},"
		" {\"key\": \"pools.main.endpoints.c\", \"before\": \"present\", \"after\": null}],"
		" \"state\": null}";
	static const char nothing[] = "{\"changed\": [], \"state\": null}";

	cr_expect_str_eq(show(page_config_reload, step),
			 "changed: limits.batch: 100 -> 7\nadded: pools.a\nremoved: pools.b\n"
			 "kept as changed at runtime: pools.main.size: 4; in the file: 2\n"
			 "kept as changed at runtime: pools.main.endpoints.a: removed\n"
			 "kept as changed at runtime: pools.main.endpoints.c: added\n"
			 "needs a restart: node: x -> y\nreloaded\n");
	cr_expect_str_eq(show(page_config_set, step),
			 "changed: limits.batch: 100 -> 7\nadded: pools.a\nremoved: pools.b\n"
			 "until the next start: the configuration names no `state` file\n");
	cr_expect_str_eq(show(page_config_set, nothing),
			 "no value has changed; certificates, keys and tokens were read again\n");
	cr_expect_str_eq(show(page_config_diff, "{\"yaml\": \"a: 1  # \\u001b[2J\\nb: 2\\n\"}"),
			 "a: 1  # \\u001b[2J\nb: 2\n");
}

Test(pages, status_cannot_steer_the_terminal)
{
	const char *shown = show(page_status, "{\"verdict\": \"\\u001b[2J\", \"node\": \"\\u0007\","
					      " \"version\": \"\\u009b\","
					      " \"requests\": {\"\\u001b\": 1}}");

	for (const char *at = shown; *at; at++)
		cr_expect((unsigned char)*at >= ' ' || *at == '\n', "byte %d", *at);
	cr_expect_null(strstr(shown, "\xc2\x9b"));
}

Test(pages, of_answers_that_are_not_as_they_should_be)
{
	static const char *const odd[] = {"{}",
					  "[]",
					  "[{}]",
					  "[1, null]",
					  "{\"pools\": [3]}",
					  "{\"reasons\": [{}], \"requests\": [1]}",
					  "[{\"endpoints\": [null, {}]}]",
					  "{\"changed\": [1, {}], \"kept\": [{}, []]}",
					  "{\"yaml\": 3}"};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		cr_expect_not_null(show(page_status, odd[i]));
		cr_expect_not_null(show(page_pools, odd[i]));
		cr_expect_not_null(show(page_connections, odd[i]));
		cr_expect_not_null(show(page_config, odd[i]));
		cr_expect_not_null(show(page_config_diff, odd[i]));
		cr_expect_not_null(show(page_config_set, odd[i]));
		cr_expect_not_null(show(page_config_reload, odd[i]));
	}
}
