/* Events, requests and operations: what is asked of them, and how they are shown. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "broker/admin/admin.h"
#include "broker/control/history.h"
#include "broker/control/operation.h"
#include "broker/control/requests.h"
#include "tests/unit/control/sample.h"

#define NOW_US	  UINT64_C(1795331520000000) /* 2026-11-22T07:12:00Z */
#define MINUTE_US UINT64_C(60000000)

static struct sample sample;
static struct history *history;
static struct requests requests;
static struct requests_settings requests_settings = {.slow_us = 1000000};
static struct operations operations;
static struct admin_response response;
static json_t *answer;

static enum wsb_err take_snapshot(void *instance, enum snapshot_extent extent, struct snapshot *out)
{
	(void)instance;
	cr_expect_eq(extent, SNAPSHOT_POOLS);
	*out = sample.snapshot;
	out->history = history;
	out->requests = &requests;
	out->operations = &operations;
	out->memory = malloc(1);
	return WSB_OK;
}

static void add_event(uint64_t ago_us, const char *type, const char *pool)
{
	struct history_event event = {.wall_us = NOW_US - ago_us,
				      .type = type,
				      .pool = pool,
				      .endpoint = "a",
				      .object = "main/a",
				      .before = "up",
				      .after = "down",
				      .reason = "\xff",
				      .actor = "uid 0"};

	cr_assert_gt(history_add(history, &event), 0);
}

static void add_request(uint64_t ago_us, uint64_t duration_us, enum request_result result)
{
	struct request_end end = {.wall_us = NOW_US - ago_us,
				  .duration_us = duration_us,
				  .method = span_text("m"),
				  .pool = "main",
				  .endpoint = "a",
				  .attempts = 2,
				  .result = result};

	requests_end(&requests, NULL, &end);
}

static void set_up(void)
{
	sample_init(&sample);
	strbuf_init(&response.body);
	answer = NULL;
	cr_assert_eq(history_create(&history), WSB_OK);
	cr_assert_eq(requests_init(&requests, requests_settings), WSB_OK);
	cr_assert_eq(operations_init(&operations), WSB_OK);
	add_event(90 * MINUTE_US, "pool.resized", "main");
	add_event(30 * MINUTE_US, "endpoint.ejected", "main");
	add_event(20 * MINUTE_US, "endpoint.ejected", "other");
	add_event(1 * MINUTE_US, "client.kicked", NULL);
	add_request(3 * MINUTE_US, 2000000, RESULT_OK);
	add_request(2 * MINUTE_US, 1000, RESULT_TIMEOUT);
	add_request(1 * MINUTE_US, 3000000, RESULT_TIMEOUT);
}

static void tear_down(void)
{
	json_decref(answer);
	history_destroy(history);
	requests_fini(&requests);
	operations_fini(&operations);
	strbuf_fini(&response.body);
}

TestSuite(past, .init = set_up, .fini = tear_down);

static void get(const char *path, const char *query)
{
	static const struct admin_settings settings = {0};
	struct admin_backend backend = {.settings = &settings, .snapshot = take_snapshot};
	struct admin_request request = {.method = span_text("GET"),
					.path = span_text(path),
					.query = span_text(query),
					.wall_us = NOW_US};
	struct admin_call call;

	strbuf_clear(&response.body);
	if (admin_begin(&backend, &request, &call, &response))
		admin_finish(&backend, &call, span_of(NULL, 0), &response);
	json_decref(answer);
	answer = json_loads(strbuf_span(&response.body).at, 0, NULL);
	cr_assert_not_null(answer, "%s", response.body.text);
}

/* Which of them come, by their ids: "24". */
static void expect_ids(const char *path, const char *query, const char *ids)
{
	char found[16] = "";

	get(path, query);
	cr_assert_eq(response.status, 200, "%s: %s", query, response.body.text);
	for (size_t i = 0; i < json_array_size(answer); i++)
		found[i] = (char)('0' + json_integer_value(
						json_object_get(json_array_get(answer, i), "id")));
	cr_expect_str_eq(found, ids, "%s?%s", path, query ? query : "");
}

static void expect_problem(const char *path, const char *query, const char *detail)
{
	get(path, query);
	cr_expect_eq(response.status, 400, "%s", query);
	cr_expect_str_eq(json_string_value(json_object_get(answer, "detail")), detail);
}

Test(past, events_by_time_type_and_pool)
{
	expect_ids("/v1/events", NULL, "1234");
	expect_ids("/v1/events", "since=1h", "234");
	expect_ids("/v1/events", "until=25m", "12");
	expect_ids("/v1/events", "since=2026-11-22T06:50:00Z", "34");
	expect_ids("/v1/events", "since=2026-11-22T06%3A50%3A00%2B00:00&until=10m", "3");
	expect_ids("/v1/events", "type=endpoint.*", "23");
	expect_ids("/v1/events", "type=endpoint.*&pool=main", "2");
	expect_ids("/v1/events", "after=2", "34");
	expect_ids("/v1/events", "last=1", "4");
	expect_ids("/v1/events", "last=99999999&pool=other", "3");
	expect_ids("/v1/events", "since=1000d", "1234");
}

Test(past, an_event_in_full)
{
	static const char *const texts[][2] = {
		{"time", "2026-11-22T06:42:00.000Z"},
		{"type", "endpoint.ejected"},
		{"object", "main/a"},
		{"pool", "main"},
		{"endpoint", "a"},
		{"before", "up"},
		{"after", "down"},
		{"reason", "\xef\xbf\xbd"},
		{"actor", "uid 0"},
	};
	const json_t *event;

	get("/v1/events", NULL);
	event = json_array_get(answer, 1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_str_eq(json_string_value(json_object_get(event, texts[i][0])),
				 texts[i][1]);
	cr_expect(json_is_null(json_object_get(event, "detail")));
	cr_expect(json_is_null(json_object_get(json_array_get(answer, 3), "pool")));
}

Test(past, requests_that_were_slow_or_failed)
{
	const json_t *request;

	expect_ids("/v1/requests", NULL, "123");
	expect_ids("/v1/requests", "slow", "13");
	expect_ids("/v1/requests", "failed=true", "23");
	expect_ids("/v1/requests", "failed=1&slow=true", "123");
	expect_ids("/v1/requests", "slow=false", "123");
	expect_ids("/v1/requests", "since=150s", "23");
	expect_ids("/v1/requests", "pool=none", "");
	get("/v1/requests", NULL);
	request = json_array_get(answer, 2);
	cr_expect_eq(json_number_value(json_object_get(request, "duration_seconds")), 3);
	cr_expect_str_eq(json_string_value(json_object_get(request, "result")), "timeout");
	cr_expect(json_is_true(json_object_get(request, "slow")));
	cr_expect(json_is_true(json_object_get(request, "failed")));
	cr_expect(json_is_null(json_object_get(request, "upstream_seconds")));
	cr_expect_eq(json_integer_value(json_object_get(request, "attempts")), 2);
}

Test(past, what_cannot_be_asked_is_told)
{
	expect_problem("/v1/events", "sinse=1h",
		       "Unknown parameter \"sinse\" (did you mean “since”?)");
	expect_problem("/v1/events", "since=soon",
		       "since must be a time such as 2026-11-22T07:12:00Z, or 10m (ago).");
	expect_problem("/v1/events", "last=-1", "last must be a whole number.");
	expect_problem("/v1/events", "slow=true", "Unknown parameter \"slow\"");
	expect_problem("/v1/requests", "slow=maybe", "slow must be true or false.");
}

Test(past, operations_by_id)
{
	struct command command = {
		.kind = COMMAND_ENDPOINT_DRAIN, .pool = "main", .endpoint = "a", .actor = "anna"};
	struct operation *operation = operation_begin(&operations, &command, NOW_US);

	operation_begin(&operations, &command, NOW_US);
	operation_end(&operations, operation, OPERATION_DONE, "drained", NOW_US + MINUTE_US);
	expect_ids("/v1/operations", NULL, "12");
	get("/v1/operations/1", NULL);
	cr_expect_str_eq(json_string_value(json_object_get(answer, "state")), "done");
	cr_expect_str_eq(json_string_value(json_object_get(answer, "endpoint")), "a");
	cr_expect_str_eq(json_string_value(json_object_get(answer, "ended")),
			 "2026-11-22T07:13:00.000Z");
	cr_expect_str_eq(json_string_value(json_object_get(answer, "text")), "drained");
	get("/v1/operations/3", NULL);
	cr_expect_eq(response.status, 404);
	get("/v1/operations/x", NULL);
	cr_expect_eq(response.status, 404);
}
