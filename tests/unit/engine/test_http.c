/* One message by HTTP POST: which status, which body. */
#include <criterion/criterion.h>

#include "tests/unit/engine/stage.h"

#define TOLD "{\"jsonrpc\":\"2.0\",\"method\":\"told\"}"

static void expect_status(const struct peer *post, int status, const char *body)
{
	cr_assert_eq(post->status, status, "%d: %s", post->status, post->body.text);
	if (body)
		cr_assert_str_eq(post->body.text ? post->body.text : "", body);
	cr_assert_eq(post->retry_after_s > 0, status == 503 || status == 429);
}

Test(http, a_request_is_answered_with_200)
{
	struct stage stage;
	struct peer *post, *upstream;

	stage_init(&stage);
	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	post = stage_post(&stage, GET("\"x\""));
	cr_assert_eq(post->status, 0);
	answers(upstream, hears_request(upstream), "\"result\":1");
	expect_status(post, 200, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":1}");
	stage_end(&stage);
}

Test(http, errors_of_the_request_are_200_as_well)
{
	struct stage stage;
	struct peer *post;

	stage_init(&stage);
	stage.any->method = "known";
	stage_begin_ready(&stage);
	post = stage_post(&stage, GET("1"));
	expect_status(post, 200, NULL);
	expect_error_in(post->body.text,
			&(struct expected_error){.id = "1", .code = -32601, .reason = "no_route"});
	post = stage_post(&stage, "nonsense");
	expect_status(post, 200, NULL);
	cr_assert(strstr(post->body.text, "parse_error"));
	stage_end(&stage);
}

Test(http, a_notification_is_answered_with_204)
{
	struct stage stage;

	stage_init(&stage);
	stage_begin_ready(&stage);
	expect_status(stage_post(&stage, TOLD), 204, "");
	expect_hears(stage_upstream(&stage, 0), TOLD);
	expect_status(stage_post(&stage, "[" TOLD "," TOLD "]"), 204, "");
	expect_hears(stage_upstream(&stage, 0), TOLD);
	expect_hears(stage_upstream(&stage, 0), TOLD);
	stage_end(&stage);
}

Test(http, a_notification_that_has_to_wait_outlives_its_post)
{
	struct stage stage;

	stage_init(&stage);
	stage_begin(&stage);
	expect_status(stage_post(&stage, TOLD), 204, "");
	stage_pass(&stage, 10 * STAGE_MS);
	stage_open_dials(&stage);
	expect_hears(stage_upstream(&stage, 0), TOLD);
	stage_end(&stage);
}

Test(http, a_batch)
{
	struct stage stage;
	struct peer *post, *upstream;
	uint64_t first, second;

	stage_init(&stage);
	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	post = stage_post(&stage, "[" GET("1") "," TOLD "," GET("2") "]");
	first = hears_request(upstream);
	expect_hears(upstream, TOLD);
	second = hears_request(upstream);
	answers(upstream, second, "\"result\":2");
	cr_assert_eq(post->status, 0);
	answers(upstream, first, "\"result\":1");
	expect_status(post, 200,
		      "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1},"
		      "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}]");
	stage_end(&stage);
}

Test(http, overload_is_503_and_says_when_to_come_again)
{
	struct stage stage;
	struct peer *post;

	stage_init(&stage);
	stage.pool->queue.requests = 0;
	stage_begin(&stage);
	post = stage_post(&stage, GET("1"));
	expect_status(post, 503, NULL);
	cr_assert(strstr(post->body.text, "overloaded"));
	stage_end(&stage);
}

Test(http, unavailable_is_503)
{
	struct stage stage;
	struct peer *post;

	stage_init(&stage);
	stage.pool->queue.age_us = 50 * STAGE_MS;
	stage_begin(&stage);
	post = stage_post(&stage, GET("1"));
	stage_pass(&stage, 70 * STAGE_MS);
	expect_status(post, 503, NULL);
	cr_assert(strstr(post->body.text, "unavailable"));
	stage_end(&stage);
}

Test(http, a_vanished_peer_is_forgotten)
{
	struct stage stage;
	struct peer *post, *upstream;

	stage_init(&stage);
	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	post = stage_post(&stage, GET("1"));
	stage_kill(post);
	answers(upstream, hears_request(upstream), "\"result\":1");
	cr_assert_eq(post->status, 0);
	cr_assert_eq(stage.outside.engine->exchanges.used, 0);
	stage_end(&stage);
}

Test(http, dropped_is_204)
{
	struct stage stage;

	stage_init(&stage);
	stage.any->action = ROUTE_DROP;
	stage_begin_ready(&stage);
	expect_status(stage_post(&stage, GET("1")), 204, "");
	stage_end(&stage);
}

Test(http, an_open_post_is_answered_when_the_drain_runs_out_of_time)
{
	struct stage stage;
	struct peer *post;

	stage_init(&stage);
	stage.setup.config.drain.timeout_us = 100 * STAGE_MS;
	stage_begin_ready(&stage);
	post = stage_post(&stage, GET("1"));
	engine_drain(stage.outside.engine, stage.outside.now_us);
	stage_pass(&stage, 150 * STAGE_MS);
	expect_status(post, 503, NULL);
	stage_end(&stage);
}
