/* Connections: greeted, probed, and forgiven for odd words. */
#include <criterion/criterion.h>
#include <jansson.h>

#include "tests/unit/engine/stage.h"

static struct greeting_step *greet(struct stage *stage)
{
	struct greeting_step *step;

	stage_init(stage);
	step = setup_greeting(stage->pool);
	step->send = "{\"type\":\"login\"}";
	step->expect = json_pack("{s:s}", "type", "welcome");
	step->reject = json_pack("{s:s}", "type", "denied");
	step->timeout_us = 200 * STAGE_MS;
	return step;
}

static void end_greeted(struct stage *stage, struct greeting_step *step)
{
	stage_end(stage);
	json_decref(step->expect);
	json_decref(step->reject);
}

Test(upstream, a_connection_is_ready_after_its_greeting_and_first_pong)
{
	struct stage stage;
	struct greeting_step *step = greet(&stage);
	struct peer *upstream;

	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	expect_hears(upstream, "{\"type\":\"login\"}");
	cr_assert_eq(upstream->connection->state, CONNECTION_WARMING);
	says(upstream, "{\"type\":\"news\"}");
	cr_assert_eq(upstream->connection->state, CONNECTION_WARMING);
	says(upstream, "{\"type\":\"welcome\",\"more\":1}");
	cr_assert_eq(upstream->connection->state, CONNECTION_WARMING);
	expect_silence(upstream);
	cr_assert_eq(upstream->pings, 1);
	peer_pong(upstream);
	cr_assert_eq(upstream->connection->state, CONNECTION_READY);
	end_greeted(&stage, step);
}

Test(upstream, a_rejected_greeting_is_a_failed_connect)
{
	struct stage stage;
	struct greeting_step *step = greet(&stage);
	struct peer *upstream;

	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	says(upstream, "{\"type\":\"denied\"}");
	cr_assert_eq(upstream->state, PEER_ABORTED);
	stage_kill(upstream);
	cr_assert_eq(stage.outside.engine->lanes[0]->pool->endpoints[0]->stats.dial_failures, 1);
	cr_assert(
		strstr(stage.outside.engine->lanes[0]->pool->endpoints[0]->last_error, "greeting"));
	end_greeted(&stage, step);
}

Test(upstream, a_late_greeting_is_a_failed_connect)
{
	struct stage stage;
	struct greeting_step *step = greet(&stage);
	struct peer *upstream;

	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	stage_pass(&stage, 190 * STAGE_MS);
	cr_assert_eq(upstream->state, PEER_OPEN);
	stage_pass(&stage, 30 * STAGE_MS);
	cr_assert_eq(upstream->state, PEER_ABORTED);
	end_greeted(&stage, step);
}

Test(upstream, a_greeting_in_messagepack)
{
	struct stage stage;
	struct greeting_step *step = greet(&stage);
	struct peer *upstream;

	stage.pool->encoding = ENCODING_MSGPACK;
	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	expect_hears(upstream, "\x81\xa4type\xa5login");
	says_bytes(upstream, "\x81\xa4type\xa7welcome", 14);
	stage_pass(&stage, 10 * STAGE_MS);
	cr_assert_eq(upstream->connection->state, CONNECTION_READY);
	end_greeted(&stage, step);
}

Test(upstream, a_greeting_is_for_its_connection_alone)
{
	struct stage stage;

	stage_init(&stage);
	setup_greeting(stage.pool)->send = "{\"jsonrpc\":\"2.0\",\"method\":\"login\"}";
	stage.pool->probe.interval_us = 0;
	stage.pool->size = 2;
	stage_begin_ready(&stage);
	stage_pass(&stage, 100 * STAGE_MS);
	stage_open_dials(&stage);
	says(stage_client(&stage), "{\"jsonrpc\":\"2.0\",\"method\":\"told\"}");
	stage_kill(stage_upstream(&stage, 0));
	expect_hears(stage_upstream(&stage, 0), "{\"jsonrpc\":\"2.0\",\"method\":\"login\"}");
	expect_hears(stage_upstream(&stage, 0), "{\"jsonrpc\":\"2.0\",\"method\":\"told\"}");
	expect_silence(stage_upstream(&stage, 0));
	stage_end(&stage);
}

Test(upstream, one_that_is_silent_is_given_up)
{
	struct stage stage;
	struct peer *client, *upstream;

	stage_init(&stage);
	stage.pool->probe.interval_us = 100 * STAGE_MS;
	stage.pool->probe.timeout_us = 50 * STAGE_MS;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	stage_pass(&stage, STAGE_S);
	cr_assert_eq(upstream->state, PEER_OPEN);
	stage.no_pongs = true;
	says(client, GET("1"));
	hears_request(upstream);
	stage_pass(&stage, 200 * STAGE_MS);
	cr_assert_eq(upstream->state, PEER_ABORTED);
	stage_kill(upstream);
	expect_error(client, .id = "1", .code = -32001, .reason = "upstream_lost", .pool = "main",
		     .endpoint = "a");
	stage_end(&stage);
}

Test(upstream, dials_that_fail_are_tried_again_later)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage_begin(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	stage_pass(&stage, 10 * STAGE_MS);
	peer_end(stage_upstream(&stage, 0), "connect", 0, span_text("refused"));
	cr_assert_null(stage_upstream(&stage, 0));
	stage_pass(&stage, 500 * STAGE_MS);
	cr_assert_not_null(stage_upstream(&stage, 0));
	stage_open_dials(&stage);
	answers(stage_upstream(&stage, 0), hears_request(stage_upstream(&stage, 0)),
		"\"result\":1");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	stage_end(&stage);
}

Test(upstream, odd_messages_close_nothing_and_reach_nobody)
{
	static const struct {
		const char *text;
		enum oddity oddity;
	} odd[] = {
		{"not json", ODD_UNREADABLE},
		{"", ODD_UNREADABLE},
		{"{\"a\":\"\xff\"}", ODD_UNREADABLE},
		{"42", ODD_UNREADABLE},
		{"{\"id\":1,\"id\":1,\"result\":2}", ODD_UNREADABLE},
		{"{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":2}", ODD_UNKNOWN_ID},
		{"{\"jsonrpc\":\"2.0\",\"id\":1.0,\"result\":2}", ODD_UNKNOWN_ID},
		{"{\"jsonrpc\":\"2.0\",\"id\":777,\"result\":2}", ODD_UNKNOWN_ID},
		{"{\"jsonrpc\":\"2.0\",\"id\":[],\"result\":2}", ODD_UNKNOWN_ID},
		{"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600}}", ODD_ORPHAN_ERROR},
		{"{\"jsonrpc\":\"2.0\",\"method\":\"news\"}", ODD_PUSH},
	};
	struct stage stage;
	struct peer *client, *upstream;
	uint64_t id;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	says(client, GET("\"me\""));
	id = hears_request(upstream);
	cr_assert_eq(id, 1);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		uint64_t before = stage.outside.engine->stats.oddities[odd[i].oddity];

		says(upstream, odd[i].text);
		cr_assert_eq(stage.outside.engine->stats.oddities[odd[i].oddity], before + 1, "%s",
			     odd[i].text);
		expect_silence(client);
		cr_assert_eq(upstream->state, PEER_OPEN);
	}
	/* Without jsonrpc it is still the answer. */
	says(upstream, "{\"id\":1,\"result\":2}");
	expect_hears(client, "{\"id\":\"me\",\"result\":2}");
	stage_end(&stage);
}

Test(upstream, an_array_counts_member_by_member)
{
	struct stage stage;
	struct peer *client, *upstream;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	says(client, GET("\"a\""));
	says(client, GET("\"b\""));
	hears_request(upstream);
	cr_assert_eq(hears_request(upstream), 2);
	says(upstream, "[{\"id\":2,\"result\":\"2\"},7,{\"id\":1,\"result\":\"1\"}]");
	expect_hears(client, "{\"id\":\"b\",\"result\":\"2\"}");
	expect_hears(client, "{\"id\":\"a\",\"result\":\"1\"}");
	stage_end(&stage);
}

Test(upstream, a_message_over_every_bound_ends_its_connection)
{
	struct stage stage;
	struct peer *client, *upstream;
	char piece[1000];

	stage_init(&stage);
	stage.setup.config.limits.send_buffer_bytes = 2000;
	stage.setup.config.limits.message_bytes = 1000;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	says(client, GET("1"));
	hears_request(upstream);
	memset(piece, ' ', sizeof(piece));
	for (int i = 0; i < 2; i++)
		peer_piece(upstream, false, span_of(piece, sizeof(piece)), false, false);
	cr_assert_eq(stage.outside.engine->stats.oddities[ODD_TOO_BIG], 0, "2000 bytes fit");
	peer_piece(upstream, false, span_of(piece, sizeof(piece)), false, false);
	cr_assert_eq(stage.outside.engine->stats.oddities[ODD_TOO_BIG], 1);
	cr_assert_eq(upstream->connection->state, CONNECTION_DRAINING);
	cr_assert_eq(upstream->connection->in_flight, 0, "what it carried was settled at once");
	expect_error(client, .id = "1", .code = -32001, .reason = "upstream_lost", .pool = "main",
		     .endpoint = "a");
	stage_end(&stage);
}

Test(upstream, messages_are_spread_over_the_connections)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->size = 4;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	for (int i = 0; i < 8; i++)
		says(client, GET("1"));
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(stage_upstream(&stage, i)->connection->in_flight, 2);
	stage_end(&stage);
}

Test(upstream, a_full_connection_is_passed_over)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->size = 2;
	stage.pool->max_in_flight = 1;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	for (int i = 0; i < 3; i++)
		says(client, GET("1"));
	cr_assert_eq(stage.outside.engine->lanes[0]->queue.count, 1);
	answers(stage_upstream(&stage, 1), hears_request(stage_upstream(&stage, 1)),
		"\"result\":1");
	cr_assert_eq(stage.outside.engine->lanes[0]->queue.count, 0);
	hears_request(stage_upstream(&stage, 1));
	stage_end(&stage);
}

Test(upstream, a_higher_tier_stands_in)
{
	struct stage stage;
	struct peer *client;
	const struct pool *pool;

	stage_init(&stage);
	setup_endpoint(stage.pool, "b")->tier = 2;
	stage_begin_ready(&stage);
	pool = stage.outside.engine->lanes[0]->pool;
	client = stage_client(&stage);
	says(client, GET("1"));
	cr_assert_eq(pool->endpoints[0]->in_flight, 1);
	cr_assert_eq(pool->endpoints[1]->in_flight, 0);
	cr_assert_eq(pool->endpoints[1]->ready, 1, "a standby waits");
	stage_kill(stage_upstream(&stage, 0));
	cr_assert_eq(pool->endpoints[1]->in_flight, 1);
	stage_end(&stage);
}
