#include "broker/admin/views_past.h"

#include "broker/admin/answer.h"
#include "common/clock.h"

static json_t *seconds(uint64_t us)
{
	return json_real((double)us / (double)US_PER_S);
}

static json_t *number_or_null(uint64_t number)
{
	return number > 0 ? json_integer((json_int_t)number) : json_null();
}

json_t *view_event(const struct history_event *event)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
			 (json_int_t)event->id, "time", answer_time(event->wall_us), "type",
			 answer_text(event->type), "object", answer_text(event->object), "pool",
			 answer_text(event->pool), "endpoint", answer_text(event->endpoint),
			 "before", answer_text(event->before), "after", answer_text(event->after),
			 "reason", answer_text(event->reason), "actor", answer_text(event->actor),
			 "detail", answer_text(event->detail));
}

json_t *view_request(const struct request_record *record)
{
	return json_pack(
		"{s:I, s:o, s:o, s:s, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o}",
		"id", (json_int_t)record->id, "time", answer_time(record->wall_us), "method",
		answer_text(record->method), "result", request_result_name(record->result),
		"reason", answer_text(record->reason), "slow", record->slow, "failed",
		record->failed, "pool", answer_text(record->pool), "endpoint",
		answer_text(record->endpoint), "connection", number_or_null(record->connection),
		"limit", answer_text(record->limit), "attempts", (int)record->attempts,
		"duration_seconds", seconds(record->duration_us), "queued_seconds",
		seconds(record->queued_us), "upstream_seconds",
		record->upstream_us > 0 ? seconds(record->upstream_us) : json_null(), "cache",
		answer_text(record->cache), "age_seconds",
		record->aged ? seconds(record->age_us) : json_null(), "client",
		number_or_null(record->client), "identity", answer_text(record->identity));
}

json_t *view_operation(const struct operation *operation)
{
	return json_pack(
		"{s:I, s:s, s:s, s:o, s:o, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "id",
		(json_int_t)operation->id, "kind", command_name(operation->kind), "state",
		operation_state_name(operation->state), "pool", answer_text(operation->pool),
		"endpoint", answer_text(operation->endpoint), "done", (int)operation->done, "total",
		(int)operation->total, "started", answer_time(operation->started_us), "ended",
		answer_time(operation->ended_us), "actor", answer_text(operation->actor), "reason",
		answer_text(operation->reason), "text", answer_text(operation->text));
}

json_t *view_command_done(const struct command *command, const char *detail)
{
	return json_pack("{s:n, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "id", "kind",
			 command_name(command->kind), "state", operation_state_name(OPERATION_DONE),
			 "pool", answer_text(command->pool), "endpoint",
			 answer_text(command->endpoint), "actor", answer_text(command->actor),
			 "reason", answer_text(command->reason), "text", answer_text(detail));
}
