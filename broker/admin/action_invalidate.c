/* POST /v1/cache/invalidate. */
#include <string.h>
#include "broker/admin/actions.h"
#include "broker/admin/answer.h"
#include "common/clock.h"
#include "common/units.h"
#include "proto/invalidation_read.h"

#define WAIT_MAX_US (UINT64_C(86400) * US_PER_S)

/* "5s", or "all=5s": for all brokers, which is all that there is to wait for. */
static bool read_wait(const json_t *value, uint64_t *out)
{
	struct span text = span_of(json_string_value(value), json_string_length(value));

	if (!value)
		return true;
	if (text.at && span_begins(text, "all="))
		text = span_of(text.at + 4, text.len - 4);
	return text.at && units_duration_us(text, out) == WSB_OK && *out <= WAIT_MAX_US;
}

static json_t *position_view(struct position position)
{
	char text[POSITION_TEXT_MAX];

	if (!position_is_set(position))
		return json_null();
	position_write(position, text);
	return json_string(text);
}

static void carry_out(struct admin_exchange *exchange, const struct command *command)
{
	struct outcome outcome;

	exchange->backend->apply(exchange->backend->instance, command, &outcome);
	if (outcome.kind > OUTCOME_ACCEPTED) {
		answer_problem(exchange->response, 500, outcome.detail);
		return;
	}
	answer_json(exchange->response, outcome.operation ? 202 : 200,
		    json_pack("{s:I, s:o, s:o}", "invalidated", (json_int_t)outcome.invalidated,
			      "position", position_view(outcome.position), "operation",
			      outcome.operation ? json_integer((json_int_t)outcome.operation)
						: json_null()));
}

/* members: what is left of the body without what is this call's own. */
static void invalidate(struct admin_exchange *exchange, struct command *command,
		       const json_t *members)
{
	char why[INVALIDATION_WHY_MAX];
	struct invalidation_held held;

	if (invalidation_read(members, &held, why) != WSB_OK) {
		answer_problemf(exchange->response, 400, "%s.", why);
		return;
	}
	command->what = &held.what;
	carry_out(exchange, command);
	invalidation_held_fini(&held);
}

void action_invalidate(struct admin_exchange *exchange)
{
	const json_t *reason = json_object_get(exchange->body, "reason");
	json_t *members = json_copy((json_t *)exchange->body);
	struct command command = {
		.kind = COMMAND_INVALIDATE,
		.actor = exchange->call->identity.actor,
		.reason = json_string_value(reason),
	};

	if (!members) {
		answer_no_memory(exchange->response);
		return;
	}
	json_object_del(members, "reason");
	json_object_del(members, "wait");
	if (reason && !json_is_string(reason))
		answer_problem(exchange->response, 400, "reason must be a string.");
	else if (!read_wait(json_object_get(exchange->body, "wait"), &command.timeout_us))
		answer_problem(exchange->response, 400,
			       "wait must be a duration such as \"5s\", up to a day.");
	else
		invalidate(exchange, &command, members);
	json_decref(members);
}
