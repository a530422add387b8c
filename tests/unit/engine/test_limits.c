/* What a client may not do, and what becomes of it then. */
#include <criterion/criterion.h>

#include "tests/unit/engine/stage.h"

static void expect_closing(const struct peer *peer, uint16_t code)
{
	cr_assert_eq(peer->state, PEER_CLOSING, "state %d", (int)peer->state);
	cr_assert_eq(peer->close_code, code, "%u %s", peer->close_code, peer->close_reason);
}

Test(limits, a_slow_reader_is_cut)
{
	struct stage stage;
	struct peer *slow, *other, *upstream;
	uint64_t first, second, third;

	stage_init(&stage);
	stage.setup.config.limits.send_buffer_bytes = 100;
	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	slow = stage_client(&stage);
	other = stage_client(&stage);
	says(slow, GET("1"));
	says(slow, GET("2"));
	says(other, GET("1"));
	first = hears_request(upstream);
	second = hears_request(upstream);
	third = hears_request(upstream);
	answers(upstream, first, "\"result\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"");
	cr_assert_eq(slow->state, PEER_OPEN);
	/* The first frame is under way, so it is not dropped. */
	peer_take(slow, 10);
	answers(upstream, second, "\"result\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"");
	expect_closing(slow, 1013);
	cr_assert_str_eq(slow->close_reason, "slow_reader");
	cr_assert_eq(stage.outside.engine->stats.oddities[ODD_SLOW_READER], 1);
	expect_hears(slow, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":"
			   "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}");
	expect_silence(slow);
	answers(upstream, third, "\"result\":1");
	expect_hears(other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	stage_end(&stage);
}

Test(limits, invalid_utf8_in_text_ends_the_connection)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	peer_say(client, false, span_text("{\"a\":\"\xc3(\"}"));
	expect_closing(client, 1007);
	expect_silence(client);
	stage_end(&stage);
}

Test(limits, a_message_too_big)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.setup.config.limits.message_bytes = 40;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	peer_piece(client, false, span_text("{\"jsonrpc\":\"2.0\",\"id\":1,"), true, false);
	cr_assert_eq(client->state, PEER_OPEN);
	peer_piece(client, false, span_text("\"method\":\"get_and_get\""), false, false);
	expect_closing(client, 1009);
	stage_end(&stage);
}

Test(limits, too_many_fragments)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.setup.config.limits.fragments = 3;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	for (int i = 0; i < 3; i++)
		peer_piece(client, false, span_text(" "), true, false);
	cr_assert_eq(client->state, PEER_OPEN);
	peer_piece(client, false, span_text(" "), true, false);
	expect_closing(client, 1009);
	stage_end(&stage);
}

Test(limits, a_client_with_too_many_open_requests_is_not_read)
{
	struct stage stage;
	struct peer *client, *upstream;
	uint64_t first, second;

	stage_init(&stage);
	stage.setup.config.limits.in_flight_per_client = 2;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	says(client, GET("1"));
	cr_assert_not(client->paused);
	says(client, GET("2"));
	cr_assert(client->paused);
	/* What has been read already is still served. */
	says(client, GET("3"));
	first = hears_request(upstream);
	second = hears_request(upstream);
	answers(upstream, first, "\"result\":1");
	cr_assert(client->paused);
	answers(upstream, second, "\"result\":1");
	cr_assert_not(client->paused);
	stage_end(&stage);
}

Test(limits, a_paused_client_need_not_answer_pings)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.setup.config.limits.in_flight_per_client = 1;
	stage.setup.config.limits.ping_us = 100 * STAGE_MS;
	stage.no_pongs = true;
	stage.pool->probe.interval_us = 0;
	stage.any->timeout_us = STAGE_S;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	stage_pass(&stage, 900 * STAGE_MS);
	cr_assert_eq(client->state, PEER_OPEN);
	stage_pass(&stage, 150 * STAGE_MS);
	cr_assert_not_null(hears(client));
	cr_assert_eq(client->state, PEER_OPEN);
	stage_pass(&stage, 300 * STAGE_MS);
	cr_assert_eq(client->state, PEER_ABORTED);
	stage_end(&stage);
}

Test(limits, a_client_without_a_sign_of_life_is_dropped)
{
	struct stage stage;
	struct peer *silent, *alive, *talking;

	stage_init(&stage);
	stage.setup.config.limits.ping_us = 100 * STAGE_MS;
	stage_begin_ready(&stage);
	silent = stage_client(&stage);
	alive = stage_client(&stage);
	talking = stage_client(&stage);
	stage.no_pongs = true;
	for (int i = 0; i < 50; i++) {
		stage_pass(&stage, 10 * STAGE_MS);
		if (alive->session->ping_waits)
			peer_pong(alive);
		says(talking, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.ping\"}");
	}
	cr_assert_eq(silent->state, PEER_ABORTED);
	cr_assert_eq(alive->state, PEER_OPEN);
	cr_assert_eq(talking->state, PEER_OPEN);
	stage_end(&stage);
}

Test(limits, an_idle_client_is_closed)
{
	struct stage stage;
	struct peer *idle;

	stage_init(&stage);
	stage.setup.config.limits.idle_us = 300 * STAGE_MS;
	stage_begin_ready(&stage);
	idle = stage_client(&stage);
	stage_pass(&stage, 250 * STAGE_MS);
	cr_assert_eq(idle->state, PEER_OPEN);
	stage_pass(&stage, 400 * STAGE_MS);
	expect_closing(idle, 1000);
	stage_end(&stage);
}

Test(limits, upstreams_are_not_read_while_memory_is_short)
{
	struct stage stage;
	struct peer *client, *upstream;
	char big[300000];
	uint64_t id;
	int len;

	stage_init(&stage);
	stage.setup.config.limits.memory_bytes = 200000;
	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	client = stage_client(&stage);
	says(client, GET("1"));
	id = hears_request(upstream);
	cr_assert_not(upstream->paused);
	memset(big, 'x', sizeof(big));
	len = snprintf(big, sizeof(big), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":\"", (int)id);
	big[len] = 'x';
	memcpy(big + sizeof(big) - 3, "\"}", 3);
	says(upstream, big);
	cr_assert(upstream->paused);
	cr_assert_not_null(hears(client));
	stage_pass(&stage, 10 * STAGE_MS);
	cr_assert_not(upstream->paused);
	stage_end(&stage);
}

static void sends_part(struct peer *peer, const char *bytes, size_t len)
{
	engine_client_data(peer->outside->engine, peer->session, false, span_of(bytes, len), 0,
			   false, peer->outside->now_us);
}

Test(limits, whoever_holds_most_with_half_a_message_goes_first)
{
	static char part[50000];
	struct stage stage;
	struct peer *greedy, *modest, *inflating;
	uint64_t empty;

	stage_init(&stage);
	stage.setup.config.limits.memory_bytes = 400000;
	stage.setup.config.limits.message_bytes = 100000;
	stage_begin_ready(&stage);
	modest = stage_client(&stage);
	greedy = stage_client(&stage);
	inflating = stage_client(&stage);
	empty = engine_buffer_bytes(stage.outside.engine);
	sends_part(modest, part, 1000);
	sends_part(greedy, part, sizeof(part));
	engine_client_inflates(stage.outside.engine, inflating->session, 60000);
	cr_assert_geq(engine_buffer_bytes(stage.outside.engine), empty + 111000);
	cr_assert_eq(greedy->state, PEER_OPEN);
	engine_client_inflates(stage.outside.engine, inflating->session, 180000);
	expect_closing(inflating, 1013);
	sends_part(greedy, part, sizeof(part));
	cr_assert_eq(greedy->state, PEER_OPEN, "what the one that went had held is free");
	cr_assert_eq(modest->state, PEER_OPEN);
	stage_kill(greedy);
	stage_kill(modest);
	cr_assert_eq(engine_buffer_bytes(stage.outside.engine), empty);
	stage_end(&stage);
}
