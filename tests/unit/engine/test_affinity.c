/* Clients that stay on one connection of their pool. */
#include <criterion/criterion.h>

#include "broker/engine/affinity.h"
#include "tests/unit/engine/pair.h"

#define ASK(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"}"
#define TELL(method)	"{\"jsonrpc\":\"2.0\",\"method\":\"" method "\"}"

static void scene_init(struct pair *scene)
{
	pair_init(scene);
	scene->stage.pool->affinity = AFFINITY_CLIENT;
}

static struct peer *seat_of(struct pair *scene, const struct peer *client)
{
	const struct seat *seat = client->session->seats;

	return seat->connection == scene->a->connection ? scene->a : scene->b;
}

static void expect_method(struct peer *upstream, const char *method)
{
	const char *text = hears(upstream);

	cr_assert_not_null(text, "%s is missing", method);
	cr_assert_not_null(strstr(text, method), "%s instead of %s", text, method);
}

Test(affinity, clients_spread_evenly_and_stay)
{
	static const enum balancer_kind kinds[] = {BALANCER_ROUND_ROBIN, BALANCER_LEAST_CONNECTIONS,
						   BALANCER_PEAK_EWMA};

	for (size_t k = 0; k < 3; k++) {
		struct pair scene;
		struct peer *clients[6];

		scene_init(&scene);
		scene.stage.pool->balancer = kinds[k];
		pair_begin(&scene);
		for (size_t i = 0; i < 6; i++) {
			clients[i] = stage_client(&scene.stage);
			says(clients[i], ASK("1", "first"));
		}
		cr_assert_eq(scene.a->connection->clients.count, 3);
		cr_assert_eq(scene.b->connection->clients.count, 3);
		cr_assert_eq(scene.lane->traffic.seats_taken, 6);
		for (size_t i = 0; i < 3; i++) {
			hears(scene.a);
			hears(scene.b);
		}
		for (size_t i = 0; i < 10; i++)
			says(clients[0], ASK("2", "next"));
		for (size_t i = 0; i < 10; i++)
			expect_method(seat_of(&scene, clients[0]), "next");
		expect_silence(pair_other(&scene, seat_of(&scene, clients[0])));
		stage_kill(clients[0]);
		cr_assert_eq(
			scene.a->connection->clients.count + scene.b->connection->clients.count, 5);
		stage_end(&scene.stage);
	}
}

Test(affinity, a_full_connection_makes_its_clients_wait_and_nobody_else)
{
	struct pair scene;
	struct peer *one, *two, *seat;

	scene_init(&scene);
	scene.stage.pool->max_in_flight = 1;
	pair_begin(&scene);
	one = stage_client(&scene.stage);
	two = stage_client(&scene.stage);
	says(one, ASK("1", "m1"));
	says(one, ASK("2", "m2"));
	says(two, ASK("1", "n1"));
	seat = seat_of(&scene, one);
	expect_method(pair_other(&scene, seat), "n1");
	expect_silence(pair_other(&scene, seat));
	answers(seat, hears_request(seat), "\"result\":1");
	expect_hears(one, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	answers(seat, hears_request(seat), "\"result\":2");
	expect_hears(one, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}");
	stage_end(&scene.stage);
}

Test(affinity, those_who_wait_for_one_connection_take_turns)
{
	static const char *const turns[] = {"a1", "b1", "a2", "b2"};
	struct pair scene;
	struct peer *one, *two;

	scene_init(&scene);
	scene.stage.pool->size = 1;
	scene.stage.pool->max_in_flight = 1;
	scene.stage.pool->endpoint_count = 1;
	stage_begin_ready(&scene.stage);
	scene.a = stage_upstream(&scene.stage, 0);
	expect_silence(scene.a);
	one = stage_client(&scene.stage);
	two = stage_client(&scene.stage);
	says(one, ASK("1", "a0"));
	says(two, ASK("1", "b0"));
	answers(scene.a, hears_request(scene.a), "\"result\":0");
	/* b0 waited without a seat and has got one by now. */
	says(one, ASK("2", "a1"));
	says(one, ASK("3", "a2"));
	says(two, ASK("2", "b1"));
	says(two, ASK("3", "b2"));
	answers(scene.a, hears_request(scene.a), "\"result\":0");
	for (size_t i = 0; i < 4; i++) {
		const char *text = hears(scene.a);

		cr_assert_not_null(text);
		cr_assert_not_null(strstr(text, turns[i]), "%s instead of %s", text, turns[i]);
		answers(scene.a, strtoull(strstr(text, "\"id\":") + 5, NULL, 10), "\"result\":0");
	}
	stage_end(&scene.stage);
}

Test(affinity, what_was_not_written_moves_in_order_notifications_too)
{
	static const char *const methods[] = {"m0", "m1", "m2", "m3", "m4", "m5"};
	struct pair scene;
	struct peer *client, *first, *second;
	char text[80];

	scene_init(&scene);
	pair_begin(&scene);
	client = stage_client(&scene.stage);
	for (size_t i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",%s\"method\":\"%s\"}",
			 i % 2 ? "" : "\"id\":7,", methods[i]);
		says(client, text);
	}
	first = seat_of(&scene, client);
	second = pair_other(&scene, first);
	stage_kill(first);
	says(client, ASK("8", "m6"));
	for (size_t i = 0; i < 6; i++)
		expect_method(second, methods[i]);
	expect_method(second, "m6");
	expect_silence(client);
	cr_assert_eq(scene.lane->traffic.seats_moved, 1);
	stage_end(&scene.stage);
}

Test(affinity, written_notifications_are_not_repeated)
{
	struct pair scene;
	struct peer *client, *first, *second;

	scene_init(&scene);
	pair_begin(&scene);
	client = stage_client(&scene.stage);
	says(client, TELL("told"));
	first = seat_of(&scene, client);
	second = pair_other(&scene, first);
	expect_method(first, "told");
	cr_assert_eq(first->connection->in_flight, 1, "until it is known to have left");
	stage_pass(&scene.stage, 10 * STAGE_MS);
	cr_assert_eq(first->connection->in_flight, 0);
	says(client, TELL("told"));
	expect_method(first, "told");
	stage_kill(first);
	expect_silence(second);
	stage_end(&scene.stage);
}

Test(affinity, notifications_of_a_client_that_left_are_still_sent)
{
	struct pair scene;
	struct peer *client, *first, *second;

	scene_init(&scene);
	pair_begin(&scene);
	client = stage_client(&scene.stage);
	says(client, TELL("t0"));
	says(client, TELL("t1"));
	first = seat_of(&scene, client);
	second = pair_other(&scene, first);
	stage_kill(client);
	cr_assert_eq(first->connection->clients.count, 0);
	stage_kill(first);
	expect_method(second, "t0");
	expect_method(second, "t1");
	stage_end(&scene.stage);
}

Test(affinity, idempotent_requests_fail_over_and_no_second_attempt_is_made)
{
	struct pair scene;
	struct peer *client, *first, *second;

	scene_init(&scene);
	scene.stage.any->idempotent = true;
	scene.stage.any->attempt_timeout_us = 50 * STAGE_MS;
	pair_begin(&scene);
	client = stage_client(&scene.stage);
	says(client, ASK("1", "get"));
	first = seat_of(&scene, client);
	second = pair_other(&scene, first);
	expect_method(first, "get");
	stage_pass(&scene.stage, 100 * STAGE_MS);
	expect_silence(second);
	expect_silence(first);
	stage_kill(first);
	answers(second, hears_request(second), "\"result\":1");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	stage_end(&scene.stage);
}

Test(affinity, a_drained_connection_keeps_its_client_until_its_requests_have_ended)
{
	struct pair scene;
	struct peer *client, *first, *second;
	uint64_t id;

	scene_init(&scene);
	pair_begin(&scene);
	client = stage_client(&scene.stage);
	says(client, ASK("1", "long"));
	first = seat_of(&scene, client);
	second = pair_other(&scene, first);
	id = hears_request(first);
	pool_connection_drain(first->connection, scene.stage.outside.now_us);
	says(client, ASK("2", "next"));
	stage_pass(&scene.stage, 500 * STAGE_MS);
	expect_silence(second);
	answers(first, id, "\"result\":1");
	expect_method(second, "next");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	cr_assert_eq(scene.lane->traffic.seats_moved, 1);
	stage_end(&scene.stage);
}

Test(affinity, a_client_waits_only_so_long_for_a_drained_connection)
{
	struct pair scene;
	struct peer *client, *first, *second;

	scene_init(&scene);
	pair_begin(&scene);
	client = stage_client(&scene.stage);
	says(client, ASK("1", "endless"));
	first = seat_of(&scene, client);
	second = pair_other(&scene, first);
	hears_request(first);
	pool_connection_drain(first->connection, scene.stage.outside.now_us);
	says(client, ASK("2", "next"));
	stage_pass(&scene.stage, 990 * STAGE_MS);
	expect_silence(second);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	expect_method(second, "next");
	stage_end(&scene.stage);
}

Test(affinity, explain_tells_what_became_of_the_seat)
{
	static const char ask[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\","
				  "\"wsbroker\":{\"explain\":true}}";
	static const char *const stories[] = {"assigned", "kept", "moved"};
	struct pair scene;
	struct peer *client;

	scene_init(&scene);
	pair_begin(&scene);
	client = stage_client(&scene.stage);
	for (size_t i = 0; i < 3; i++) {
		char member[40];
		struct peer *seat;
		const char *text;

		if (i == 2)
			stage_kill(seat_of(&scene, client));
		says(client, ask);
		seat = seat_of(&scene, client);
		answers(seat, hears_request(seat), "\"result\":1");
		snprintf(member, sizeof(member), "\"affinity\":\"%s\"", stories[i]);
		text = hears(client);
		cr_assert_not_null(text);
		cr_assert_not_null(strstr(text, member), "%s", text);
	}
	stage_end(&scene.stage);
}

Test(affinity, a_post_leaves_its_seat_with_its_answer)
{
	struct pair scene;
	struct peer *post, *seat;

	scene_init(&scene);
	pair_begin(&scene);
	post = stage_post(&scene.stage, "[" ASK("1", "a") "," ASK("2", "b") "," TELL("c") "]");
	seat = seat_of(&scene, post);
	answers(seat, hears_request(seat), "\"result\":1");
	answers(seat, hears_request(seat), "\"result\":2");
	cr_assert_eq(post->status, 200);
	cr_assert_eq(seat->connection->clients.count, 0);
	expect_method(seat, "\"c\"");
	stage_end(&scene.stage);
}
