/* Requests into commands, outcomes into answers. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/admin/admin.h"
#include "broker/control/operation.h"
#include "tests/unit/control/sample.h"

static struct sample sample;
static struct operations operations;
static struct admin_response response;
static json_t *answer;

/* What was asked for, and what is to come of it. */
#define COMMANDS_MAX 8
static struct command commands[COMMANDS_MAX];
static char texts[COMMANDS_MAX][4][128];
static struct outcome outcomes[COMMANDS_MAX];
static size_t command_count;

static const char *keep(char *room, const char *text)
{
	snprintf(room, 128, "%s", text ? text : "-");
	return room;
}

static void apply(void *instance, const struct command *command, struct outcome *outcome)
{
	struct command *kept = &commands[command_count];

	(void)instance;
	*kept = *command;
	kept->pool = keep(texts[command_count][0], command->pool);
	kept->endpoint = keep(texts[command_count][1], command->endpoint);
	kept->reason = keep(texts[command_count][2], command->reason);
	kept->text = keep(texts[command_count][3], command->text);
	*outcome = outcomes[command_count++];
	if (outcome->kind == OUTCOME_ACCEPTED)
		outcome->operation = operation_begin(&operations, command, 1795331520123000)->id;
}

static enum wsb_err take_snapshot(void *instance, enum snapshot_extent extent, struct snapshot *out)
{
	(void)instance;
	cr_expect_eq(extent, SNAPSHOT_POOLS);
	*out = sample.snapshot;
	out->operations = &operations;
	out->memory = malloc(1);
	return WSB_OK;
}

static void set_up(void)
{
	sample_init(&sample);
	strbuf_init(&response.body);
	cr_assert_eq(operations_init(&operations), WSB_OK);
	answer = NULL;
	command_count = 0;
	for (size_t i = 0; i < COMMANDS_MAX; i++)
		outcomes[i] = (struct outcome){.kind = OUTCOME_DONE, .detail = "done so"};
}

static void tear_down(void)
{
	json_decref(answer);
	operations_fini(&operations);
	strbuf_fini(&response.body);
}

TestSuite(actions, .init = set_up, .fini = tear_down);

static void send(const char *method, const char *path, const char *body)
{
	static const struct admin_settings settings = {0};
	struct admin_backend backend = {
		.settings = &settings, .snapshot = take_snapshot, .apply = apply};
	struct admin_request request = {
		.method = span_text(method),
		.path = span_text(path),
		.content_type = span_text(body ? "application/json; charset=utf-8" : NULL),
		.has_body = body,
		.content_length = body ? strlen(body) : 0,
	};
	struct admin_call call;

	command_count = 0;
	strbuf_clear(&response.body);
	if (admin_begin(&backend, &request, &call, &response))
		admin_finish(&backend, &call, span_text(body), &response);
	json_decref(answer);
	answer = json_loads(strbuf_span(&response.body).at, 0, NULL);
	cr_assert_not_null(answer, "%s", response.body.text);
}

static void expect_text(const char *key, const char *text)
{
	const char *found = json_string_value(json_object_get(answer, key));

	cr_expect_str_eq(found ? found : "null", text, "%s of %s", key, response.body.text);
}

static void expect_command(size_t at, enum command_kind kind, const char *pool,
			   const char *endpoint)
{
	cr_assert_lt(at, command_count, "%s", response.body.text);
	cr_expect_eq(commands[at].kind, kind);
	cr_expect_str_eq(commands[at].pool, pool);
	cr_expect_str_eq(commands[at].endpoint, endpoint);
	cr_expect_str_eq(commands[at].actor, "loopback");
}

struct simple_case {
	const char *method;
	const char *path;
	const char *body;
	enum command_kind kind;
	const char *pool;
	const char *endpoint;
};

Test(actions, each_request_is_one_command)
{
	static const struct simple_case cases[] = {
		{"PATCH", "/v1/pools/main", "{\"size\": 12}", COMMAND_POOL_RESIZE, "main", ""},
		{"PATCH", "/v1/pools/main", "{\"max\": 12}", COMMAND_POOL_BOUNDS, "main", ""},
		{"PATCH", "/v1/pools/main", "{\"balancer\": \"random\"}", COMMAND_POOL_BALANCER,
		 "main", ""},
		{"POST", "/v1/pools/main/pause", NULL, COMMAND_POOL_PAUSE, "main", ""},
		{"POST", "/v1/pools/main/resume", "{}", COMMAND_POOL_RESUME, "main", ""},
		{"POST", "/v1/pools/main/reconnect", "", COMMAND_POOL_RECONNECT, "main", ""},
		{"POST", "/v1/pools/main/unpin", NULL, COMMAND_POOL_UNPIN, "main", ""},
		{"POST", "/v1/pools/main/endpoints", "{\"url\": \"ws://h/\"}", COMMAND_ENDPOINT_ADD,
		 "main", "-"},
		{"DELETE", "/v1/pools/main/endpoints/a", NULL, COMMAND_ENDPOINT_REMOVE, "main",
		 "a"},
		{"PATCH", "/v1/pools/main/endpoints/%5B::1%5D:80", "{\"state\": \"drain\"}",
		 COMMAND_ENDPOINT_DRAIN, "main", "[::1]:80"},
		{"PATCH", "/v1/pools/main/endpoints/a", "{\"state\": \"maint\"}",
		 COMMAND_ENDPOINT_MAINT, "main", "a"},
		{"PATCH", "/v1/pools/main/endpoints/a", "{\"state\": \"ready\"}",
		 COMMAND_ENDPOINT_READY, "main", "a"},
		{"PATCH", "/v1/pools/main/endpoints/a", "{\"weight\": 3}", COMMAND_ENDPOINT_WEIGHT,
		 "main", "a"},
		{"DELETE", "/v1/clients/17", NULL, COMMAND_CLIENT_KICK, "-", ""},
		{"POST", "/v1/drain", NULL, COMMAND_DRAIN, "-", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct simple_case *each = &cases[i];

		send(each->method, each->path, each->body);
		cr_expect_eq(command_count, 1, "%s %s", each->method, each->path);
		expect_command(0, each->kind, each->pool, each->endpoint);
		cr_expect_eq(response.status,
			     strcmp(each->path, "/v1/pools/main") == 0 ? 202 : 200);
		cr_expect_str_eq(response.location, "");
		expect_text("kind", command_name(each->kind));
		expect_text("state", "done");
		expect_text("text", "done so");
		cr_expect(json_is_null(json_object_get(answer, "id")));
	}
}

Test(actions, members_reach_the_command)
{
	send("PATCH", "/v1/pools/main", "{\"min\": 2, \"max\": 9, \"reason\": \"night\"}");
	cr_expect_eq(commands[0].min, 2);
	cr_expect_eq(commands[0].max, 9);
	cr_expect_str_eq(commands[0].reason, "night");
	send("PATCH", "/v1/pools/main", "{\"min\": 2}");
	cr_expect_eq(commands[0].max, COMMAND_KEEP);
	send("PATCH", "/v1/pools/main", "{\"size\": 0}");
	cr_expect_eq(commands[0].number, 0);
	cr_expect_str_eq(commands[0].reason, "-");
	send("POST", "/v1/pools/main/pause", "{\"timeout_seconds\": 1.5}");
	cr_expect_eq(commands[0].timeout_us, 1500000);
	send("POST", "/v1/pools/main/pause", NULL);
	cr_expect_eq(commands[0].timeout_us, 60000000);
	send("POST", "/v1/pools/main/endpoints",
	     "{\"url\": \"ws://h/\", \"name\": \"n\", \"weight\": 2, \"tier\": 0}");
	cr_expect_eq(commands[0].add.weight, 2);
	cr_expect_eq(commands[0].add.tier, -1);
	send("DELETE", "/v1/pools/main/endpoints/a", "{\"force\": true}");
	cr_expect(commands[0].force);
	send("DELETE", "/v1/clients/17", NULL);
	cr_expect_eq(commands[0].number, 17);
}

Test(actions, what_takes_its_time_is_an_operation)
{
	outcomes[0].kind = OUTCOME_ACCEPTED;
	send("PATCH", "/v1/pools/main", "{\"size\": 12, \"reason\": \"night\"}");
	cr_expect_eq(response.status, 202);
	cr_expect_str_eq(response.location, "/v1/operations/1");
	cr_expect_eq(json_integer_value(json_object_get(answer, "id")), 1);
	expect_text("state", "running");
	expect_text("kind", "pool resize");
	expect_text("pool", "main");
	expect_text("endpoint", "null");
	expect_text("actor", "loopback");
	expect_text("reason", "night");
	expect_text("started", "2026-11-22T07:12:00.123Z");
	expect_text("ended", "null");
}

Test(actions, several_changes_are_rehearsed_then_go_in_order)
{
	outcomes[4].kind = OUTCOME_ACCEPTED;
	send("PATCH", "/v1/pools/main", "{\"size\": 5, \"balancer\": \"random\", \"max\": 8}");
	cr_assert_eq(command_count, 6);
	for (size_t i = 0; i < 6; i += 3) {
		expect_command(i, COMMAND_POOL_BOUNDS, "main", "");
		expect_command(i + 1, COMMAND_POOL_RESIZE, "main", "");
		cr_expect_eq(commands[i + 1].max, 8, "the bound that it will have");
		expect_command(i + 2, COMMAND_POOL_BALANCER, "main", "");
		cr_expect_eq(commands[i].rehearsal, i == 0);
		cr_expect_eq(commands[i + 2].rehearsal, i == 0);
	}
	cr_expect_eq(response.status, 202);
	expect_text("kind", "pool resize");
	outcomes[2].kind = OUTCOME_INVALID;
	send("PATCH", "/v1/pools/main", "{\"size\": 5, \"balancer\": \"random\", \"max\": 8}");
	cr_assert_eq(command_count, 3);
	cr_expect(commands[2].rehearsal, "nothing has been changed");
	cr_expect_eq(response.status, 400);
	outcomes[2].kind = OUTCOME_DONE;
	send("PATCH", "/v1/pools/main/endpoints/a", "{\"weight\": 5, \"state\": \"drain\"}");
	cr_assert_eq(command_count, 4);
	expect_command(2, COMMAND_ENDPOINT_WEIGHT, "main", "a");
	expect_command(3, COMMAND_ENDPOINT_DRAIN, "main", "a");
}

Test(actions, refusals_have_their_status)
{
	static const struct {
		enum outcome_kind kind;
		int status;
	} cases[] = {
		{OUTCOME_NOT_FOUND, 404},
		{OUTCOME_INVALID, 400},
		{OUTCOME_CONFLICT, 409},
		{OUTCOME_NO_MEMORY, 500},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		outcomes[0] = (struct outcome){.kind = cases[i].kind, .detail = "it is so"};
		send("POST", "/v1/pools/main/resume", NULL);
		cr_expect_eq(response.status, cases[i].status);
		cr_expect_str_eq(response.content_type, "application/problem+json");
		expect_text("detail", "it is so");
	}
}

Test(actions, an_invalidation_says_what_was_hit)
{
	outcomes[0].invalidated = 3;
	outcomes[0].position = (struct position){1763795520123, 4711};
	send("POST", "/v1/cache/invalidate",
	     "{\"tags\": [\"a\", \"b*\"], \"match\": \"all\", \"mode\": \"soft\", "
	     "\"reason\": \"new prices\", \"wait\": \"all=1.5s\"}");
	cr_expect_eq(response.status, 200);
	cr_expect_eq(command_count, 1);
	cr_expect_eq(commands[0].kind, COMMAND_INVALIDATE);
	cr_expect_eq(commands[0].timeout_us, 1500000);
	cr_expect_str_eq(commands[0].reason, "new prices");
	cr_expect_eq(json_integer_value(json_object_get(answer, "invalidated")), 3);
	cr_expect_str_eq(json_string_value(json_object_get(answer, "position")),
			 "1763795520123-4711");
	outcomes[0] = (struct outcome){.kind = OUTCOME_DONE};
	send("POST", "/v1/cache/invalidate", "{\"all\": true}");
	cr_expect_eq(response.status, 200);
	cr_expect(json_is_null(json_object_get(answer, "position")));
}

Test(actions, a_bad_body_changes_nothing)
{
	static const char *const cases[][3] = {
		{"PATCH", "/v1/pools/main", "{\"sise\": 1}"},
		{"PATCH", "/v1/pools/main", "{\"size\": \"1\"}"},
		{"PATCH", "/v1/pools/main", "{}"},
		{"PATCH", "/v1/pools/main", "{\"size\": 1"},
		{"POST", "/v1/pools/main/pause", "{\"timeout_seconds\": \"1s\"}"},
		{"POST", "/v1/pools/main/resume", "{\"size\": 1}"},
		{"POST", "/v1/pools/main/endpoints", "{\"name\": \"x\"}"},
		{"PATCH", "/v1/pools/main/endpoints/a", "{\"state\": \"gone\"}"},
		{"PATCH", "/v1/pools/main/endpoints/a", "{\"reason\": \"none\"}"},
		{"DELETE", "/v1/pools/main/endpoints/a", "[]"},
		{"POST", "/v1/drain", "{\"force\": true}"},
		{"POST", "/v1/cache/invalidate", "{}"},
		{"POST", "/v1/cache/invalidate", "[]"},
		{"POST", "/v1/cache/invalidate", "{\"reason\": \"none\"}"},
		{"POST", "/v1/cache/invalidate", "{\"tags\": 7}"},
		{"POST", "/v1/cache/invalidate", "{\"tags\": \"a\", \"reason\": 7}"},
		{"POST", "/v1/cache/invalidate", "{\"tags\": \"a\", \"wait\": \"soon\"}"},
		{"POST", "/v1/cache/invalidate", "{\"tags\": \"a\", \"wait\": 5}"},
		{"POST", "/v1/cache/invalidate", "{\"tags\": \"a\", \"until\": \"now\"}"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		send(cases[i][0], cases[i][1], cases[i][2]);
		cr_expect_eq(response.status, 400, "%s", cases[i][2]);
		cr_expect_eq(command_count, 0, "%s", cases[i][2]);
	}
	send("DELETE", "/v1/clients/x", NULL);
	cr_expect_eq(response.status, 404);
	cr_expect_eq(command_count, 0);
}
