#include "broker/engine/apply.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/engine/client.h"
#include "broker/engine/record.h"

#define WEIGHT_MAX 1000

__attribute__((format(printf, 3, 4))) static void
conclude(struct outcome *outcome, enum outcome_kind kind, const char *format, ...)
{
	va_list args;

	outcome->kind = kind;
	va_start(args, format);
	vsnprintf(outcome->detail, sizeof(outcome->detail), format, args);
	va_end(args);
}

static struct lane *lane_named(struct engine *engine, const char *name)
{
	for (size_t i = 0; name && i < engine->lane_count; i++)
		if (strcmp(engine->lanes[i]->pool->settings->name, name) == 0)
			return engine->lanes[i];
	return NULL;
}

static void apply_balancer(struct pool *pool, const struct command *command,
			   struct outcome *outcome, uint64_t now_us)
{
	enum balancer_kind before = pool->balancer;
	enum balancer_kind kind;

	if (!balancer_kind_named(command->text, &kind)) {
		conclude(outcome, OUTCOME_INVALID,
			 "a balancer is round-robin, least-connections, random or peak-ewma");
		return;
	}
	conclude(outcome, OUTCOME_DONE, "pool %s balances by %s", pool->settings->name,
		 balancer_name(kind));
	if (kind == before)
		return;
	pool->balancer = kind;
	pool_report_pool(pool, &(struct pool_change){
				       .type = "pool.balancer",
				       .level = LOG_INFO,
				       .before = balancer_name(before),
				       .after = balancer_name(kind),
				       .reason = "asked",
				       .now_us = now_us,
			       });
}

static void apply_weight(struct endpoint *endpoint, const struct command *command,
			 struct outcome *outcome, uint64_t now_us)
{
	if (command->number < 1 || command->number > WEIGHT_MAX) {
		conclude(outcome, OUTCOME_INVALID, "a weight is 1 to %d", WEIGHT_MAX);
		return;
	}
	pool_set_weight(endpoint, (uint32_t)command->number, now_us);
	conclude(outcome, OUTCOME_DONE, "endpoint %s/%s has weight %" PRId64,
		 endpoint->pool->settings->name, endpoint->settings->name, command->number);
}

static struct session *client_numbered(struct engine *engine, int64_t id)
{
	list_each(&engine->sessions.states[SESSION_OPEN], node) {
		struct session *session = list_entry(node, struct session, state_link);

		if (id > 0 && session->id == (uint64_t)id && session->kind == SESSION_WEBSOCKET)
			return session;
	}
	return NULL;
}

static void apply_kick(struct engine *engine, const struct command *command,
		       struct outcome *outcome)
{
	struct session *session = client_numbered(engine, command->number);
	char object[48];

	if (!session) {
		conclude(outcome, OUTCOME_NOT_FOUND, "there is no client %" PRId64,
			 command->number);
		return;
	}
	snprintf(object, sizeof(object), "client %" PRIu64, session->id);
	log_event(engine->log, LOG_INFO, "client.kicked", log_number("client", session->id),
		  log_text("identity", session->identity ? session->identity : ""));
	record_event(engine, &(struct history_event){
				     .type = "client.kicked",
				     .object = object,
				     .before = "open",
				     .after = "closing",
				     .reason = "asked",
				     .detail = session->identity,
			     });
	client_close(engine, session, 1008, "kicked");
	conclude(outcome, OUTCOME_DONE, "client %" PRId64 " is told to go", command->number);
}

static void apply_to_pool(struct lane *lane, const struct command *command, struct outcome *outcome,
			  uint64_t now_us)
{
	struct endpoint *endpoint = NULL;

	if (command_has_endpoint(command->kind) && command->kind != COMMAND_ENDPOINT_ADD) {
		endpoint = command->endpoint ? pool_find_endpoint(lane->pool, command->endpoint)
					     : NULL;
		if (!endpoint) {
			conclude(outcome, OUTCOME_NOT_FOUND, "pool %s has no endpoint %s",
				 command->pool, command->endpoint ? command->endpoint : "");
			return;
		}
	}
	switch (command->kind) {
	case COMMAND_POOL_BALANCER:
		apply_balancer(lane->pool, command, outcome, now_us);
		return;
	case COMMAND_ENDPOINT_WEIGHT:
		apply_weight(endpoint, command, outcome, now_us);
		return;
	default:
		conclude(outcome, OUTCOME_CONFLICT, "%s is not possible",
			 command_name(command->kind));
		return;
	}
}

void engine_apply(struct engine *engine, const struct command *command, struct outcome *outcome,
		  uint64_t now_us)
{
	struct lane *lane;

	*outcome = (struct outcome){.kind = OUTCOME_DONE};
	engine->actor = command->actor;
	switch (command->kind) {
	case COMMAND_CLIENT_KICK:
		apply_kick(engine, command, outcome);
		break;
	case COMMAND_DRAIN:
		engine_drain(engine, now_us);
		conclude(outcome, OUTCOME_DONE, "the broker drains");
		break;
	default:
		lane = lane_named(engine, command->pool);
		if (lane)
			apply_to_pool(lane, command, outcome, now_us);
		else
			conclude(outcome, OUTCOME_NOT_FOUND, "there is no pool %s",
				 command->pool ? command->pool : "");
		break;
	}
	engine->actor = NULL;
}
