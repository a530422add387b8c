/* The way out: what is in flight is finished, good-byes are spread over time. */
#include <criterion/criterion.h>

#include "tests/unit/engine/stage.h"

static void drain(struct stage *stage)
{
	engine_drain(stage->outside.engine, stage->outside.now_us);
}

static bool is_drained(const struct stage *stage)
{
	return engine_is_drained(stage->outside.engine, stage->outside.now_us);
}

Test(drain, listeners_close_after_the_delay)
{
	struct stage stage;

	stage_init(&stage);
	stage.setup.config.drain.delay_us = 500 * STAGE_MS;
	stage_begin_ready(&stage);
	cr_assert_not(engine_listeners_closed(stage.outside.engine, stage.outside.now_us));
	drain(&stage);
	cr_assert_not(engine_listeners_closed(stage.outside.engine, stage.outside.now_us));
	stage_pass(&stage, 490 * STAGE_MS);
	cr_assert_not(engine_listeners_closed(stage.outside.engine, stage.outside.now_us));
	stage_pass(&stage, 10 * STAGE_MS);
	cr_assert(engine_listeners_closed(stage.outside.engine, stage.outside.now_us));
	stage_end(&stage);
}

Test(drain, clients_go_spread_over_time_with_1012)
{
	struct stage stage;
	struct peer *clients[20];
	int closed = 0;

	stage_init(&stage);
	stage.setup.config.drain.spread_us = STAGE_S;
	stage_begin_ready(&stage);
	for (int i = 0; i < 20; i++)
		clients[i] = stage_client(&stage);
	drain(&stage);
	stage_pass(&stage, 500 * STAGE_MS);
	for (int i = 0; i < 20; i++)
		closed += clients[i]->state == PEER_CLOSING;
	cr_assert(closed >= 8 && closed <= 13, "%d of 20 at half time", closed);
	stage_pass(&stage, 550 * STAGE_MS);
	for (int i = 0; i < 20; i++) {
		cr_assert_eq(clients[i]->state, PEER_CLOSING);
		cr_assert_eq(clients[i]->close_code, 1012);
	}
	stage_end(&stage);
}

Test(drain, who_waits_for_an_answer_gets_it_first)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.setup.config.drain.spread_us = 100 * STAGE_MS;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	drain(&stage);
	stage_pass(&stage, STAGE_S);
	cr_assert_eq(client->state, PEER_OPEN);
	answers(stage_upstream(&stage, 0), hears_request(stage_upstream(&stage, 0)),
		"\"result\":1");
	stage_pass(&stage, 20 * STAGE_MS);
	cr_assert_eq(client->state, PEER_CLOSING);
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	cr_assert_not(is_drained(&stage));
	stage_kill(client);
	stage_pass(&stage, 20 * STAGE_MS);
	cr_assert_eq(stage_upstream(&stage, 0)->state, PEER_CLOSING);
	stage_kill(stage_upstream(&stage, 0));
	cr_assert(is_drained(&stage));
	stage_end(&stage);
}

Test(drain, the_timeout_answers_whoever_still_waits)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.setup.config.drain.timeout_us = 500 * STAGE_MS;
	stage.setup.config.drain.spread_us = 0;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	drain(&stage);
	stage_pass(&stage, 520 * STAGE_MS);
	expect_error(client, .id = "1", .code = -32000, .reason = "unavailable", .retryable = true,
		     .pool = "main", .endpoint = "a", .limit = "drain.timeout");
	cr_assert_eq(client->state, PEER_CLOSING);
	stage_pass(&stage, 2 * STAGE_S);
	cr_assert(is_drained(&stage));
	stage_end(&stage);
}

Test(drain, no_dial_is_made_once_all_have_gone)
{
	struct stage stage;

	stage_init(&stage);
	stage_begin(&stage);
	stage_pass(&stage, 10 * STAGE_MS);
	cr_assert_eq(stage_upstream(&stage, 0)->state, PEER_DIALING);
	drain(&stage);
	stage_pass(&stage, 20 * STAGE_MS);
	cr_assert_eq(stage_upstream(&stage, 0)->state, PEER_ABORTED);
	stage_kill(stage_upstream(&stage, 0));
	stage_pass(&stage, 5 * STAGE_S);
	cr_assert_null(stage_upstream(&stage, 0));
	cr_assert(is_drained(&stage));
	stage_end(&stage);
}

Test(drain, asking_twice_changes_nothing)
{
	struct stage stage;

	stage_init(&stage);
	stage.setup.config.drain.delay_us = 100 * STAGE_MS;
	stage_begin_ready(&stage);
	drain(&stage);
	stage_pass(&stage, 90 * STAGE_MS);
	drain(&stage);
	stage_pass(&stage, 10 * STAGE_MS);
	cr_assert(engine_listeners_closed(stage.outside.engine, stage.outside.now_us));
	stage_end(&stage);
}
