/* Subscriptions that are lost, moved, refused and spread over connections. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/engine/apply.h"
#include "tests/unit/engine/subscribers.h"

Test(restore, a_lost_one_is_restored_elsewhere)
{
	struct scene scene;
	struct peer *first, *second;
	char id[ID_MAX], late[ID_MAX];

	begin_with(&scene, 2);
	first = subscribed(&scene, "heads", "0x1", id);
	second = rest(&scene, first);
	stage_kill(first);
	/* In the dark one may still join. */
	says(scene.other, SUBSCRIBE("9", "heads"));
	hears_id(scene.other, "9", late);
	stage_pass(&scene.stage, 40 * STAGE_MS);
	accepts(second, "0x77");
	expect_hears(scene.client, gap_text(id, "upstream_lost", "40", "possible"));
	expect_hears(scene.other, gap_text(late, "upstream_lost", "40", "possible"));
	says(second, event_text("0x77", 2));
	expect_hears(scene.client, event_text(id, 2));
	expect_hears(scene.other, event_text(late, 2));
	cr_assert_eq(scene.stage.outside.engine->lanes[0]->traffic.gaps[GAP_UPSTREAM_LOST], 1);
	end(&scene);
}

Test(restore, with_everything_down_it_waits_and_comes_back)
{
	struct scene scene;
	char id[ID_MAX];

	begin_with(&scene, 1);
	subscribed(&scene, "heads", "0x1", id);
	stage_kill(scene.a);
	stage_pass(&scene.stage, 2 * STAGE_S);
	expect_silence(scene.client);
	stage_open_dials(&scene.stage);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	scene.a = stage_upstream(&scene.stage, 0);
	accepts(scene.a, "0x1");
	cr_assert(strstr(hears(scene.client), "\"gap\":\"possible\""));
	says(scene.a, event_text("0x1", 3));
	expect_hears(scene.client, event_text(id, 3));
	end(&scene);
}

Test(restore, what_cannot_be_restored_is_given_up)
{
	struct scene scene;
	const char *heard;
	char id[ID_MAX];

	scene_init(&scene, 1);
	scene.route->subscribe.restore_us = 3 * STAGE_S;
	begin(&scene);
	subscribed(&scene, "heads", "0x1", id);
	stage_kill(scene.a);
	stage_pass(&scene.stage, 2990 * STAGE_MS);
	expect_silence(scene.client);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	heard = hears(scene.client);
	cr_assert_not_null(heard);
	cr_assert(strstr(heard, "\"reason\":\"unavailable\"") && strstr(heard, "\"ended\":true") &&
			  strstr(heard, id),
		  "%s", heard);
	cr_assert_eq(publish_of(&scene)->subscriptions.members, 0);
	end(&scene);
}

Test(restore, refusals_of_a_lost_one_are_tried_again_with_patience)
{
	struct scene scene;
	char id[ID_MAX];
	int asked = 0;

	begin_with(&scene, 2);
	says(scene.client, SUBSCRIBE("1", "heads"));
	scene.a = taker(&scene);
	scene.b = stage_upstream(&scene.stage, stage_upstream(&scene.stage, 0) == scene.a);
	accepts(scene.a, "0x1");
	hears_id(scene.client, "1", id);
	stage_kill(scene.a);
	for (int i = 0; i < 500; i++) {
		const char *heard;

		stage_pass(&scene.stage, 10 * STAGE_MS);
		heard = hears(scene.b);
		if (!heard || !strstr(heard, "subscribe"))
			continue;
		asked++;
		answers(scene.b, strtoull(strstr(heard, "\"id\":") + 5, NULL, 10),
			"\"error\":{\"code\":1,\"message\":\"later\"}");
	}
	cr_assert(asked > 3 && asked < 40, "%d", asked);
	expect_silence(scene.client);
	end(&scene);
}

Test(restore, equal_ids_of_two_upstreams_are_two)
{
	struct scene scene;
	struct peer *first, *second;
	char heads[ID_MAX], logs[ID_MAX];

	begin_with(&scene, 2);
	first = subscribed(&scene, "heads", "0x1", heads);
	second = rest(&scene, first);
	says(scene.client, SUBSCRIBE("2", "logs"));
	/* The quieter connection gets the second. */
	accepts(second, "0x1");
	hears_id(scene.client, "2", logs);
	says(first, event_text("0x1", 1));
	expect_hears(scene.client, event_text(heads, 1));
	says(second, event_text("0x1", 2));
	expect_hears(scene.client, event_text(logs, 2));
	end(&scene);
}

Test(restore, an_ask_that_dies_with_its_connection_is_made_again)
{
	struct scene scene;
	struct peer *first;
	char id[ID_MAX];

	begin_with(&scene, 2);
	says(scene.client, SUBSCRIBE("1", "heads"));
	first = taker(&scene);
	hears_request(first);
	stage_kill(first);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	accepts(rest(&scene, first), "0x1");
	hears_id(scene.client, "1", id);
	/* It had never lived, so nothing was missed. */
	expect_silence(scene.client);
	end(&scene);
}

Test(restore, caps_are_learnt_from_refusals)
{
	struct scene scene;
	struct peer *first, *second;
	char id[ID_MAX];

	begin_with(&scene, 2);
	says(scene.client, SUBSCRIBE("1", "one"));
	first = taker(&scene);
	second = rest(&scene, first);
	accepts(first, "0x1");
	says(scene.client, SUBSCRIBE("2", "two"));
	accepts(second, "0x2");
	hears_id(scene.client, "1", id);
	hears_id(scene.client, "2", id);
	says(scene.client, SUBSCRIBE("3", "three"));
	if (taker(&scene) != first) {
		struct peer *swapped = first;

		first = second;
		second = swapped;
	}
	answers(first, hears_request(first),
		"\"error\":{\"code\":-32000,\"message\":\"too many\"}");
	expect_silence(scene.client);
	accepts(second, "0x3");
	hears_id(scene.client, "3", id);
	cr_assert_eq(first->connection->feeds_max, 1);
	/* From now on it is not even asked. */
	says(scene.client, SUBSCRIBE("4", "four"));
	expect_silence(first);
	accepts(second, "0x4");
	hears_id(scene.client, "4", id);
	end(&scene);
}

Test(restore, a_refusal_by_all_is_passed_on)
{
	struct scene scene;
	struct peer *first;
	char id[ID_MAX];

	begin_with(&scene, 2);
	subscribed(&scene, "one", "0x1", id);
	subscribed(&scene, "two", "0x2", id);
	says(scene.client, SUBSCRIBE("3", "bad"));
	first = taker(&scene);
	answers(first, hears_request(first), "\"error\":{\"code\":-5,\"message\":\"bad\"}");
	first = rest(&scene, first);
	answers(first, hears_request(first), "\"error\":{\"code\":-6,\"message\":\"bad\"}");
	expect_hears(scene.client,
		     "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-6,\"message\":\"bad\"}}");
	cr_assert_eq(scene.a->connection->feeds_max + scene.b->connection->feeds_max, 0);
	end(&scene);
}

Test(restore, max_per_connection_holds)
{
	struct scene scene;
	char id[ID_MAX];

	scene_init(&scene, 1);
	scene.route->subscribe.max_per_connection = 1;
	scene.stage.pool->queue.age_us = 100 * STAGE_MS;
	begin(&scene);
	subscribed(&scene, "one", "0x1", id);
	says(scene.client, SUBSCRIBE("2", "two"));
	stage_pass(&scene.stage, 120 * STAGE_MS);
	expect_silence(scene.a);
	expect_error(scene.client, .id = "2", .code = -32003, .reason = "overloaded",
		     .retryable = true, .pool = "main", .limit = "pools.queue.age");
	end(&scene);
}

/* A subscription has begun to move away from the connection that is returned; the client knows it
 * by this id, which is 0x1 on that connection. */
static struct peer *begin_moving(struct scene *scene, char id[ID_MAX])
{
	struct peer *old;

	begin_with(scene, 2);
	old = subscribed(scene, "heads", "0x1", id);
	moves_away(scene, old);
	return old;
}

/* The same events on both ways, one ahead of the other, and nobody hears one twice. */
Test(restore, moves_before_its_connection_goes)
{
	struct scene scene;
	struct peer *old, *new;
	char id[ID_MAX];

	old = begin_moving(&scene, id);
	new = rest(&scene, old);
	says(old, event_text("0x1", 1));
	expect_hears(scene.client, event_text(id, 1));
	accepts(new, "0x9");
	says(old, event_text("0x1", 2));
	says(old, event_text("0x1", 3));
	expect_hears(scene.client, event_text(id, 2));
	expect_hears(scene.client, event_text(id, 3));
	expect_silence(old);
	says(new, event_text("0x9", 2));
	expect_hears(scene.client, gap_text(id, "moved", "0", "none"));
	expect_silence(scene.client);
	says(old, event_text("0x1", 4));
	stage_pass(&scene.stage, 20 * STAGE_MS);
	is_left(old, "0x1");
	cr_assert(publish_is_clear(old->connection));
	says(new, event_text("0x9", 3));
	expect_silence(scene.client);
	says(new, event_text("0x9", 4));
	expect_hears(scene.client, event_text(id, 4));
	end(&scene);
}

/* The new way begins with what came before the move: nobody hears that again. */
Test(restore, moves_to_a_way_that_was_behind_before)
{
	struct scene scene;
	struct peer *old, *new;
	char id[ID_MAX];

	begin_with(&scene, 2);
	old = subscribed(&scene, "heads", "0x1", id);
	new = rest(&scene, old);
	for (int i = 1; i <= 3; i++) {
		says(old, event_text("0x1", i));
		expect_hears(scene.client, event_text(id, i));
	}
	moves_away(&scene, old);
	accepts(new, "0x9");
	says(new, event_text("0x9", 2));
	says(new, event_text("0x9", 3));
	says(new, event_text("0x9", 4));
	expect_silence(scene.client);
	says(old, event_text("0x1", 4));
	expect_hears(scene.client, gap_text(id, "moved", "0", "none"));
	expect_hears(scene.client, event_text(id, 4));
	expect_silence(scene.client);
	says(new, event_text("0x9", 5));
	expect_hears(scene.client, event_text(id, 5));
	end(&scene);
}

/* It moves on while the new way is still behind: nobody hears twice what the first one brought. */
Test(restore, moves_on_from_a_way_that_is_behind)
{
	struct scene scene;
	struct peer *first, *second;
	char id[ID_MAX];

	begin_with(&scene, 2);
	first = subscribed(&scene, "heads", "0x1", id);
	second = rest(&scene, first);
	moves_away(&scene, first);
	accepts(second, "0x9");
	for (int i = 1; i <= 3; i++) {
		says(first, event_text("0x1", i));
		expect_hears(scene.client, event_text(id, i));
	}
	says(second, event_text("0x9", 1));
	expect_hears(scene.client, gap_text(id, "moved", "0", "none"));
	moves_away(&scene, second);
	says(second, event_text("0x9", 2));
	says(second, event_text("0x9", 3));
	expect_silence(scene.client);
	says(second, event_text("0x9", 4));
	expect_hears(scene.client, event_text(id, 4));
	end(&scene);
}

/* The new way is ahead: what it brings waits until the old one comes to the same place. */
Test(restore, what_comes_the_new_way_waits_for_the_old)
{
	struct scene scene;
	struct peer *old, *new;
	char id[ID_MAX];

	old = begin_moving(&scene, id);
	new = rest(&scene, old);
	accepts(new, "0x9");
	says(new, event_text("0x9", 2));
	says(new, event_text("0x9", 3));
	expect_silence(scene.client);
	says(old, event_text("0x1", 1));
	expect_hears(scene.client, event_text(id, 1));
	says(old, event_text("0x1", 2));
	expect_hears(scene.client, gap_text(id, "moved", "0", "none"));
	expect_hears(scene.client, event_text(id, 2));
	expect_hears(scene.client, event_text(id, 3));
	says(old, event_text("0x1", 3));
	expect_silence(scene.client);
	says(new, event_text("0x9", 4));
	expect_hears(scene.client, event_text(id, 4));
	end(&scene);
}

/* Two servers that tell different stories: the one to its end, then the other from where it was
 * heard first. */
Test(restore, streams_that_never_meet_are_not_mixed)
{
	struct scene scene;
	struct peer *old, *new;
	char id[ID_MAX];

	old = begin_moving(&scene, id);
	new = rest(&scene, old);
	accepts(new, "0x9");
	for (int i = 0; i < 3; i++) {
		says(new, event_text("0x9", 100 + i));
		says(old, event_text("0x1", i));
		expect_hears(scene.client, event_text(id, i));
	}
	stage_pass(&scene.stage, 3100 * STAGE_MS);
	expect_hears(scene.client, gap_text(id, "moved", "0", "possible"));
	for (int i = 0; i < 3; i++)
		expect_hears(scene.client, event_text(id, 100 + i));
	says(new, event_text("0x9", 103));
	expect_hears(scene.client, event_text(id, 103));
	end(&scene);
}

Test(restore, a_move_without_events_proves_nothing)
{
	struct scene scene;
	struct peer *old;
	char id[ID_MAX];

	old = begin_moving(&scene, id);
	accepts(rest(&scene, old), "0x9");
	stage_pass(&scene.stage, 2900 * STAGE_MS);
	expect_silence(scene.client);
	stage_pass(&scene.stage, 200 * STAGE_MS);
	expect_hears(scene.client, gap_text(id, "moved", "0", "possible"));
	end(&scene);
}

Test(restore, a_connection_that_dies_while_it_is_left_costs_no_dark)
{
	struct scene scene;
	struct peer *old, *new;
	char id[ID_MAX];

	old = begin_moving(&scene, id);
	new = rest(&scene, old);
	accepts(new, "0x9");
	stage_kill(old);
	expect_hears(scene.client, gap_text(id, "upstream_lost", "0", "possible"));
	says(new, event_text("0x9", 4));
	expect_hears(scene.client, event_text(id, 4));
	end(&scene);
}

Test(restore, surplus_connections_go_when_their_subscriptions_have_moved)
{
	struct scene scene;
	struct peer *old, *first;
	struct pool *pool;
	char id[ID_MAX];

	begin_with(&scene, 2);
	first = subscribed(&scene, "heads", "0x1", id);
	subscribed(&scene, "logs", "0x2", id);
	pool = scene.stage.outside.engine->lanes[0]->pool;
	pool_resize(pool, 1, "asked", "", scene.stage.outside.now_us);
	stage_pass(&scene.stage, 30 * STAGE_MS);
	old = scene.a->connection->state == CONNECTION_DRAINING ? scene.a : scene.b;
	cr_assert_eq(old->connection->state, CONNECTION_DRAINING);
	cr_assert_eq(old->state, PEER_OPEN, "it must not be closed yet");
	accepts(rest(&scene, old), "0x3");
	stage_pass(&scene.stage, 3100 * STAGE_MS);
	is_left(old, old == first ? "0x1" : "0x2");
	stage_pass(&scene.stage, 20 * STAGE_MS);
	cr_assert_eq(old->state, PEER_CLOSING);
	end(&scene);
}

Test(restore, a_drained_endpoint_keeps_its_connections_and_loses_its_subscriptions)
{
	struct scene scene;
	struct peer *old;
	struct endpoint *endpoint;
	char id[ID_MAX];

	begin_with(&scene, 2);
	old = subscribed(&scene, "heads", "0x1", id);
	endpoint = old->connection->endpoint;
	pool_set_wish(endpoint, WISH_DRAIN, NULL, scene.stage.outside.now_us);
	stage_pass(&scene.stage, 30 * STAGE_MS);
	cr_assert_eq(endpoint->state, ENDPOINT_DRAINING);
	accepts(rest(&scene, old), "0x3");
	says(old, event_text("0x1", 1));
	says(rest(&scene, old), event_text("0x3", 1));
	expect_hears(scene.client, event_text(id, 1));
	expect_hears(scene.client, gap_text(id, "moved", "0", "none"));
	stage_pass(&scene.stage, 30 * STAGE_MS);
	is_left(old, "0x1");
	stage_pass(&scene.stage, 30 * STAGE_MS);
	cr_assert_eq(endpoint->state, ENDPOINT_DRAINED);
	cr_assert_eq(old->connection->state, CONNECTION_READY);
	expect_silence(scene.client);
	end(&scene);
}

/* Nobody is cut off for it, and whoever waits for it hears how it stands. */
Test(restore, a_drain_without_another_place_fails_and_harms_nobody)
{
	const struct command command = {
		.kind = COMMAND_ENDPOINT_DRAIN, .pool = "main", .endpoint = "a", .force = true};
	struct outcome outcome;
	const struct operation *drain;
	struct scene scene;
	char id[ID_MAX];

	begin_with(&scene, 1);
	subscribed(&scene, "heads", "0x1", id);
	engine_apply(scene.stage.outside.engine, &command, &outcome, scene.stage.outside.now_us);
	cr_assert_eq(outcome.kind, OUTCOME_ACCEPTED, "%s", outcome.detail);
	drain = operation_find(&scene.stage.outside.engine->operations, outcome.operation);
	stage_pass(&scene.stage, 9 * STAGE_S);
	cr_expect_eq(drain->state, OPERATION_RUNNING);
	stage_pass(&scene.stage, 2 * STAGE_S);
	cr_expect_eq(drain->state, OPERATION_FAILED);
	cr_expect(strstr(drain->text, "1 subscriptions have nowhere to go"), "%s", drain->text);
	says(scene.a, event_text("0x1", 1));
	expect_hears(scene.client, event_text(id, 1));
	end(&scene);
}

/* Its answer, and then the truth. */
Test(restore, a_batch_tells_of_a_subscription_that_ended_while_it_waited)
{
	struct scene scene;
	struct peer *mine, *his;
	uint64_t echo;
	const char *heard;
	char id[ID_MAX];

	scene_init(&scene, 2);
	scene.route->subscribe.restore_us = STAGE_S;
	begin(&scene);
	says(scene.client, "[" SUBSCRIBE("1", "heads") ",{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":"
						       "\"echo\"}]");
	mine = taker(&scene);
	his = rest(&scene, mine);
	accepts(mine, "0x1");
	echo = hears_request(his);
	says(mine, event_text("0x1", 1));
	stage_kill(mine);
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	expect_silence(scene.client);
	answers(his, echo, "\"result\":7");
	heard = hears(scene.client);
	cr_assert(heard && heard[0] == '[', "%s", heard);
	snprintf(id, sizeof(id), "%.18s", strstr(heard, "\"result\":\"") + 10);
	expect_hears(scene.client, event_text(id, 1));
	heard = hears(scene.client);
	cr_assert(heard && strstr(heard, id) && strstr(heard, "\"ended\":true"), "%s", heard);
	end(&scene);
}
