/* What becomes of requests whose connection dies, or whose answer takes long. */
#include <criterion/criterion.h>

#include "tests/unit/engine/pair.h"

/* What is asked may be repeated; after attempt_timeout_us (0: never) it is, elsewhere. */
static void begin_idempotent(struct pair *scene, uint64_t attempt_timeout_us)
{
	pair_init(scene);
	scene->stage.any->idempotent = true;
	scene->stage.any->attempt_timeout_us = attempt_timeout_us;
	pair_begin(scene);
}

static void allow_no_retry(struct pair *scene)
{
	scene->stage.pool->retry.budget = 0;
	scene->stage.pool->retry.per_second = 0;
}

/* The client asks, and the first has read it. Returns its id there. */
static uint64_t is_asked(struct pair *scene)
{
	pair_ask(scene, GET("1"));
	return hears_request(scene->first);
}

/* The first takes longer than 100 ms, so that the second has read it too. */
static uint64_t is_asked_twice(struct pair *scene)
{
	uint64_t id = is_asked(scene);

	stage_pass(&scene->stage, 110 * STAGE_MS);
	cr_assert_eq(hears_request(scene->second), id);
	return id;
}

/* The one that is asked brings this result, and the client gets it. */
static void brings(struct pair *scene, struct peer *upstream, uint64_t id, const char *result)
{
	char text[64];

	snprintf(text, sizeof(text), "\"result\":%s", result);
	answers(upstream, id, text);
	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", result);
	expect_hears(scene->client, text);
}

#define NUMBERED(id)	 "{\"jsonrpc\":\"2.0\"," id "\"method\":\"m%d\"}"
#define NUMBERED_REQUEST NUMBERED("\"id\":1,")
#define NUMBERED_NOTICE	 NUMBERED("")

static void says_numbered(struct pair *scene, const char *form, int count)
{
	char text[64];

	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), form, i);
		says(scene->client, text);
	}
}

/* Five of this form are moved off a connection that had read none, to the one that follows it. */
static void begin_with_five_moved(struct pair *scene, const char *form)
{
	pair_init(scene);
	pair_begin(scene);
	stage_kill(scene->b);
	says_numbered(scene, form, 5);
	stage_kill(scene->a);
	stage_pass(&scene->stage, STAGE_S);
	stage_open_dials(&scene->stage);
	scene->a = stage_upstream(&scene->stage, 0);
}

Test(failover, unsent_requests_are_moved_whatever_their_route)
{
	struct pair scene;

	pair_init(&scene);
	allow_no_retry(&scene);
	pair_begin(&scene);
	pair_ask(&scene, GET("\"x\""));
	stage_kill(scene.first);
	expect_silence(scene.client);
	answers(scene.second, hears_request(scene.second), "\"result\":1");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":1}");
	cr_assert_eq(scene.lane->traffic.retries_unsent, 1);
	stage_end(&scene.stage);
}

Test(failover, moved_requests_keep_their_order)
{
	struct pair scene;
	char text[64];

	begin_with_five_moved(&scene, NUMBERED_REQUEST);
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "\"m%d\"", i);
		cr_assert_not_null(hears(scene.a), "m%d is missing", i);
		cr_assert(strstr(scene.a->body.text, text), "%s instead of %s", scene.a->body.text,
			  text);
	}
	stage_end(&scene.stage);
}

/* The other connection has room for all of them at once. */
Test(failover, moved_requests_keep_their_order_where_there_is_room)
{
	struct pair scene;
	int heard = 0;
	int last = -1;

	pair_init(&scene);
	pair_begin(&scene);
	says_numbered(&scene, NUMBERED_REQUEST, 8);
	while (hears(scene.b))
		heard++;
	cr_assert_eq(heard, 4);
	stage_kill(scene.a);
	for (heard = 0; hears(scene.b); heard++) {
		int number = strstr(scene.b->body.text, ":\"m")[3] - '0';

		cr_assert_gt(number, last);
		last = number;
	}
	cr_assert_eq(heard, 4);
	stage_end(&scene.stage);
}

Test(failover, unsent_notifications_are_moved_in_their_order)
{
	struct pair scene;
	char text[64];

	begin_with_five_moved(&scene, NUMBERED_NOTICE);
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), NUMBERED_NOTICE, i);
		expect_hears(scene.a, text);
	}
	stage_end(&scene.stage);
}

Test(failover, a_request_that_began_to_leave_is_written)
{
	struct pair scene;

	pair_init(&scene);
	pair_begin(&scene);
	pair_ask(&scene, GET("1"));
	peer_take(scene.first, 1);
	stage_kill(scene.first);
	expect_error(scene.client, .id = "1", .code = -32001, .reason = "upstream_lost",
		     .pool = "main", .endpoint = scene.first == scene.a ? "a" : "b");
	stage_end(&scene.stage);
}

Test(failover, written_requests_are_sent_again_when_idempotent)
{
	struct pair scene;

	begin_idempotent(&scene, 0);
	is_asked(&scene);
	stage_kill(scene.first);
	brings(&scene, scene.second, hears_request(scene.second), "2");
	cr_assert_eq(scene.lane->traffic.retries_written, 1);
	stage_end(&scene.stage);
}

Test(failover, written_requests_fail_when_the_budget_is_used_up)
{
	struct pair scene;

	pair_init(&scene);
	scene.stage.any->idempotent = true;
	allow_no_retry(&scene);
	pair_begin(&scene);
	is_asked(&scene);
	stage_kill(scene.first);
	expect_error(scene.client, .id = "1", .code = -32001, .reason = "upstream_lost",
		     .retryable = true, .pool = "main",
		     .endpoint = scene.first == scene.a ? "a" : "b");
	cr_assert_eq(scene.lane->traffic.retries_over_budget, 1);
	stage_end(&scene.stage);
}

/* Two connections to the one endpoint: the server is being killed, and its sockets end one by one.
 * The request waits for a server that is up rather than for the next of them to end. */
Test(failover, a_written_request_is_not_staked_on_a_server_that_loses_connections)
{
	struct pair scene;

	stage_init(&scene.stage);
	scene.stage.pool->size = 2;
	scene.stage.any->idempotent = true;
	pair_begin(&scene);
	for (int i = 0; i < 4; i++)
		says(scene.client, GET("1"));
	while (hears(scene.a) || hears(scene.b))
		;
	stage_kill(scene.a);
	/* Who comes now may find it alive. */
	says(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"get\"}");
	hears_request(scene.b);
	expect_silence(scene.b);
	stage_pass(&scene.stage, 30 * STAGE_MS);
	expect_silence(scene.b);
	cr_assert_eq(scene.lane->queue.count, 2);
	stage_kill(scene.b);
	expect_silence(scene.client);
	stage_pass(&scene.stage, STAGE_S);
	stage_open_dials(&scene.stage);
	scene.a = stage_upstream(&scene.stage, 0);
	for (int i = 0; i < 5; i++)
		answers(scene.a, hears_request(scene.a), "\"result\":1");
	for (int i = 0; i < 5; i++)
		cr_assert_not_null(strstr(hears(scene.client), "\"result\":1"));
	stage_end(&scene.stage);
}

/* The connection next to it lives: the server is well, only that connection ended. */
Test(failover, a_written_request_goes_to_the_same_server_when_that_goes_on)
{
	struct pair scene;

	stage_init(&scene.stage);
	scene.stage.pool->size = 2;
	scene.stage.any->idempotent = true;
	pair_begin(&scene);
	is_asked(&scene);
	stage_kill(scene.first);
	stage_pass(&scene.stage, 90 * STAGE_MS);
	expect_silence(scene.second);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	brings(&scene, scene.second, hears_request(scene.second), "2");
	stage_end(&scene.stage);
}

/* Lost twice, one more loss is the end of it: it waits until who dies now is dead. */
Test(failover, the_last_attempt_is_not_made_at_once)
{
	struct pair scene;
	struct peer *third;

	pair_init(&scene);
	scene.stage.any->idempotent = true;
	setup_endpoint(scene.stage.pool, "c");
	scene.stage.pool->size = 3;
	pair_begin(&scene);
	third = stage_upstream(&scene.stage, 2);
	expect_silence(third);
	pair_ask(&scene, GET("1"));
	hears_request(scene.a);
	stage_kill(scene.a);
	hears_request(scene.b);
	stage_kill(scene.b);
	expect_silence(third);
	stage_pass(&scene.stage, 90 * STAGE_MS);
	expect_silence(third);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	brings(&scene, third, hears_request(third), "3");
	stage_end(&scene.stage);
}

Test(failover, a_request_does_not_kill_every_server)
{
	struct pair scene;
	int killed = 0;

	pair_init(&scene);
	scene.stage.any->idempotent = true;
	scene.stage.pool->retry.per_second = 100;
	pair_begin(&scene);
	says(scene.client, GET("1"));
	for (int i = 0; i < 200 && peer_has_got_all(scene.client); i++) {
		stage_pass(&scene.stage, 10 * STAGE_MS);
		stage_open_dials(&scene.stage);
		for (size_t k = 0; stage_upstream(&scene.stage, k); k++) {
			if (hears(stage_upstream(&scene.stage, k))) {
				stage_kill(stage_upstream(&scene.stage, k));
				killed++;
				break;
			}
		}
	}
	cr_assert_eq(killed, EXCHANGE_LOSSES_MAX);
	cr_assert_not_null(strstr(hears(scene.client), "upstream_lost"));
	stage_end(&scene.stage);
}

Test(failover, a_slow_attempt_gets_a_second_one_elsewhere)
{
	struct pair scene;
	uint64_t id;

	begin_idempotent(&scene, 100 * STAGE_MS);
	id = is_asked(&scene);
	stage_pass(&scene.stage, 90 * STAGE_MS);
	expect_silence(scene.second);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	cr_assert_eq(hears_request(scene.second), id);
	brings(&scene, scene.second, id, "\"second\"");
	answers(scene.first, id, "\"result\":\"first\"");
	expect_silence(scene.client);
	cr_assert_eq(scene.stage.outside.engine->stats.oddities[ODD_LATE], 1);
	cr_assert_eq(scene.lane->traffic.second_attempts, 1);
	stage_end(&scene.stage);
}

Test(failover, the_first_answer_wins_also_when_it_is_the_first_attempts)
{
	struct pair scene;
	uint64_t id;

	begin_idempotent(&scene, 100 * STAGE_MS);
	id = is_asked_twice(&scene);
	brings(&scene, scene.first, id, "\"first\"");
	answers(scene.second, id, "\"result\":\"second\"");
	expect_silence(scene.client);
	stage_end(&scene.stage);
}

Test(failover, there_is_no_second_attempt_on_other_routes)
{
	struct pair scene;

	pair_init(&scene);
	scene.stage.any->attempt_timeout_us = 100 * STAGE_MS;
	pair_begin(&scene);
	says(scene.client, GET("1"));
	hears_request(pair_taker(&scene));
	stage_pass(&scene.stage, STAGE_S);
	expect_silence(scene.a);
	expect_silence(scene.b);
	stage_end(&scene.stage);
}

Test(failover, the_second_attempt_stands_in_when_the_first_dies)
{
	struct pair scene;
	uint64_t id;

	begin_idempotent(&scene, 100 * STAGE_MS);
	id = is_asked_twice(&scene);
	stage_kill(scene.first);
	expect_silence(scene.client);
	expect_silence(scene.second);
	brings(&scene, scene.second, id, "2");
	stage_end(&scene.stage);
}

/* The first hangs and the second dies: the one that is left must not be the last. */
Test(failover, a_third_attempt_follows_when_the_second_dies)
{
	struct pair scene;
	const struct exchange *exchange;

	begin_idempotent(&scene, 100 * STAGE_MS);
	is_asked(&scene);
	exchange = list_entry(scene.first->connection->attempts.head.next, struct attempt, link)
			   ->exchange;
	stage_pass(&scene.stage, 110 * STAGE_MS);
	hears_request(scene.second);
	cr_assert(exchange->second_made);
	stage_kill(scene.second);
	cr_assert_not(exchange->second_made);
	cr_assert_leq(exchange->timer.deadline_us, exchange->latest_us + 100 * STAGE_MS);
	stage_end(&scene.stage);
}

Test(failover, answers_come_only_from_where_the_request_went)
{
	struct pair scene;
	uint64_t id;

	pair_init(&scene);
	pair_begin(&scene);
	id = is_asked(&scene);
	answers(scene.second, id, "\"result\":\"not mine\"");
	expect_silence(scene.client);
	brings(&scene, scene.first, id, "\"mine\"");
	stage_end(&scene.stage);
}

Test(failover, a_late_answer_reaches_nobody)
{
	struct pair scene;
	uint64_t id;

	pair_init(&scene);
	scene.stage.any->timeout_us = 50 * STAGE_MS;
	pair_begin(&scene);
	id = is_asked(&scene);
	stage_pass(&scene.stage, 60 * STAGE_MS);
	cr_assert_not_null(strstr(hears(scene.client), "timeout"));
	says(scene.client, GET("1"));
	answers(scene.first, id, "\"result\":\"late\"");
	expect_silence(scene.client);
	cr_assert_eq(scene.stage.outside.engine->stats.oddities[ODD_LATE], 1);
	stage_end(&scene.stage);
}

Test(failover, the_answer_to_a_vanished_client_reaches_nobody)
{
	struct pair scene;
	struct peer *client;
	uint64_t id;

	pair_init(&scene);
	pair_begin(&scene);
	id = is_asked(&scene);
	client = stage_client(&scene.stage);
	says(client, GET("1"));
	stage_kill(scene.client);
	cr_assert_eq(scene.first->connection->in_flight + scene.second->connection->in_flight, 2);
	answers(scene.first, id, "\"result\":\"late\"");
	expect_silence(client);
	cr_assert_eq(scene.stage.outside.engine->exchanges.used, 1);
	stage_end(&scene.stage);
}

Test(failover, waiting_requests_of_a_vanished_client_are_called_off)
{
	struct stage stage;
	struct peer *leaving, *staying;

	stage_init(&stage);
	stage_begin(&stage);
	leaving = stage_client(&stage);
	staying = stage_client(&stage);
	says(leaving, GET("1"));
	says(staying, GET("2"));
	says(leaving, GET("3"));
	stage_kill(leaving);
	cr_assert_eq(stage.outside.engine->lanes[0]->queue.count, 1);
	stage_pass(&stage, 10 * STAGE_MS);
	stage_open_dials(&stage);
	answers(stage_upstream(&stage, 0), hears_request(stage_upstream(&stage, 0)),
		"\"result\":1");
	expect_silence(stage_upstream(&stage, 0));
	expect_hears(staying, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}");
	stage_end(&stage);
}
