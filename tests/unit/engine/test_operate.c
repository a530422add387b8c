/* Commands that take their time: how far they are, how they end, and what they do to requests. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "broker/engine/apply.h"
#include "tests/unit/engine/stage.h"

static struct stage stage;

static struct outcome apply(struct command command)
{
	struct outcome outcome;

	command.pool = "main";
	engine_apply(stage.outside.engine, &command, &outcome, stage.outside.now_us);
	return outcome;
}

#define APPLY(...) apply((struct command){__VA_ARGS__})

static const struct operation *operation(uint64_t id)
{
	const struct operation *found = operation_find(&stage.outside.engine->operations, id);

	cr_assert_not_null(found);
	return found;
}

/* What the command begins. */
static const struct operation *begun(struct outcome outcome)
{
	cr_assert_eq(outcome.kind, OUTCOME_ACCEPTED, "%s", outcome.detail);
	return operation(outcome.operation);
}

#define BEGIN(...) begun(APPLY(__VA_ARGS__))

static struct lane *lane(void)
{
	return stage.outside.engine->lanes[0];
}

static struct history_event latest(const char *type)
{
	struct history_walk walk;
	struct history_event event = {0};

	history_begin(&walk, stage.outside.engine->history,
		      &(struct history_query){.type = type, .last = 1});
	cr_assert(history_next(&walk, &event), "no event %s", type);
	return event;
}

/* Ticks, opens what is dialled and ends what the engine closes, as often as that. */
static void settle(int times)
{
	while (times-- > 0) {
		stage_pass(&stage, 10 * STAGE_MS);
		stage_open_dials(&stage);
		list_each(&stage.outside.peers, node) {
			struct peer *peer = list_entry(node, struct peer, link);

			if (peer->state == PEER_CLOSING || peer->state == PEER_ABORTED)
				peer_end(peer, "asked", 0, span_of("", 0));
		}
	}
}

/* Endpoints a and b with two connections each, all ready. */
static void begin(void)
{
	stage_init(&stage);
	setup_endpoint(stage.pool, "b");
	stage.pool->size = 4;
	stage.pool->connect_rate = 0;
	stage.pool->balancer = BALANCER_ROUND_ROBIN;
	stage_begin(&stage);
	settle(3);
	cr_assert_eq(lane()->pool->ready_count, 4);
}

static void end(void)
{
	stage_end(&stage);
}

TestSuite(operate, .init = begin, .fini = end);

static size_t upstreams(void)
{
	size_t count = 0;

	while (stage_upstream(&stage, count))
		count++;
	return count;
}

static struct peer *upstream_of(const struct connection *connection)
{
	struct peer *peer;

	for (size_t i = 0; (peer = stage_upstream(&stage, i)); i++)
		if (peer->connection == connection)
			return peer;
	return NULL;
}

/* The upstream that has heard a request which it has not answered. */
static struct peer *busy_upstream(const char *endpoint)
{
	list_each(&lane()->pool->states[CONNECTION_READY], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->in_flight > 0 &&
		    strcmp(connection->endpoint->settings->name, endpoint) == 0)
			return upstream_of(connection);
	}
	return NULL;
}

static void asks(struct peer *client, int id)
{
	char text[96];

	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"m\"}", id);
	says(client, text);
}

Test(operate, a_resize_is_done_when_the_size_is_exact)
{
	const struct operation *resize = BEGIN(.kind = COMMAND_POOL_RESIZE, .number = 9,
					       .actor = "alice", .reason = "the sale begins");

	cr_assert_eq(resize->state, OPERATION_RUNNING);
	cr_assert_eq(resize->total, 5);
	cr_assert_eq(resize->done, 0);
	cr_assert_str_eq(resize->text, "4 of 9 are ready, 0 leave");
	cr_assert_str_eq(latest("pool.resized").reason, "the sale begins");
	cr_assert_str_eq(latest("pool.resized").actor, "alice");
	settle(3);
	cr_assert_eq(resize->state, OPERATION_DONE, "%s", resize->text);
	cr_assert_eq(resize->done, 5);
	cr_assert_eq(upstreams(), 9);
	cr_assert_str_eq(latest("operation.done").object, "main");
	cr_assert_str_eq(latest("operation.done").before, "running");
	cr_assert_str_eq(latest("operation.done").after, "done");
	cr_assert(strncmp(latest("operation.done").detail, "pool resize: ", 13) == 0);
	cr_assert_str_eq(latest("operation.done").actor, "alice");
}

Test(operate, a_smaller_pool_waits_for_what_is_in_flight)
{
	struct peer *client = stage_client(&stage);
	const struct operation *resize;
	struct peer *busy[4];
	uint64_t ids[4];

	for (int i = 0; i < 4; i++)
		asks(client, i + 1);
	for (size_t i = 0; i < 4; i++) {
		busy[i] = stage_upstream(&stage, i);
		ids[i] = hears_request(busy[i]);
	}
	resize = BEGIN(.kind = COMMAND_POOL_RESIZE, .number = 1);
	settle(5);
	cr_assert_eq(resize->state, OPERATION_RUNNING);
	cr_assert_str_eq(resize->text, "1 of 1 are ready, 3 leave");
	asks(client, 5);
	for (size_t i = 0; i < 4; i++)
		answers(busy[i], ids[i], "\"result\":1");
	for (int i = 0; i < 4; i++)
		cr_assert_not_null(hears(client), "what was in flight is answered");
	settle(3);
	cr_assert_eq(resize->state, OPERATION_DONE, "%s", resize->text);
	cr_assert_eq(upstreams(), 1);
	answers(stage_upstream(&stage, 0), hears_request(stage_upstream(&stage, 0)),
		"\"result\":2");
	cr_assert_not_null(hears(client), "and so is what came meanwhile");
}

Test(operate, a_newer_resize_takes_the_place_of_one_that_runs)
{
	const struct operation *first = BEGIN(.kind = COMMAND_POOL_RESIZE, .number = 64);
	const struct operation *second;

	stage_pass(&stage, 10 * STAGE_MS);
	second = BEGIN(.kind = COMMAND_POOL_RESIZE, .number = 2);
	cr_assert_eq(first->state, OPERATION_SUPERSEDED);
	settle(4);
	cr_assert_eq(second->state, OPERATION_DONE, "%s", second->text);
	cr_assert_eq(upstreams(), 2);
}

Test(operate, an_impossible_size_is_refused_with_the_reason)
{
	static const struct {
		int64_t size;
		const char *why;
	} rows[] = {
		{0, "at least 1"},	   {-3, "at least 1"},
		{1001, "above 1000"},	   {INT64_C(1000000000), "above 1000"},
		{INT64_MIN, "at least 1"}, {INT64_MAX, "above 1000"},
		{300, "open files"},
	};

	stage.outside.ports.connections_max = 200;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome = APPLY(.kind = COMMAND_POOL_RESIZE, .number = rows[i].size);

		cr_assert_eq(outcome.kind, OUTCOME_INVALID, "row %zu", i);
		cr_assert_eq(outcome.operation, 0);
		cr_assert_not_null(strstr(outcome.detail, rows[i].why), "%s", outcome.detail);
		cr_assert_eq(lane()->pool->size, 4);
	}
	BEGIN(.kind = COMMAND_POOL_RESIZE, .number = 198);
}

Test(operate, a_reconnect_replaces_each_connection_and_loses_none)
{
	struct peer *client = stage_client(&stage);
	uint64_t newest = stage.outside.engine->next_connection_id - 1;
	const struct operation *reconnect;
	struct peer *busy;

	for (int i = 0; i < 4; i++)
		asks(client, i + 1);
	reconnect = BEGIN(.kind = COMMAND_POOL_RECONNECT);
	cr_assert_eq(reconnect->total, 4);
	for (int i = 0; i < 20; i++) {
		settle(1);
		cr_assert_geq(lane()->pool->ready_count, 4, "make before break");
	}
	cr_assert_eq(reconnect->state, OPERATION_RUNNING, "four requests are in flight");
	list_each(&lane()->pool->states[CONNECTION_DRAINING], node) {
		busy = upstream_of(list_entry(node, struct connection, state_link));
		answers(busy, hears_request(busy), "\"result\":1");
		cr_assert_not_null(hears(client));
	}
	settle(8);
	cr_assert_eq(reconnect->state, OPERATION_DONE, "%s", reconnect->text);
	cr_assert_eq(upstreams(), 4);
	list_each(&lane()->pool->states[CONNECTION_READY], node)
		cr_assert_gt(list_entry(node, struct connection, state_link)->id, newest);
}

Test(operate, a_reconnect_replaces_the_connections_of_a_drained_endpoint_too)
{
	const struct operation *reconnect;
	uint64_t newest;

	BEGIN(.kind = COMMAND_ENDPOINT_DRAIN, .endpoint = "a");
	settle(3);
	newest = stage.outside.engine->next_connection_id - 1;
	reconnect = BEGIN(.kind = COMMAND_POOL_RECONNECT);
	for (int i = 0; i < 20; i++) {
		settle(1);
		cr_assert_geq(pool_find_endpoint(lane()->pool, "a")->ready, 1, "stays connected");
	}
	cr_assert_eq(reconnect->state, OPERATION_DONE, "%s", reconnect->text);
	list_each(&lane()->pool->states[CONNECTION_READY], node)
		cr_assert_gt(list_entry(node, struct connection, state_link)->id, newest);
	cr_assert_eq(pool_find_endpoint(lane()->pool, "a")->state, ENDPOINT_DRAINED);
}

Test(operate, the_present_size_is_done_at_once)
{
	cr_assert_eq(BEGIN(.kind = COMMAND_POOL_RESIZE, .number = 4)->state, OPERATION_DONE);
}

Test(operate, a_paused_pool_sends_nothing_and_loses_nothing)
{
	struct peer *client = stage_client(&stage);
	const struct operation *pause;
	struct peer *upstream = stage_upstream(&stage, 0);
	uint64_t id;

	asks(client, 1);
	upstream = busy_upstream("a") ? busy_upstream("a") : busy_upstream("b");
	id = hears_request(upstream);
	pause = BEGIN(.kind = COMMAND_POOL_PAUSE);
	asks(client, 2);
	asks(client, 3);
	stage_pass(&stage, 50 * STAGE_MS);
	cr_assert_eq(pause->state, OPERATION_RUNNING);
	cr_assert_str_eq(pause->text, "1 in flight");
	cr_assert_eq(lane()->queue.count, 2);
	answers(upstream, id, "\"result\":1");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	stage_pass(&stage, 20 * STAGE_MS);
	cr_assert_eq(pause->state, OPERATION_DONE);
	cr_assert_eq(lane()->pool->in_flight, 0);
	/* The queue's age of 5 s is suspended. */
	stage_pass(&stage, 12 * STAGE_S);
	cr_assert_eq(lane()->queue.count, 2);
	expect_silence(client);
	cr_assert_eq(APPLY(.kind = COMMAND_POOL_RESUME).kind, OUTCOME_DONE);
	cr_assert_eq(lane()->queue.count, 0);
	cr_assert_eq(lane()->pool->in_flight, 2);
	cr_assert_str_eq(latest("pool.resumed").before, "paused");
	while ((upstream = busy_upstream("a")) || (upstream = busy_upstream("b"))) {
		answers(upstream, hears_request(upstream), "\"result\":2");
		cr_assert_not_null(hears(client));
	}
}

/* Who waited before the pause has as much patience left as then. */
Test(operate, age_goes_on_where_the_pause_began)
{
	struct peer *client;

	lane()->pool->size = 1;
	settle(5);
	cr_assert_eq(upstreams(), 1);
	stage_upstream(&stage, 0)->connection->max_in_flight = 1;
	client = stage_client(&stage);
	asks(client, 1);
	asks(client, 2);
	cr_assert_eq(lane()->queue.count, 1);
	stage_pass(&stage, 3 * STAGE_S);
	BEGIN(.kind = COMMAND_POOL_PAUSE);
	stage_pass(&stage, 10 * STAGE_S);
	APPLY(.kind = COMMAND_POOL_RESUME);
	cr_assert_eq(lane()->queue.count, 1);
	stage_pass(&stage, 1900 * STAGE_MS);
	cr_assert_eq(lane()->queue.count, 1);
	stage_pass(&stage, 200 * STAGE_MS);
	cr_assert_eq(lane()->queue.count, 0);
	expect_error(client, .id = "2", .code = -32003, .reason = "overloaded", .retryable = true,
		     .pool = "main", .limit = "pools.queue.age");
	answers(stage_upstream(&stage, 0), hears_request(stage_upstream(&stage, 0)),
		"\"result\":1");
	cr_assert_not_null(hears(client));
}

/* A request's own deadline is a promise to its client and holds. */
Test(operate, deadlines_hold_while_a_pool_is_paused)
{
	struct peer *client = stage_client(&stage);

	BEGIN(.kind = COMMAND_POOL_PAUSE);
	asks(client, 1);
	stage_pass(&stage, 31 * STAGE_S);
	expect_error(client, .id = "1", .code = -32002, .reason = "timeout", .retryable = true,
		     .pool = "main");
}

Test(operate, a_pause_that_takes_too_long_is_taken_back)
{
	struct peer *client = stage_client(&stage);
	const struct operation *pause;
	struct peer *busy;

	asks(client, 1);
	pause = BEGIN(.kind = COMMAND_POOL_PAUSE, .timeout_us = 200 * STAGE_MS);
	asks(client, 2);
	stage_pass(&stage, 250 * STAGE_MS);
	cr_assert_eq(pause->state, OPERATION_FAILED);
	cr_assert_not(lane()->paused);
	cr_assert_eq(lane()->queue.count, 0);
	cr_assert_str_eq(latest("pool.resumed").reason, "timeout");
	cr_assert(strncmp(latest("operation.failed").detail, "pool pause: ", 12) == 0);
	while ((busy = busy_upstream("a")) || (busy = busy_upstream("b"))) {
		answers(busy, hears_request(busy), "\"result\":2");
		cr_assert_not_null(hears(client));
	}
}

Test(operate, a_pause_in_time_stays_paused)
{
	const struct operation *pause =
		BEGIN(.kind = COMMAND_POOL_PAUSE, .timeout_us = 200 * STAGE_MS);

	cr_assert_eq(pause->state, OPERATION_DONE);
	stage_pass(&stage, STAGE_S);
	cr_assert(lane()->paused);
}

Test(operate, a_resume_cancels_a_pause_that_runs)
{
	struct peer *client = stage_client(&stage);
	const struct operation *pause;
	struct peer *busy;

	asks(client, 1);
	pause = BEGIN(.kind = COMMAND_POOL_PAUSE);
	APPLY(.kind = COMMAND_POOL_RESUME);
	cr_assert_eq(pause->state, OPERATION_CANCELLED);
	busy = busy_upstream("a") ? busy_upstream("a") : busy_upstream("b");
	answers(busy, hears_request(busy), "\"result\":2");
}

Test(operate, a_broker_that_drains_resumes_its_pools)
{
	struct peer *client = stage_client(&stage);

	BEGIN(.kind = COMMAND_POOL_PAUSE);
	asks(client, 1);
	cr_assert_eq(APPLY(.kind = COMMAND_DRAIN).kind, OUTCOME_DONE);
	cr_assert_eq(lane()->queue.count, 0);
	cr_assert_eq(lane()->pool->in_flight, 1);
	cr_assert_eq(APPLY(.kind = COMMAND_POOL_PAUSE).kind, OUTCOME_CONFLICT);
	cr_assert_not(lane()->paused);
}

Test(operate, an_endpoint_is_drained_when_nothing_is_in_flight)
{
	struct peer *client = stage_client(&stage);
	const struct operation *drain;
	struct peer *busy;
	uint64_t id;

	for (int i = 0; i < 4; i++)
		asks(client, i + 1);
	busy = busy_upstream("a");
	drain = BEGIN(.kind = COMMAND_ENDPOINT_DRAIN, .endpoint = "a", .actor = "alice",
		      .reason = "kernel update");
	cr_assert_eq(drain->total, 2);
	cr_assert_str_eq(latest("endpoint.draining").reason, "kernel update");
	cr_assert_str_eq(latest("endpoint.draining").actor, "alice");
	for (int i = 0; i < 4; i++)
		asks(client, i + 5);
	while ((busy = busy_upstream("a"))) {
		id = hears_request(busy);
		answers(busy, id, "\"result\":1");
		cr_assert_not_null(hears(client));
		expect_silence(busy);
	}
	settle(5);
	cr_assert_eq(drain->state, OPERATION_DONE, "%s", drain->text);
	cr_assert_eq(drain->done, 2);
	cr_assert_eq(lane()->pool->endpoints[0]->state, ENDPOINT_DRAINED);
	cr_assert_eq(lane()->pool->endpoints[0]->ready, 2, "its connections stay");
	cr_assert_eq(lane()->pool->ready_count, 4, "the others take its share");
}

Test(operate, maintenance_ends_with_no_connection_and_ready_brings_them_back)
{
	const struct operation *maint = BEGIN(.kind = COMMAND_ENDPOINT_MAINT, .endpoint = "a");
	const struct operation *ready;

	cr_assert_eq(maint->total, 2);
	settle(3);
	cr_assert_eq(maint->state, OPERATION_DONE, "%s", maint->text);
	cr_assert_eq(lane()->pool->endpoints[0]->connections, 0);
	ready = BEGIN(.kind = COMMAND_ENDPOINT_READY, .endpoint = "a");
	cr_assert_eq(ready->state, OPERATION_RUNNING);
	settle(4);
	cr_assert_eq(ready->state, OPERATION_DONE, "%s", ready->text);
	cr_assert_eq(lane()->pool->endpoints[0]->state, ENDPOINT_ACTIVE);
	cr_assert_eq(lane()->pool->ready_count, 4);
}

Test(operate, ready_cancels_what_runs_and_a_newer_wish_supersedes_it)
{
	struct peer *client = stage_client(&stage);
	const struct operation *drain, *maint;

	for (int i = 0; i < 4; i++)
		asks(client, i + 1);
	drain = BEGIN(.kind = COMMAND_ENDPOINT_DRAIN, .endpoint = "a");
	maint = BEGIN(.kind = COMMAND_ENDPOINT_MAINT, .endpoint = "a");
	cr_assert_eq(drain->state, OPERATION_SUPERSEDED);
	BEGIN(.kind = COMMAND_ENDPOINT_READY, .endpoint = "a");
	cr_assert_eq(maint->state, OPERATION_CANCELLED);
}

Test(operate, a_removed_endpoint_is_gone_and_may_come_back)
{
	const struct operation *gone = BEGIN(.kind = COMMAND_ENDPOINT_REMOVE, .endpoint = "a");
	static const enum command_kind wishes[] = {COMMAND_ENDPOINT_DRAIN, COMMAND_ENDPOINT_MAINT,
						   COMMAND_ENDPOINT_READY, COMMAND_ENDPOINT_WEIGHT};
	const struct operation *added;
	struct outcome outcome =
		APPLY(.kind = COMMAND_ENDPOINT_ADD, .add = {.url = "ws://x/", .name = "a"});

	cr_assert_eq(outcome.kind, OUTCOME_CONFLICT);
	cr_assert_not_null(strstr(outcome.detail, "still being removed"), "%s", outcome.detail);
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		outcome = APPLY(.kind = wishes[i], .endpoint = "a", .number = 2);
		cr_assert_eq(outcome.kind, OUTCOME_CONFLICT);
		cr_assert_not_null(strstr(outcome.detail, "is being removed"), "%s",
				   outcome.detail);
	}
	settle(3);
	cr_assert_eq(gone->state, OPERATION_DONE, "%s", gone->text);
	cr_assert_eq(lane()->pool->endpoint_count, 1);
	cr_assert_str_eq(latest("endpoint.removed").object, "main/a");
	added = BEGIN(.kind = COMMAND_ENDPOINT_ADD,
		      .add = {.url = "ws://10.0.0.1:99/x", .name = "a", .weight = 3});
	cr_assert_eq(added->state, OPERATION_RUNNING);
	settle(3);
	cr_assert_eq(added->state, OPERATION_DONE, "%s", added->text);
	cr_assert_eq(pool_find_endpoint(lane()->pool, "a")->weight, 3);
	cr_assert_eq(pool_find_endpoint(lane()->pool, "a")->ready, 3);
	cr_assert_str_eq(latest("endpoint.added").object, "main/a");
}

/* A request on its way to a connection whose endpoint goes meanwhile is moved like any other. */
Test(operate, requests_outlive_the_endpoint_that_they_were_tried_on)
{
	struct peer *client = stage_client(&stage);
	struct list_node *draining;
	struct peer *busy;

	stage.any->idempotent = true;
	for (int i = 0; i < 4; i++)
		asks(client, i + 1);
	BEGIN(.kind = COMMAND_ENDPOINT_REMOVE, .endpoint = "a");
	settle(1);
	while ((draining = list_first(&lane()->pool->states[CONNECTION_DRAINING])))
		stage_kill(upstream_of(list_entry(draining, struct connection, state_link)));
	settle(3);
	cr_assert_eq(lane()->pool->endpoint_count, 1);
	cr_assert_eq(lane()->pool->in_flight, 4, "%u", lane()->pool->in_flight);
	while ((busy = busy_upstream("b"))) {
		answers(busy, hears_request(busy), "\"result\":1");
		cr_assert_not_null(hears(client));
	}
}

Test(operate, the_last_healthy_endpoint_needs_force)
{
	static const enum command_kind kinds[] = {COMMAND_ENDPOINT_DRAIN, COMMAND_ENDPOINT_MAINT,
						  COMMAND_ENDPOINT_REMOVE};

	BEGIN(.kind = COMMAND_ENDPOINT_DRAIN, .endpoint = "a");
	for (size_t i = 0; i < 3; i++) {
		struct outcome outcome = APPLY(.kind = kinds[i], .endpoint = "b");

		cr_assert_eq(outcome.kind, OUTCOME_CONFLICT);
		cr_assert_not_null(strstr(outcome.detail, "force"), "%s", outcome.detail);
	}
	BEGIN(.kind = COMMAND_ENDPOINT_DRAIN, .endpoint = "b", .force = true);
	cr_assert_eq(lane()->pool->ready_count, 0);
}

Test(operate, the_last_endpoint_cannot_be_removed)
{
	BEGIN(.kind = COMMAND_ENDPOINT_REMOVE, .endpoint = "a");
	cr_assert_eq(APPLY(.kind = COMMAND_ENDPOINT_REMOVE, .endpoint = "b", .force = true).kind,
		     OUTCOME_CONFLICT);
	settle(3);
	cr_assert_eq(lane()->pool->endpoint_count, 1);
}

Test(operate, an_endpoint_that_makes_no_sense_is_refused)
{
	static const struct {
		const char *url;
		const char *name;
		int64_t weight, tier;
	} rows[] = {
		{NULL, "x", 1, 1},	  {"http://h/", NULL, 1, 1}, {"ws://u:p@h/", NULL, 1, 1},
		{"ws://h/", "a b", 1, 1}, {"ws://h/", "", 1, 1},     {"ws://h/", NULL, 1001, 1},
		{"ws://h/", NULL, -1, 1}, {"ws://h/", NULL, 1, 11},  {"ws://h/", NULL, 1, -1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct outcome outcome =
			APPLY(.kind = COMMAND_ENDPOINT_ADD, .add = {.url = rows[i].url,
								    .name = rows[i].name,
								    .weight = rows[i].weight,
								    .tier = rows[i].tier});

		cr_assert_eq(outcome.kind, OUTCOME_INVALID, "row %zu: %s", i, outcome.detail);
		cr_assert_eq(lane()->pool->endpoint_count, 2);
	}
	cr_assert_eq(
		APPLY(.kind = COMMAND_ENDPOINT_ADD, .add = {.url = "ws://h/", .name = "a"}).kind,
		OUTCOME_CONFLICT);
	BEGIN(.kind = COMMAND_ENDPOINT_ADD, .add = {.url = "wss://[::1]:8443/x"});
	cr_assert_not_null(pool_find_endpoint(lane()->pool, "[::1]:8443"));
}
