#include "broker/admin/actions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "broker/admin/answer.h"
#include "broker/admin/body.h"
#include "broker/admin/views_past.h"
#include "broker/control/operation.h"
#include "common/clock.h"
#include "proto/admin_api.h"

/* How long a pool may take to come to rest; then the pause is taken back. */
#define PAUSE_DEFAULT_US (60 * US_PER_S)

#define CHECK(exchange, members)                                                                   \
	body_check((exchange)->body, members, sizeof(members) / sizeof((members)[0]),              \
		   (exchange)->response)

static struct command command_of(const struct admin_exchange *exchange, enum command_kind kind)
{
	return (struct command){
		.kind = kind,
		.pool = exchange->call->names[0],
		.endpoint = exchange->call->names[1],
		.min = COMMAND_KEEP,
		.max = COMMAND_KEEP,
		.force = body_flag(exchange->body, "force"),
		.actor = exchange->call->identity.actor,
		.reason = body_text(exchange->body, "reason", NULL),
	};
}

static void answer_refused(struct admin_exchange *exchange, const struct outcome *outcome)
{
	static const int statuses[] = {
		[OUTCOME_NOT_FOUND] = 404,
		[OUTCOME_INVALID] = 400,
		[OUTCOME_CONFLICT] = 409,
		[OUTCOME_NO_MEMORY] = 500,
	};

	answer_problem(exchange->response, statuses[outcome->kind], outcome->detail);
}

/* 202 with the operation, and where to ask for it. */
static void answer_operation(struct admin_exchange *exchange, uint64_t id)
{
	const struct admin_backend *backend = exchange->backend;
	const struct operation *operation;
	struct snapshot snapshot = {0};

	if (backend->snapshot(backend->instance, SNAPSHOT_POOLS, &snapshot) != WSB_OK) {
		answer_no_memory(exchange->response);
		return;
	}
	operation = operation_find(snapshot.operations, id);
	snprintf(exchange->response->location, sizeof(exchange->response->location),
		 ADMIN_OPERATIONS "/%" PRIu64, id);
	answer_json(exchange->response, 202, operation ? view_operation(operation) : NULL);
	snapshot_fini(&snapshot);
}

static void answer_outcome(struct admin_exchange *exchange, const struct command *command,
			   const struct outcome *outcome, int done_status)
{
	if (outcome->kind == OUTCOME_ACCEPTED)
		answer_operation(exchange, outcome->operation);
	else if (outcome->kind == OUTCOME_DONE)
		answer_json(exchange->response, done_status,
			    view_command_done(command, outcome->detail));
	else
		answer_refused(exchange, outcome);
}

static bool apply(struct admin_exchange *exchange, const struct command *command,
		  struct outcome *outcome)
{
	exchange->backend->apply(exchange->backend->instance, command, outcome);
	return outcome->kind == OUTCOME_DONE || outcome->kind == OUTCOME_ACCEPTED;
}

static void carry_out(struct admin_exchange *exchange, const struct command *command)
{
	struct outcome outcome;

	apply(exchange, command, &outcome);
	answer_outcome(exchange, command, &outcome, 200);
}

/* False: one could not be done, which has been answered. */
static bool rehearse(struct admin_exchange *exchange, const struct command *commands, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct command rehearsal = commands[i];
		struct outcome outcome;

		rehearsal.rehearsal = true;
		if (!apply(exchange, &rehearsal, &outcome)) {
			answer_refused(exchange, &outcome);
			return false;
		}
	}
	return true;
}

/* Several commands of one request, in order: all, or none when one would be refused. What takes its
 * time is the answer, if anything does. */
static void carry_out_all(struct admin_exchange *exchange, const struct command *commands,
			  size_t count, int done_status)
{
	const struct command *answered = NULL;
	struct outcome answer = {0};

	if (count > 1 && !rehearse(exchange, commands, count))
		return;
	for (size_t i = 0; i < count; i++) {
		struct outcome outcome;

		if (!apply(exchange, &commands[i], &outcome)) {
			answer_refused(exchange, &outcome);
			return;
		}
		if (!answered || outcome.kind == OUTCOME_ACCEPTED) {
			answered = &commands[i];
			answer = outcome;
		}
	}
	answer_outcome(exchange, answered, &answer, done_status);
}

/* Bounds come first, since the size has to be within them. */
void action_change_pool(struct admin_exchange *exchange)
{
	static const struct body_member members[] = {
		{"size", BODY_COUNT},	 {"min", BODY_COUNT},	{"max", BODY_COUNT},
		{"balancer", BODY_TEXT}, {"reason", BODY_TEXT},
	};
	struct command commands[3];
	uint32_t number;
	size_t count = 0;

	if (!CHECK(exchange, members))
		return;
	commands[0] = command_of(exchange, COMMAND_POOL_BOUNDS);
	if (body_count(exchange->body, "min", &number))
		commands[0].min = number;
	if (body_count(exchange->body, "max", &number))
		commands[0].max = number;
	if (commands[0].min != COMMAND_KEEP || commands[0].max != COMMAND_KEEP)
		count++;
	if (body_count(exchange->body, "size", &number)) {
		commands[count] = command_of(exchange, COMMAND_POOL_RESIZE);
		commands[count].max = commands[0].max;
		commands[count++].number = number;
	}
	if (body_text(exchange->body, "balancer", NULL)) {
		commands[count] = command_of(exchange, COMMAND_POOL_BALANCER);
		commands[count++].text = body_text(exchange->body, "balancer", NULL);
	}
	if (count == 0)
		answer_problem(exchange->response, 400,
			       "Nothing to change: give size, min, max or balancer.");
	else
		carry_out_all(exchange, commands, count, 202);
}

void action_pause(struct admin_exchange *exchange)
{
	static const struct body_member members[] = {{"timeout_seconds", BODY_SECONDS},
						     {"reason", BODY_TEXT}};
	struct command command;

	if (!CHECK(exchange, members))
		return;
	command = command_of(exchange, COMMAND_POOL_PAUSE);
	command.timeout_us = body_us(exchange->body, "timeout_seconds", PAUSE_DEFAULT_US);
	carry_out(exchange, &command);
}

static void ask_simply(struct admin_exchange *exchange, enum command_kind kind)
{
	static const struct body_member members[] = {{"reason", BODY_TEXT}};
	struct command command;

	if (!CHECK(exchange, members))
		return;
	command = command_of(exchange, kind);
	carry_out(exchange, &command);
}

void action_resume(struct admin_exchange *exchange)
{
	ask_simply(exchange, COMMAND_POOL_RESUME);
}

void action_reconnect(struct admin_exchange *exchange)
{
	ask_simply(exchange, COMMAND_POOL_RECONNECT);
}

void action_unpin(struct admin_exchange *exchange)
{
	ask_simply(exchange, COMMAND_POOL_UNPIN);
}

void action_add_endpoint(struct admin_exchange *exchange)
{
	static const struct body_member members[] = {
		{"url", BODY_TEXT},   {"name", BODY_TEXT},   {"weight", BODY_COUNT},
		{"tier", BODY_COUNT}, {"reason", BODY_TEXT},
	};
	struct command command;
	uint32_t number;

	if (!CHECK(exchange, members))
		return;
	command = command_of(exchange, COMMAND_ENDPOINT_ADD);
	command.endpoint = NULL;
	command.add.url = body_text(exchange->body, "url", NULL);
	command.add.name = body_text(exchange->body, "name", NULL);
	if (body_count(exchange->body, "weight", &number))
		command.add.weight = number > 0 ? (int64_t)number : -1;
	if (body_count(exchange->body, "tier", &number))
		command.add.tier = number > 0 ? (int64_t)number : -1;
	if (!command.add.url)
		answer_problem(exchange->response, 400, "url is missing: ws:// or wss://.");
	else
		carry_out(exchange, &command);
}

/* False: the text names no state. */
static bool kind_of_state(const char *state, enum command_kind *kind)
{
	static const struct {
		const char *state;
		enum command_kind kind;
	} states[] = {
		{"drain", COMMAND_ENDPOINT_DRAIN},
		{"maint", COMMAND_ENDPOINT_MAINT},
		{"ready", COMMAND_ENDPOINT_READY},
	};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(state, states[i].state) == 0) {
			*kind = states[i].kind;
			return true;
		}
	}
	return false;
}

void action_change_endpoint(struct admin_exchange *exchange)
{
	static const struct body_member members[] = {{"weight", BODY_COUNT},
						     {"state", BODY_TEXT},
						     {"force", BODY_FLAG},
						     {"reason", BODY_TEXT}};
	const char *state = body_text(exchange->body, "state", NULL);
	enum command_kind kind = COMMAND_ENDPOINT_READY;
	struct command commands[2];
	uint32_t weight;
	size_t count = 0;

	if (!CHECK(exchange, members))
		return;
	if (state && !kind_of_state(state, &kind)) {
		answer_problem(exchange->response, 400, "state must be drain, maint or ready.");
		return;
	}
	if (body_count(exchange->body, "weight", &weight)) {
		commands[count] = command_of(exchange, COMMAND_ENDPOINT_WEIGHT);
		commands[count++].number = weight;
	}
	if (state)
		commands[count++] = command_of(exchange, kind);
	if (count == 0)
		answer_problem(exchange->response, 400, "Nothing to change: give weight or state.");
	else
		carry_out_all(exchange, commands, count, 200);
}

void action_remove_endpoint(struct admin_exchange *exchange)
{
	static const struct body_member members[] = {{"force", BODY_FLAG}, {"reason", BODY_TEXT}};
	struct command command;

	if (!CHECK(exchange, members))
		return;
	command = command_of(exchange, COMMAND_ENDPOINT_REMOVE);
	carry_out(exchange, &command);
}

void action_kick(struct admin_exchange *exchange)
{
	static const struct body_member members[] = {{"reason", BODY_TEXT}};
	struct command command;
	uint64_t id;

	if (!CHECK(exchange, members))
		return;
	if (!admin_name_is_number(exchange->call->names[0], &id) || id > INT64_MAX) {
		answer_problem(exchange->response, 404, "The id of a client is a number.");
		return;
	}
	command = command_of(exchange, COMMAND_CLIENT_KICK);
	command.pool = NULL;
	command.number = (int64_t)id;
	carry_out(exchange, &command);
}

void action_drain(struct admin_exchange *exchange)
{
	static const struct body_member members[] = {{"reason", BODY_TEXT}};
	struct command command;

	if (!CHECK(exchange, members))
		return;
	command = command_of(exchange, COMMAND_DRAIN);
	command.pool = NULL;
	carry_out(exchange, &command);
}
