/* What the broker answers itself, and what it tells of how a request went. */
#include <criterion/criterion.h>
#include <jansson.h>

#include "tests/unit/engine/stage.h"

static struct peer *begin(struct stage *stage)
{
	stage_begin_ready(stage);
	return stage_client(stage);
}

Test(local, ping)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"wsbroker.ping\"}");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"result\":\"pong\"}");
	says(client, "{\"jsonrpc\":\"2.0\",\"method\":\"wsbroker.ping\"}");
	expect_silence(client);
	stage_end(&stage);
}

Test(local, info)
{
	struct stage stage;
	struct peer *client;
	json_t *tree, *result;

	stage_init(&stage);
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.info\"}");
	tree = json_loads(hears(client), 0, NULL);
	result = json_object_get(tree, "result");
	cr_assert_str_eq(json_string_value(json_object_get(result, "name")), "wsbroker");
	cr_assert(json_is_string(json_object_get(result, "version")));
	cr_assert_str_eq(json_string_value(json_object_get(result, "node")), "test");
	cr_assert_eq(json_integer_value(json_object_get(result, "clients")), 1);
	json_decref(tree);
	stage_end(&stage);
}

Test(local, unknown_methods_of_the_broker_are_never_forwarded)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.nonsense\"}");
	expect_error(client, .id = "1", .code = -32601, .reason = "no_route");
	expect_silence(stage_upstream(&stage, 0));
	stage_end(&stage);
}

Test(local, respond_routes_answer)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.any->action = ROUTE_RESPOND;
	stage.any->respond = "{\"ok\":true}";
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"method\":\"login\"}");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{\"ok\":true}}");
	says(client, "{\"jsonrpc\":\"2.0\",\"method\":\"login\"}");
	expect_silence(client);
	stage_end(&stage);
}

Test(local, respond_routes_may_hold_a_whole_message)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.any->action = ROUTE_RESPOND;
	stage.any->respond = "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":[]}";
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"one\",\"method\":\"login\"}");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":\"one\",\"result\":[]}");
	stage_end(&stage);
}

Test(local, dropped_requests_are_not_answered)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.any->action = ROUTE_DROP;
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"login\"}");
	stage_pass(&stage, STAGE_S);
	expect_silence(client);
	expect_silence(stage_upstream(&stage, 0));
	cr_assert_eq(stage.outside.engine->stats.results[RESULT_DROPPED], 1);
	stage_end(&stage);
}

Test(local, the_first_route_that_matches_wins)
{
	struct stage stage;
	struct peer *client;
	struct route_settings *later;

	stage_init(&stage);
	stage.any->method = "a.*";
	stage.any->action = ROUTE_DENY;
	later = setup_route(&stage.setup, "a.b");
	later->action = ROUTE_RESPOND;
	later->respond = "1";
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a.b\"}");
	expect_error(client, .id = "1", .code = -32601, .reason = "method_denied");
	stage_end(&stage);
}

Test(local, options_are_stripped_before_forwarding)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"wsbroker\":{\"cache\":\"bypass\"},\"id\":\"i\","
		     "\"method\":\"get\"}");
	expect_hears(stage_upstream(&stage, 0),
		     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\"}");
	says(stage_upstream(&stage, 0), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":0}");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"result\":0}");
	stage_end(&stage);
}

Test(local, the_timeout_option_goes_before_the_routes)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\","
		     "\"wsbroker\":{\"timeout\":\"50ms\"}}");
	stage_pass(&stage, 40 * STAGE_MS);
	expect_silence(client);
	stage_pass(&stage, 30 * STAGE_MS);
	expect_error(client, .id = "1", .code = -32002, .reason = "timeout", .pool = "main",
		     .endpoint = "a");
	stage_end(&stage);
}

static json_t *explained(const char *text, json_t **tree)
{
	json_t *story;

	*tree = json_loads(text, 0, NULL);
	story = json_object_get(*tree, "wsbroker");
	cr_assert(json_is_object(story), "%s", text);
	return story;
}

static void expect_member(json_t *story, const char *name, json_t *value)
{
	char *got = json_dumps(json_object_get(story, name), JSON_ENCODE_ANY);

	cr_assert(json_equal(json_object_get(story, name), value), "%s is %s", name, got);
	free(got);
	json_decref(value);
}

Test(local, explain_tells_how_long_an_upstream_was_silent)
{
	struct stage stage;
	struct peer *client;
	json_t *tree, *story;
	json_int_t upstream_us;

	stage_init(&stage);
	stage.any->timeout_us = 200 * STAGE_MS;
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\","
		     "\"wsbroker\":{\"explain\":true}}");
	hears_request(stage_upstream(&stage, 0));
	stage_pass(&stage, 250 * STAGE_MS);
	story = explained(hears(client), &tree);
	expect_member(story, "reason", json_string("timeout"));
	expect_member(story, "endpoint", json_string("a"));
	upstream_us = json_integer_value(json_object_get(story, "upstream_us"));
	cr_assert(upstream_us >= 200000 && upstream_us < 250000);
	json_decref(tree);
	stage_end(&stage);
}

Test(local, explain_tells_how_an_answer_came)
{
	struct stage stage;
	struct peer *client;
	json_t *tree, *story;

	stage_init(&stage);
	client = begin(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\","
		     "\"wsbroker\":{\"explain\":true}}");
	hears_request(stage_upstream(&stage, 0));
	stage_pass(&stage, 20 * STAGE_MS);
	answers(stage_upstream(&stage, 0), 1, "\"result\":7");
	story = explained(hears(client), &tree);
	expect_member(story, "cache", json_string("off"));
	expect_member(story, "age_ms", json_null());
	expect_member(story, "pool", json_string("main"));
	expect_member(story, "endpoint", json_string("a"));
	expect_member(story, "connection", json_integer(1));
	expect_member(story, "attempts", json_integer(1));
	expect_member(story, "queued_us", json_integer(0));
	expect_member(story, "upstream_us", json_integer(20000));
	cr_assert(json_is_string(json_object_get(story, "reason")));
	cr_assert_eq(json_integer_value(json_object_get(tree, "result")), 7);
	json_decref(tree);
	stage_end(&stage);
}

Test(local, explain_tells_how_long_a_request_waited)
{
	struct stage stage;
	struct peer *client;
	json_t *tree, *story;

	stage_init(&stage);
	stage_begin(&stage);
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\","
		     "\"wsbroker\":{\"explain\":true}}");
	stage_pass(&stage, 300 * STAGE_MS);
	stage_open_dials(&stage);
	answers(stage_upstream(&stage, 0), hears_request(stage_upstream(&stage, 0)),
		"\"result\":7");
	story = explained(hears(client), &tree);
	expect_member(story, "queued_us", json_integer(300000));
	expect_member(story, "attempts", json_integer(1));
	json_decref(tree);
	stage_end(&stage);
}

Test(local, explain_tells_why_a_request_failed)
{
	struct stage stage;
	struct peer *client;
	json_t *tree, *story;

	stage_init(&stage);
	stage.pool->queue.age_us = 50 * STAGE_MS;
	stage_begin(&stage);
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\","
		     "\"wsbroker\":{\"explain\":true}}");
	stage_pass(&stage, 70 * STAGE_MS);
	story = explained(hears(client), &tree);
	expect_member(story, "pool", json_string("main"));
	expect_member(story, "endpoint", json_null());
	expect_member(story, "connection", json_null());
	expect_member(story, "attempts", json_integer(0));
	expect_member(story, "queued_us", json_integer(50000));
	expect_member(story, "reason", json_string("unavailable"));
	/* The metric does not forget those who waited in vain. */
	cr_assert_eq(stage.outside.engine->lanes[0]->traffic.queue_wait.count, 1);
	cr_assert_eq(stage.outside.engine->lanes[0]->traffic.queue_wait.sum_us, 50000);
	json_decref(tree);
	stage_end(&stage);
}
