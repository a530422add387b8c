/* What an operator asks for, and what is kept of it. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "broker/engine/apply.h"
#include "tests/unit/engine/stage.h"

static struct stage stage;

static struct outcome apply(struct command command)
{
	struct outcome outcome;

	if (!command.pool)
		command.pool = "main";
	engine_apply(stage.outside.engine, &command, &outcome, stage.outside.now_us);
	return outcome;
}

#define APPLY(...) apply((struct command){__VA_ARGS__})

/* The latest event of this type. */
static struct history_event latest(const char *type)
{
	struct history_walk walk;
	struct history_event event = {0};

	history_begin(&walk, stage.outside.engine->history,
		      &(struct history_query){.type = type, .last = 1});
	cr_assert(history_next(&walk, &event), "no event %s", type);
	return event;
}

static struct pool *pool(void)
{
	return stage.outside.engine->lanes[0]->pool;
}

Test(apply, refuses_what_is_not_there)
{
	stage_init(&stage);
	stage_begin_ready(&stage);
	cr_assert_eq(APPLY(.kind = COMMAND_POOL_BALANCER, .pool = "nowhere", .text = "random").kind,
		     OUTCOME_NOT_FOUND);
	cr_assert_eq(APPLY(.kind = COMMAND_ENDPOINT_WEIGHT, .endpoint = "z", .number = 2).kind,
		     OUTCOME_NOT_FOUND);
	cr_assert_eq(APPLY(.kind = COMMAND_ENDPOINT_WEIGHT, .number = 2).kind, OUTCOME_NOT_FOUND);
	cr_assert_eq(APPLY(.kind = COMMAND_CLIENT_KICK, .number = 99).kind, OUTCOME_NOT_FOUND);
	cr_assert_eq(APPLY(.kind = COMMAND_CLIENT_KICK, .number = -1).kind, OUTCOME_NOT_FOUND);
	stage_end(&stage);
}

Test(apply, changes_the_balancer)
{
	struct history_event event;

	stage_init(&stage);
	stage_begin_ready(&stage);
	cr_assert_eq(APPLY(.kind = COMMAND_POOL_BALANCER, .text = "magic").kind, OUTCOME_INVALID);
	cr_assert_eq(APPLY(.kind = COMMAND_POOL_BALANCER).kind, OUTCOME_INVALID);
	cr_assert_eq(
		APPLY(.kind = COMMAND_POOL_BALANCER, .text = "peak-ewma", .actor = "alice").kind,
		OUTCOME_DONE);
	cr_assert_eq(pool()->balancer, BALANCER_PEAK_EWMA);
	event = latest("pool.balancer");
	cr_assert_str_eq(event.object, "main");
	cr_assert_str_eq(event.before, "least-connections");
	cr_assert_str_eq(event.after, "peak-ewma");
	cr_assert_str_eq(event.actor, "alice");
	stage_end(&stage);
}

Test(apply, changes_a_weight)
{
	struct history_event event;

	stage_init(&stage);
	stage_begin_ready(&stage);
	cr_assert_eq(APPLY(.kind = COMMAND_ENDPOINT_WEIGHT, .endpoint = "a", .number = 0).kind,
		     OUTCOME_INVALID);
	cr_assert_eq(APPLY(.kind = COMMAND_ENDPOINT_WEIGHT, .endpoint = "a", .number = 1001).kind,
		     OUTCOME_INVALID);
	cr_assert_eq(APPLY(.kind = COMMAND_ENDPOINT_WEIGHT, .endpoint = "a", .number = 3).kind,
		     OUTCOME_DONE);
	cr_assert_eq(pool()->endpoints[0]->weight, 3);
	event = latest("endpoint.weight");
	cr_assert_str_eq(event.object, "main/a");
	cr_assert_str_eq(event.before, "1");
	cr_assert_str_eq(event.after, "3");
	cr_assert_str_eq(event.actor, "broker");
	stage_end(&stage);
}

Test(apply, a_rehearsal_says_the_same_and_changes_nothing)
{
	static const struct {
		struct command command;
		enum outcome_kind kind;
	} cases[] = {
		{{.kind = COMMAND_POOL_BALANCER, .text = "random"}, OUTCOME_DONE},
		{{.kind = COMMAND_POOL_BALANCER, .text = "magic"}, OUTCOME_INVALID},
		{{.kind = COMMAND_POOL_BOUNDS, .min = 2, .max = 20}, OUTCOME_DONE},
		{{.kind = COMMAND_POOL_BOUNDS, .min = 9, .max = 8}, OUTCOME_INVALID},
		{{.kind = COMMAND_POOL_RESIZE, .number = 15, .max = 20}, OUTCOME_DONE},
		{{.kind = COMMAND_POOL_RESIZE, .number = 15}, OUTCOME_INVALID},
		{{.kind = COMMAND_POOL_RESIZE, .number = 4, .max = 3}, OUTCOME_INVALID},
		{{.kind = COMMAND_ENDPOINT_WEIGHT, .endpoint = "a", .number = 3}, OUTCOME_DONE},
		{{.kind = COMMAND_ENDPOINT_WEIGHT, .endpoint = "a"}, OUTCOME_INVALID},
		{{.kind = COMMAND_ENDPOINT_DRAIN, .endpoint = "a"}, OUTCOME_CONFLICT},
		{{.kind = COMMAND_ENDPOINT_DRAIN, .endpoint = "a", .force = true}, OUTCOME_DONE},
	};

	stage_init(&stage);
	stage.pool->autoscale.enabled = true;
	stage.pool->autoscale.min = 1;
	stage.pool->autoscale.max = 10;
	stage_begin_ready(&stage);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct command command = cases[i].command;
		uint64_t newest = history_newest(stage.outside.engine->history);

		command.rehearsal = true;
		cr_expect_eq(apply(command).kind, cases[i].kind, "%zu", i);
		cr_expect_eq(history_newest(stage.outside.engine->history), newest, "%zu", i);
	}
	cr_expect_eq(pool()->balancer, BALANCER_LEAST_CONNECTIONS);
	cr_expect_eq(pool()->endpoints[0]->weight, 1);
	cr_expect_eq(stage.outside.engine->lanes[0]->size_max, 10);
	stage_end(&stage);
}

Test(apply, kicks_a_client)
{
	struct peer *client;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	cr_assert_eq(APPLY(.kind = COMMAND_CLIENT_KICK, .number = (int64_t)client->session->id,
			   .actor = "uid 1000")
			     .kind,
		     OUTCOME_DONE);
	cr_assert_eq(client->state, PEER_CLOSING);
	cr_assert_eq(client->close_code, 1008);
	cr_assert_str_eq(client->close_reason, "kicked");
	cr_assert_str_eq(latest("client.kicked").actor, "uid 1000");
	stage_end(&stage);
}

Test(apply, drains_the_broker)
{
	stage_init(&stage);
	stage_begin_ready(&stage);
	cr_assert_eq(APPLY(.kind = COMMAND_DRAIN).kind, OUTCOME_DONE);
	cr_assert(stage.outside.engine->draining);
	stage_end(&stage);
}

Test(apply, the_life_of_connections_is_history)
{
	struct history_event event;

	stage_init(&stage);
	stage.pool->size = 1;
	stage_begin_ready(&stage);
	event = latest("connection.ready");
	cr_assert_str_eq(event.object, "connection 1");
	cr_assert_str_eq(event.pool, "main");
	cr_assert_str_eq(event.endpoint, "a");
	cr_assert_str_eq(event.before, "warming");
	cr_assert_str_eq(event.after, "ready");
	stage_kill(stage_upstream(&stage, 0));
	event = latest("connection.closed");
	cr_assert_str_eq(event.before, "ready");
	cr_assert_str_eq(event.reason, "eof");
	cr_assert_eq(pool()->reports.connection_ends[POOL_REASON_eof], 1);
	event = latest("endpoint.down");
	cr_assert_str_eq(event.object, "main/a");
	cr_assert_str_eq(event.reason, "eof");
	stage_end(&stage);
}

Test(apply, failed_requests_are_kept)
{
	const struct requests *requests;
	const struct request_record *record;
	struct peer *client;

	stage_init(&stage);
	stage.any->timeout_us = 200 * STAGE_MS;
	stage_begin_ready(&stage);
	requests = &stage.outside.engine->requests;
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow.get\"}");
	stage_pass(&stage, 300 * STAGE_MS);
	record = requests_get(requests, 1);
	cr_assert_not_null(record);
	cr_assert_str_eq(record->method, "slow.get");
	cr_assert_str_eq(record->pool, "main");
	cr_assert_str_eq(record->endpoint, "a");
	cr_assert_str_eq(record->reason, "timeout");
	cr_assert_eq(record->result, RESULT_TIMEOUT);
	cr_assert_eq(record->client, client->session->id);
	cr_assert_eq(record->attempts, 1);
	cr_assert_geq(record->duration_us, 200 * STAGE_MS);
	cr_assert(record->connection > 0);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"wsbroker.nothing\"}");
	record = requests_get(requests, 2);
	cr_assert_not_null(record);
	cr_assert_str_eq(record->method, "wsbroker.nothing");
	cr_assert_str_eq(record->pool, "");
	stage_end(&stage);
}
