/* Batches: routed one by one, answered together and in their order. */
#include <criterion/criterion.h>

#include "tests/unit/engine/stage.h"

#define TOLD "{\"jsonrpc\":\"2.0\",\"method\":\"told\"}"

struct scene {
	struct stage stage;
	struct peer *client;
	struct peer *upstream;
};

static void begin(struct scene *scene)
{
	stage_begin_ready(&scene->stage);
	scene->client = stage_client(&scene->stage);
	scene->upstream = stage_upstream(&scene->stage, 0);
}

Test(batch, answers_stand_in_the_order_of_the_requests)
{
	struct scene scene;
	uint64_t ids[3];

	stage_init(&scene.stage);
	begin(&scene);
	says(scene.client, "[" GET("\"a\"") "," GET("\"b\"") " , " GET("\"c\"") "]");
	for (size_t i = 0; i < 3; i++)
		ids[i] = hears_request(scene.upstream);
	answers(scene.upstream, ids[2], "\"result\":3");
	answers(scene.upstream, ids[0], "\"result\":1");
	expect_silence(scene.client);
	answers(scene.upstream, ids[1], "\"error\":{\"code\":2,\"message\":\"\"}");
	expect_hears(scene.client, "[{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":1},"
				   "{\"jsonrpc\":\"2.0\",\"id\":\"b\",\"error\":{\"code\":2,"
				   "\"message\":\"\"}},"
				   "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"result\":3}]");
	expect_silence(scene.client);
	stage_end(&scene.stage);
}

Test(batch, members_of_every_kind)
{
	struct scene scene;
	const char *heard;

	stage_init(&scene.stage);
	begin(&scene);
	says(scene.client,
	     "[" TOLD ",1,{\"id\":5},[]," GET(
		     "\"a\"") ","
			      "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"wsbroker.ping\"}]");
	expect_hears(scene.upstream, TOLD);
	answers(scene.upstream, hears_request(scene.upstream), "\"result\":1");
	heard = hears(scene.client);
	cr_assert_not_null(heard);
	cr_assert(strstr(heard, "[{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600"));
	cr_assert(strstr(heard, ",{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":-32600"));
	cr_assert(strstr(heard, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":1},"
				"{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"pong\"}]"));
	expect_silence(scene.client);
	stage_end(&scene.stage);
}

Test(batch, one_of_notifications_gets_no_answer)
{
	struct scene scene;

	stage_init(&scene.stage);
	begin(&scene);
	says(scene.client, "[" TOLD "," TOLD "]");
	expect_hears(scene.upstream, TOLD);
	expect_hears(scene.upstream, TOLD);
	stage_pass(&scene.stage, STAGE_S);
	expect_silence(scene.client);
	stage_end(&scene.stage);
}

Test(batch, does_not_wait_for_a_notification_in_the_queue)
{
	struct scene scene;

	stage_init(&scene.stage);
	scene.stage.pool->max_in_flight = 1;
	begin(&scene);
	says(scene.client, GET("1"));
	says(scene.client,
	     "[" TOLD ",{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"wsbroker.ping\"}]");
	expect_hears(scene.client, "[{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"pong\"}]");
	answers(scene.upstream, hears_request(scene.upstream), "\"result\":1");
	expect_hears(scene.upstream, TOLD);
	stage_end(&scene.stage);
}

Test(batch, an_empty_one_is_an_error)
{
	struct scene scene;

	stage_init(&scene.stage);
	begin(&scene);
	says(scene.client, "[]");
	expect_error(scene.client, .id = "null", .code = -32600, .reason = "invalid_request");
	stage_end(&scene.stage);
}

Test(batch, an_oversized_one_is_an_error)
{
	struct scene scene;

	stage_init(&scene.stage);
	scene.stage.setup.config.limits.batch = 2;
	begin(&scene);
	says(scene.client, "[" GET("1") "," GET("2") "," GET("3") "]");
	expect_error(scene.client, .id = "null", .code = -32600, .reason = "invalid_request",
		     .limit = "limits.batch");
	expect_silence(scene.upstream);
	says(scene.client, "[" GET("1") "," GET("2") "]");
	hears_request(scene.upstream);
	hears_request(scene.upstream);
	stage_end(&scene.stage);
}

Test(batch, in_messagepack_the_array_has_as_many_members)
{
	static const char batch[] = "\x92\x83\xa7jsonrpc\xa3"
				    "2.0\xa2id\x05\xa6method\xadwsbroker.ping"
				    "\x83\xa7jsonrpc\xa3"
				    "2.0\xa2id\x06\xa6method\xadwsbroker.ping";
	static const char answer[] = "\x92\x83\xa7jsonrpc\xa3"
				     "2.0\xa2id\x05\xa6result\xa4pong"
				     "\x83\xa7jsonrpc\xa3"
				     "2.0\xa2id\x06\xa6result\xa4pong";
	struct scene scene;
	const char *heard;

	stage_init(&scene.stage);
	begin(&scene);
	says_bytes(scene.client, batch, sizeof(batch) - 1);
	heard = hears(scene.client);
	cr_assert_not_null(heard);
	cr_assert_eq(heard_bytes(scene.client), sizeof(answer) - 1);
	cr_assert_arr_eq(heard, answer, sizeof(answer) - 1);
	stage_end(&scene.stage);
}

Test(batch, of_a_client_that_has_gone_ends_quietly)
{
	struct scene scene;
	uint64_t first, second;

	stage_init(&scene.stage);
	begin(&scene);
	says(scene.client, "[" GET("1") "," GET("2") "]");
	first = hears_request(scene.upstream);
	second = hears_request(scene.upstream);
	answers(scene.upstream, first, "\"result\":1");
	stage_kill(scene.client);
	answers(scene.upstream, second, "\"result\":1");
	cr_assert_eq(scene.stage.outside.engine->exchanges.used, 0);
	stage_end(&scene.stage);
}
