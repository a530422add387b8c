#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "broker/admin/admin.h"
#include "broker/control/history.h"
#include "broker/control/operation.h"
#include "broker/control/requests.h"
#include "broker/control/setting.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/control/sample.h"

/* What the API stands on. */
struct stage {
	struct sample sample;
	struct journal *journal;
	struct history *history;
	struct requests requests;
	struct operations operations;
	struct configuration configuration;
	size_t applied; /* changes of any kind */
};

static enum wsb_err take_snapshot(void *instance, enum snapshot_extent extent, struct snapshot *out)
{
	struct stage *stage = instance;

	*out = stage->sample.snapshot;
	out->history = stage->history;
	out->requests = &stage->requests;
	out->operations = &stage->operations;
	if (extent != SNAPSHOT_CONNECTIONS)
		out->connection_count = 0;
	return WSB_OK;
}

static enum wsb_err take_page(void *instance, const struct cache_query *query,
			      struct cache_page *out)
{
	static const char *const tags[] = {"property:42", "\""};
	static struct cache_entry_view entry = {
		.key = "k", .method = "get", .tags = tags, .tag_count = 2, .state = "fresh"};

	(void)instance;
	must(query->limit >= 1 && query->limit <= 1000);
	*out = (struct cache_page){.entries = &entry, .count = 1, .next = query->cursor ^ 1};
	return WSB_OK;
}

/* What the step is, if there is one, is taken as a broker takes it. */
static enum wsb_err conclude(struct stage *stage, struct config_step *step, enum wsb_err err,
			     const struct strbuf *errors)
{
	must((err == WSB_OK) == (errors->len == 0));
	if (err == WSB_OK)
		configuration_take(&stage->configuration, step);
	stage->applied++;
	return err;
}

static enum wsb_err reload(void *instance, const char *actor, const char *reason,
			   struct strbuf *errors)
{
	struct stage *stage = instance;
	struct config_step step;

	(void)reason;
	must(actor);
	return conclude(stage, &step, configuration_reread(&stage->configuration, &step, errors),
			errors);
}

static enum wsb_err set(void *instance, const struct override *change, struct strbuf *errors)
{
	struct stage *stage = instance;
	struct config_step step;

	must(change->actor && change->reason && change->key && change->value);
	return conclude(stage, &step,
			configuration_set(&stage->configuration, change, &step, errors), errors);
}

/* Each command gets another of the possible outcomes. */
static void apply(void *instance, const struct command *command, struct outcome *outcome)
{
	struct stage *stage = instance;
	enum outcome_kind kind = (enum outcome_kind)(stage->applied++ % (OUTCOME_NO_MEMORY + 1));

	must(command->actor && strcmp(command->actor, "loopback") == 0);
	must(!command->pool || strlen(command->pool) < ADMIN_NAME_MAX);
	*outcome = (struct outcome){.kind = kind, .detail = "so"};
	if (kind == OUTCOME_ACCEPTED)
		outcome->operation = operation_begin(&stage->operations, command, 1)->id;
}

/* Takes a line off *rest. */
static struct span next_line(struct span *rest)
{
	const char *end = memchr(rest->at, '\n', rest->len);
	struct span line = span_of(rest->at, end ? (size_t)(end - rest->at) : rest->len);

	*rest = end ? span_of(end + 1, rest->len - line.len - 1) : span_of(rest->at + rest->len, 0);
	return line;
}

static void check(const struct admin_response *response, const struct stage *stage, bool reads)
{
	static const int statuses[] = {200, 202, 400, 403, 404, 405, 409, 413, 415, 422, 500, 503};
	json_t *body = NULL;
	size_t at = 0;

	while (at < sizeof(statuses) / sizeof(statuses[0]) && statuses[at] != response->status)
		at++;
	must(at < sizeof(statuses) / sizeof(statuses[0]));
	must(response->content_type);
	must(!reads || stage->applied == 0);
	if (!strstr(response->content_type, "json"))
		return;
	body = json_loadb(strbuf_span(&response->body).at, response->body.len, 0, NULL);
	must(body);
	must(response->status < 400 || response->status == 503 ||
	     json_integer_value(json_object_get(body, "status")) == response->status);
	json_decref(body);
}

static enum wsb_err missed(void *instance, struct strbuf *out)
{
	(void)instance;
	strbuf_text(out, "{}");
	return WSB_OK;
}

static void ask(struct stage *stage, struct span text)
{
	static const struct admin_settings settings = {0};
	struct admin_backend backend = {.instance = stage,
					.settings = &settings,
					.snapshot = take_snapshot,
					.cache_page = take_page,
					.configuration = &stage->configuration,
					.reload = reload,
					.set = set,
					.history = stage->history,
					.journal = stage->journal,
					.missed = missed,
					.apply = apply};
	struct admin_request request = {.content_type = span_text("application/json"),
					.wall_us = 1000000000};
	struct admin_response response = {.status = 0};
	struct admin_call call;

	request.method = next_line(&text);
	request.path = next_line(&text);
	request.query = next_line(&text);
	request.accept = next_line(&text);
	request.last_event_id = next_line(&text);
	request.credentials.host = next_line(&text);
	request.has_body = text.len > 0;
	request.content_length = text.len;
	strbuf_init(&response.body);
	if (admin_begin(&backend, &request, &call, &response)) {
		admin_finish(&backend, &call, text, &response);
		if (response.stream == STREAM_EVENTS)
			feed_step(&response.feed, stage->history, 1, &response.body);
		if (response.stream == STREAM_INVALIDATIONS)
			must(invalidation_feed_step(&response.invalidations, &backend, 1000, 1,
						    &response.body));
	}
	check(&response, stage, span_is(request.method, "GET"));
	strbuf_fini(&response.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct history_event event = {.type = "pool.resized", .pool = "main", .wall_us = 1000};
	struct request_end end = {.wall_us = 1000, .result = RESULT_TIMEOUT, .pool = "main"};
	struct requests_settings requests = {.slow_us = 1};
	const struct span tag = span_text("property:42");
	const struct event invalidated = {.source = span_text("/wsbroker/a/1"),
					  .id = span_text("1"),
					  .what = {.tags = &tag, .tag_count = 1},
					  .cause = span_text("push")};
	static const char *const urls[] = {"ws://a:1/", "ws://b:1/"};
	struct stage stage = {0};
	struct strbuf errors;

	strbuf_init(&errors);
	must(configuration_open(&stage.configuration, NULL, urls, 2, &errors, &errors) == WSB_OK);
	strbuf_fini(&errors);
	sample_init(&stage.sample);
	must(history_create(&stage.history) == WSB_OK);
	must(journal_create(&stage.journal, 1700000000000, 1) == WSB_OK);
	must(journal_append(stage.journal, &invalidated, NULL) == WSB_OK);
	must(requests_init(&stage.requests, requests) == WSB_OK);
	must(operations_init(&stage.operations) == WSB_OK);
	history_add(stage.history, &event);
	requests_end(&stage.requests, NULL, &end);
	ask(&stage, span_of((const char *)data, size));
	history_destroy(stage.history);
	journal_destroy(stage.journal);
	requests_fini(&stage.requests);
	operations_fini(&stage.operations);
	configuration_close(&stage.configuration);
	return 0;
}
