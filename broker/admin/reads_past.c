#include "broker/admin/answer.h"
#include "broker/admin/filter.h"
#include "broker/admin/reads.h"
#include "broker/admin/views_past.h"

/* The rest comes from the feed, which whoever holds the connection steps on. */
static void begin_stream(struct admin_exchange *exchange, const struct filter *filter)
{
	struct admin_response *response = exchange->response;

	response->status = 200;
	response->content_type = "text/event-stream";
	response->stream = STREAM_EVENTS;
	feed_begin(
		&response->feed, filter,
		span_text(exchange->call->last_event_id[0] ? exchange->call->last_event_id : NULL),
		exchange->backend->history);
	strbuf_text(&response->body, ": events of this broker\n\n");
}

void read_events(struct admin_exchange *exchange)
{
	static const char *const known[] = {"since", "until", "after", "last",
					    "type",  "pool",  NULL};
	struct history_walk walk;
	struct history_event event;
	struct filter filter;
	json_t *array;

	if (!filter_read(exchange, known, &filter))
		return;
	if (exchange->call->wants_stream) {
		begin_stream(exchange, &filter);
		return;
	}
	array = json_array();
	history_begin(&walk, exchange->snapshot->history, &filter.history);
	while (history_next(&walk, &event))
		json_array_append_new(array, view_event(&event));
	answer_json(exchange->response, 200, array);
}

/* slow and failed together: either. */
static bool is_wanted(const struct request_record *record, const struct filter *filter)
{
	if (filter->history.pool && strcmp(filter->history.pool, record->pool) != 0)
		return false;
	if (record->wall_us < filter->history.since_us ||
	    (filter->history.until_us > 0 && record->wall_us >= filter->history.until_us))
		return false;
	return (!filter->slow && !filter->failed) || (filter->slow && record->slow) ||
	       (filter->failed && record->failed);
}

void read_invalidations(struct admin_exchange *exchange)
{
	static const char *const known[] = {"tag", "since", NULL};
	struct admin_response *response = exchange->response;
	const struct admin_call *call = exchange->call;
	struct strbuf begin;

	if (!filter_check_names(exchange, known))
		return;
	strbuf_init(&begin);
	if (invalidation_feed_begin(&response->invalidations, exchange->backend->journal,
				    span_text(call->query),
				    span_text(call->last_event_id[0] ? call->last_event_id : NULL),
				    call->wall_us, &begin)) {
		response->status = 200;
		response->content_type = "text/event-stream";
		response->stream = STREAM_INVALIDATIONS;
		strbuf_add(&response->body, strbuf_span(&begin));
	} else {
		answer_problem(response, 400, strbuf_span(&begin).at);
	}
	strbuf_fini(&begin);
}

void read_requests(struct admin_exchange *exchange)
{
	static const char *const known[] = {"slow", "failed", "pool", "since", "until", NULL};
	const struct requests *requests = exchange->snapshot->requests;
	struct filter filter;
	json_t *array;

	if (!filter_read(exchange, known, &filter))
		return;
	array = json_array();
	for (uint64_t id = requests_oldest(requests); id > 0 && id <= requests->newest_id; id++) {
		const struct request_record *record = requests_get(requests, id);

		if (record && is_wanted(record, &filter))
			json_array_append_new(array, view_request(record));
	}
	answer_json(exchange->response, 200, array);
}

void read_operations(struct admin_exchange *exchange)
{
	const struct operations *operations = exchange->snapshot->operations;
	const struct operation *operation = operation_after(operations, 0);
	json_t *array = json_array();

	for (; operation; operation = operation_after(operations, operation->id))
		json_array_append_new(array, view_operation(operation));
	answer_json(exchange->response, 200, array);
}

void read_operation(struct admin_exchange *exchange)
{
	const char *name = exchange->call->names[0];
	const struct operation *operation = NULL;
	uint64_t id;

	if (admin_name_is_number(name, &id))
		operation = operation_find(exchange->snapshot->operations, id);
	if (operation)
		answer_json(exchange->response, 200, view_operation(operation));
	else
		answer_problemf(exchange->response, 404, "There is no operation %s (any more).",
				name);
}
