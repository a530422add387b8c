/* What failures, probing calls and slow answers come to in the whole engine. */
#include <criterion/criterion.h>

#include "tests/unit/engine/pair.h"

#define LISTED	 "\"error\":{\"code\":-32050,\"message\":\"x\"}"
#define UNLISTED "\"error\":{\"code\":7,\"message\":\"x\"}"

static const char *errors[] = {"-32050"};

static void scene_init(struct pair *scene)
{
	pair_init(scene);
	scene->stage.pool->ejection = (struct ejection_settings){.consecutive = 3,
								 .window_us = 10 * STAGE_S,
								 .base_us = STAGE_S,
								 .max_us = 10 * STAGE_S,
								 .max_ejected = 0.5,
								 .errors = errors,
								 .error_count = 1};
	scene->stage.any->idempotent = true;
	scene->stage.any->attempt_timeout_us = STAGE_S;
}

Test(health, a_listed_error_sends_an_idempotent_request_elsewhere)
{
	struct pair scene;
	struct peer *first;

	scene_init(&scene);
	pair_begin(&scene);
	says(scene.client, GET("1"));
	first = pair_taker(&scene);
	answers(first, hears_request(first), LISTED);
	expect_silence(scene.client);
	answers(pair_other(&scene, first), hears_request(pair_other(&scene, first)),
		"\"result\":1");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	cr_assert_eq(scene.lane->traffic.retries_refused, 1);
	stage_end(&scene.stage);
}

Test(health, a_listed_error_is_passed_on_when_it_may_not_go_elsewhere)
{
	struct pair scene;
	struct peer *first;

	scene_init(&scene);
	scene.stage.any->idempotent = false;
	pair_begin(&scene);
	says(scene.client, GET("1"));
	first = pair_taker(&scene);
	answers(first, hears_request(first), LISTED);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1," LISTED "}");
	cr_assert_eq(first->connection->endpoint->outlier.in_a_row, 1);
	stage_end(&scene.stage);
}

Test(health, a_listed_error_is_passed_on_when_all_have_been_asked)
{
	struct pair scene;
	struct peer *first;

	scene_init(&scene);
	pair_begin(&scene);
	says(scene.client, GET("1"));
	first = pair_taker(&scene);
	answers(first, hears_request(first), LISTED);
	first = pair_other(&scene, first);
	answers(first, hears_request(first), LISTED);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1," LISTED "}");
	stage_end(&scene.stage);
}

Test(health, other_errors_are_the_applications_own)
{
	struct pair scene;
	struct peer *first;

	scene_init(&scene);
	pair_begin(&scene);
	says(scene.client, GET("1"));
	first = pair_taker(&scene);
	answers(first, hears_request(first), UNLISTED);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1," UNLISTED "}");
	cr_assert_eq(first->connection->endpoint->outlier.in_a_row, 0);
	stage_end(&scene.stage);
}

Test(health, a_late_attempt_counts_when_the_other_is_answered_first_or_none_is)
{
	struct pair scene;
	struct peer *first, *second;

	scene_init(&scene);
	scene.stage.any->timeout_us = 3 * STAGE_S;
	pair_begin(&scene);
	says(scene.client, GET("1"));
	first = pair_taker(&scene);
	hears_request(first);
	stage_pass(&scene.stage, 1020 * STAGE_MS);
	second = pair_other(&scene, first);
	answers(second, hears_request(second), "\"result\":1");
	cr_assert_eq(first->connection->endpoint->outlier.in_a_row, 1);
	cr_assert_eq(second->connection->endpoint->outlier.in_a_row, 0);

	says(scene.client, GET("2"));
	first = pair_taker(&scene);
	hears_request(first);
	second = pair_other(&scene, first);
	stage_pass(&scene.stage, 1020 * STAGE_MS);
	hears_request(second);
	stage_pass(&scene.stage, 2 * STAGE_S);
	cr_assert_gt(first->connection->endpoint->outlier.in_a_row, 0);
	cr_assert_gt(second->connection->endpoint->outlier.in_a_row, 0);
	stage_end(&scene.stage);
}

Test(health, what_is_slow_everywhere_is_nobodys_fault)
{
	struct pair scene;
	struct peer *first, *second;
	uint64_t id;

	scene_init(&scene);
	pair_begin(&scene);
	says(scene.client, GET("1"));
	first = pair_taker(&scene);
	second = pair_other(&scene, first);
	id = hears_request(first);
	stage_pass(&scene.stage, 1500 * STAGE_MS);
	hears_request(second);
	answers(first, id, "\"result\":1");
	cr_assert_eq(first->connection->endpoint->outlier.in_a_row, 0);
	cr_assert_eq(second->connection->endpoint->outlier.in_a_row, 0);
	stage_end(&scene.stage);
}

Test(health, a_standstill_of_our_own_blames_nobody)
{
	struct pair scene;
	struct peer *first;

	scene_init(&scene);
	scene.stage.any->timeout_us = 2 * STAGE_S;
	pair_begin(&scene);
	says(scene.client, GET("1"));
	first = pair_taker(&scene);
	hears_request(first);
	outside_tick(&scene.stage.outside, scene.stage.outside.now_us + 60 * STAGE_S);
	cr_assert_eq(first->connection->endpoint->outlier.in_a_row, 0);
	stage_end(&scene.stage);
}

Test(health, what_waits_in_the_outbox_of_an_ejected_endpoint_moves_at_once)
{
	struct pair scene;
	struct peer *sick, *well;
	int requests = 0, notes = 0;
	const char *heard;
	uint64_t ids[3];
	char text[128];

	scene_init(&scene);
	scene.stage.any->idempotent = false;
	pair_begin(&scene);
	for (int i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"m\"}", i);
		says(scene.client, text);
	}
	sick = scene.a;
	well = scene.b;
	for (int i = 0; i < 3; i++) {
		ids[i] = hears_request(sick);
		hears_request(well);
	}
	says(scene.client, GET("7"));
	says(scene.client, GET("8"));
	says(scene.client, "{\"jsonrpc\":\"2.0\",\"method\":\"note\"}");
	says(scene.client, "{\"jsonrpc\":\"2.0\",\"method\":\"note\"}");
	for (int i = 0; i < 3; i++)
		answers(sick, ids[i], LISTED);
	cr_assert_eq(sick->connection->endpoint->state, ENDPOINT_EJECTED);
	cr_assert(!is_spoken_to(sick));
	while ((heard = hears(well))) {
		requests += strstr(heard, "\"get\"") != NULL;
		notes += strstr(heard, "\"note\"") != NULL;
	}
	cr_assert_eq(requests, 2);
	cr_assert_eq(notes, 2);
	cr_assert_eq(scene.lane->traffic.retries_unsent, 1);
	stage_end(&scene.stage);
}

/* What makes it the source of its pool's pushes is no client's notification. */
Test(health, what_was_said_to_an_ejected_source_stays_with_it)
{
	static const char call[] = "{\"jsonrpc\":\"2.0\",\"method\":\"watch\"}";
	struct pair scene;
	struct greeting_step *step;
	struct endpoint *well;
	uint64_t ids[3];

	scene_init(&scene);
	scene.stage.any->idempotent = false;
	step = setup_greeting(scene.stage.pool);
	step->send = call;
	step->push_source = true;
	pair_begin_unread(&scene);
	expect_hears(scene.a, call);
	well = scene.a->connection->endpoint;
	for (int i = 0; i < 6; i++)
		says(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}");
	for (int i = 0; i < 3; i++)
		ids[i] = hears_request(scene.b);
	pool_set_wish(well, WISH_DRAIN, NULL, scene.stage.outside.now_us);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	cr_assert(scene.b->connection->push_source);
	pool_set_wish(well, WISH_SERVE, NULL, scene.stage.outside.now_us);
	for (int i = 0; i < 3; i++) {
		hears_request(scene.a);
		answers(scene.b, ids[i], LISTED);
	}
	cr_assert_eq(scene.b->connection->endpoint->state, ENDPOINT_EJECTED);
	expect_silence(scene.a);
	expect_hears(scene.b, call);
	stage_end(&scene.stage);
}

static void warm_up_hedge(struct pair *scene)
{
	for (int i = 0; i < 120; i++) {
		struct peer *peer;

		says(scene->client, GET("1"));
		peer = pair_taker(scene);
		answers(peer, hears_request(peer), "\"result\":1");
		cr_assert_not_null(hears(scene->client));
	}
	stage_pass(&scene->stage, 200 * STAGE_MS);
	expect_silence(scene->a);
	expect_silence(scene->b);
}

Test(health, a_hedge_is_sent_after_what_most_take_and_the_first_answer_wins)
{
	struct pair scene;
	struct peer *first, *second;
	uint64_t id;

	scene_init(&scene);
	scene.stage.any->hedge = true;
	scene.stage.any->attempt_timeout_us = 10 * STAGE_S;
	pair_begin(&scene);
	warm_up_hedge(&scene);
	for (int round = 0; round < 2; round++) {
		says(scene.client, GET("7"));
		first = pair_taker(&scene);
		second = pair_other(&scene, first);
		id = hears_request(first);
		expect_silence(second);
		stage_pass(&scene.stage, 20 * STAGE_MS);
		if (round == 0)
			answers(second, hears_request(second), "\"result\":2");
		else
			answers(first, id, "\"result\":2");
		expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":2}");
		cr_assert_eq(first->connection->endpoint->outlier.in_a_row, 0,
			     "who is only slower than most has not failed");
		hears(second);
	}
	cr_assert_eq(scene.lane->traffic.hedges_won, 1);
	cr_assert_eq(scene.lane->traffic.hedges_lost, 1);
	stage_end(&scene.stage);
}

Test(health, without_budget_nothing_is_hedged)
{
	struct pair scene;
	struct peer *first;

	scene_init(&scene);
	scene.stage.any->hedge = true;
	scene.stage.any->attempt_timeout_us = 10 * STAGE_S;
	scene.stage.pool->retry.budget = 0;
	scene.stage.pool->retry.per_second = 0;
	pair_begin(&scene);
	warm_up_hedge(&scene);
	says(scene.client, GET("7"));
	first = pair_taker(&scene);
	hears_request(first);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	expect_silence(pair_other(&scene, first));
	cr_assert_gt(scene.lane->traffic.retries_over_budget, 0);
	stage_end(&scene.stage);
}

Test(health, a_connection_is_ready_once_its_first_call_is_answered_as_expected)
{
	struct pair scene;
	struct peer *peer;
	const char *call;

	scene_init(&scene);
	scene.stage.pool->probe.method = "health.check";
	scene.stage.pool->probe.expect = json_pack("{s:s}", "status", "ok");
	scene.stage.pool->probe.fall = 2;
	stage_begin_ready(&scene.stage);
	peer = stage_upstream(&scene.stage, 0);
	cr_assert_eq(peer->connection->state, CONNECTION_WARMING, "the pong alone will not do");
	call = hears(peer);
	cr_assert(call && strstr(call, "\"method\":\"health.check\""), "%s", call);
	answers(peer, peer->connection->call_id, "\"result\":{\"status\":\"ok\",\"more\":1}");
	cr_assert_eq(peer->connection->state, CONNECTION_READY);
	peer = stage_upstream(&scene.stage, 1);
	hears(peer);
	answers(peer, peer->connection->call_id, "\"result\":{\"status\":\"ill\"}");
	cr_assert_not_null(peer->connection->doom);
	json_decref(scene.stage.pool->probe.expect);
	scene.stage.pool->probe.expect = NULL;
	stage_end(&scene.stage);
}
