#include "broker/console/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "broker/console/ask.h"
#include "broker/console/cells.h"
#include "broker/console/console.h"
#include "broker/console/show.h"
#include "proto/admin_api.h"

/* A page that nobody reads to its end helps nobody. */
#define EVENT_ROWS_MAX	 200
#define REQUEST_ROWS_MAX 20

/* Text as it may stand in a cell of a table. */
static void add_cell(struct strbuf *out, const char *text)
{
	strbuf_text(out, " ");
	for (size_t len; *text; text += len) {
		len = strcspn(text, "|`<");
		strbuf_plain(out, span_of(text, len));
		if (text[len]) {
			strbuf_text(out, "\\");
			strbuf_add(out, span_of(text + len, 1));
			len++;
		}
	}
	strbuf_text(out, " |");
}

static void add_duration(struct strbuf *out, const json_t *object, const char *key)
{
	char text[HUMAN_TEXT_MAX];

	cells_duration_text(object, key, text);
	add_cell(out, text);
}

static void add_number(struct strbuf *out, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value))
		strbuf_printf(out, " %" JSON_INTEGER_FORMAT " |", json_integer_value(value));
	else if (json_is_real(value))
		strbuf_printf(out, " %.1f |", json_real_value(value));
	else
		strbuf_text(out, " - |");
}

static void add_head(const struct report_data *data, struct strbuf *out)
{
	const json_t *reasons = json_object_get(data->status, "reasons");

	strbuf_text(out, "# wsbroker ");
	strbuf_plain(out, span_text(cells_text_of(data->status, "node")));
	strbuf_text(out, "\n\nSince ");
	strbuf_plain(out, span_text(data->since));
	strbuf_text(out, ". Verdict now: **");
	strbuf_plain(out, span_text(cells_text_of(data->status, "verdict")));
	strbuf_text(out, "**.\n");
	for (size_t i = 0; i < json_array_size(reasons); i++) {
		const json_t *reason = json_array_get(reasons, i);

		strbuf_text(out, i == 0 ? "\n- " : "- ");
		strbuf_plain(out, span_text(cells_text_of(reason, "text")));
		strbuf_text(out, " (`");
		strbuf_plain(out, span_text(cells_text_of(reason, "command")));
		strbuf_text(out, "`)\n");
	}
}

static void add_endpoints(const struct report_data *data, struct strbuf *out)
{
	strbuf_text(out,
		    "\n## Endpoints\n\n"
		    "| endpoint | state | rate /s | p50 | p99 | requests | errors | ejections |\n"
		    "|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < json_array_size(data->endpoints); i++) {
		const json_t *endpoint = json_array_get(data->endpoints, i);

		strbuf_text(out, "| ");
		strbuf_plain(out, span_text(cells_text_of(endpoint, "pool")));
		strbuf_text(out, "/");
		strbuf_plain(out, span_text(cells_text_of(endpoint, "name")));
		strbuf_text(out, " |");
		add_cell(out, cells_text_of(endpoint, "state"));
		add_number(out, endpoint, "rate");
		add_duration(out, endpoint, "p50");
		add_duration(out, endpoint, "p99");
		add_number(out, endpoint, "requests");
		add_number(out, endpoint, "errors");
		add_number(out, endpoint, "ejections");
		strbuf_text(out, "\n");
	}
}

/* What people did; the rest the broker did by itself. */
static bool is_change(const json_t *event)
{
	return strcmp(cells_text_of(event, "actor"), "broker") != 0 &&
	       strncmp(cells_text_of(event, "type"), "operation.", 10) != 0;
}

static void add_event_row(const json_t *event, struct strbuf *out)
{
	strbuf_text(out, "|");
	add_cell(out, cells_text_of(event, "time"));
	add_cell(out, cells_text_of(event, "type"));
	add_cell(out, cells_text_of(event, "object"));
	add_cell(out, cells_text_of(event, "before"));
	add_cell(out, cells_text_of(event, "after"));
	add_cell(out, cells_text_of(event, "reason"));
	add_cell(out, cells_text_of(event, "actor"));
	add_cell(out, cells_text_of(event, "detail"));
	strbuf_text(out, "\n");
}

/* The latest, oldest first; connections come and go too often to be listed one by one. */
static void add_events(const struct report_data *data, const char *title, bool changes,
		       struct strbuf *out)
{
	size_t count = json_array_size(data->events);
	size_t first = count;
	size_t rows = 0;

	while (first > 0 && rows < EVENT_ROWS_MAX) {
		const json_t *event = json_array_get(data->events, --first);
		bool listed = strncmp(cells_text_of(event, "type"), "connection.", 11) != 0;

		rows += is_change(event) == changes && listed ? 1 : 0;
	}
	strbuf_printf(out, "\n## %s\n\n", title);
	if (rows == 0) {
		strbuf_text(out, "None.\n");
		return;
	}
	strbuf_text(out, "| time | type | object | before | after | reason | actor | detail |\n"
			 "|---|---|---|---|---|---|---|---|\n");
	for (size_t i = first; i < count; i++) {
		const json_t *event = json_array_get(data->events, i);

		if (is_change(event) == changes &&
		    strncmp(cells_text_of(event, "type"), "connection.", 11) != 0)
			add_event_row(event, out);
	}
}

static void add_counts(const struct report_data *data, struct strbuf *out)
{
	json_t *counts = json_object();
	const char *type;
	json_t *count;

	for (size_t i = 0; i < json_array_size(data->events); i++) {
		const char *each = cells_text_of(json_array_get(data->events, i), "type");
		json_int_t before = json_integer_value(json_object_get(counts, each));

		json_object_set_new(counts, each, json_integer(before + 1));
	}
	strbuf_text(out, "\n## Events by type\n\n| type | count |\n|---|---|\n");
	json_object_foreach(counts, type, count)
	{
		strbuf_text(out, "|");
		add_cell(out, type);
		strbuf_printf(out, " %" JSON_INTEGER_FORMAT " |\n", json_integer_value(count));
	}
	json_decref(counts);
}

static void add_requests(const struct report_data *data, struct strbuf *out)
{
	size_t count = json_array_size(data->requests);
	size_t first = count > REQUEST_ROWS_MAX ? count - REQUEST_ROWS_MAX : 0;

	strbuf_printf(out, "\n## Requests that failed or were slow\n\n%zu are kept", count);
	if (count == 0) {
		strbuf_text(out, ".\n");
		return;
	}
	strbuf_printf(
		out,
		"; the latest %zu:\n\n| time | method | result | duration | queued | upstream "
		"| endpoint | attempts |\n|---|---|---|---|---|---|---|---|\n",
		count - first);
	for (size_t i = first; i < count; i++) {
		const json_t *request = json_array_get(data->requests, i);

		strbuf_text(out, "|");
		add_cell(out, cells_text_of(request, "time"));
		add_cell(out, cells_text_of(request, "method"));
		add_cell(out, cells_text_of(request, "result"));
		add_duration(out, request, "duration_seconds");
		add_duration(out, request, "queued_seconds");
		add_duration(out, request, "upstream_seconds");
		add_cell(out, cells_text_of(request, "endpoint"));
		add_number(out, request, "attempts");
		strbuf_text(out, "\n");
	}
}

void report_write(const struct report_data *data, struct strbuf *out)
{
	add_head(data, out);
	add_events(data, "Changes by people", true, out);
	add_events(data, "What happened", false, out);
	add_endpoints(data, out);
	add_requests(data, out);
	add_counts(data, out);
}

static int ask_since(const struct invocation *invocation, const char *base, const char *since,
		     struct answer *answer)
{
	struct strbuf path;
	int code;

	strbuf_init(&path);
	strbuf_text(&path, base);
	strbuf_text(&path, "?since=");
	ask_escape(&path, since);
	code = ask_get(invocation->client, strbuf_span(&path).at, JSON_ARRAY, answer);
	strbuf_fini(&path);
	return code;
}

/* What the page is made of, for who makes another one. */
static int add_json(const struct report_data *data, struct strbuf *out)
{
	json_t *all = json_pack("{s:s, s:O, s:O, s:O, s:O}", "since", data->since, "status",
				data->status, "endpoints", data->endpoints, "events", data->events,
				"requests", data->requests);
	char *text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;

	json_decref(all);
	if (!text)
		return ask_complain(EXIT_FAILED, "out of memory", "");
	strbuf_printf(out, "%s\n", text);
	free(text);
	return EXIT_DONE;
}

int report_run(const struct invocation *invocation)
{
	struct report_data data = {.since = invocation->arguments->since};
	struct answer answers[4];
	struct strbuf page;
	int code;

	if (!data.since)
		data.since = "24h";
	for (size_t i = 0; i < 4; i++)
		answer_init(&answers[i]);
	strbuf_init(&page);
	code = ask_get(invocation->client, ADMIN_STATUS, JSON_OBJECT, &answers[0]);
	if (code == EXIT_DONE)
		code = ask_get(invocation->client, ADMIN_ENDPOINTS, JSON_ARRAY, &answers[1]);
	if (code == EXIT_DONE)
		code = ask_since(invocation, ADMIN_EVENTS, data.since, &answers[2]);
	if (code == EXIT_DONE)
		code = ask_since(invocation, ADMIN_REQUESTS, data.since, &answers[3]);
	if (code == EXIT_DONE) {
		data.status = answers[0].value;
		data.endpoints = answers[1].value;
		data.events = answers[2].value;
		data.requests = answers[3].value;
		code = invocation->arguments->json ? add_json(&data, &page) : EXIT_DONE;
		if (!invocation->arguments->json)
			report_write(&data, &page);
		code = code == EXIT_DONE ? show_text(&page) : code;
	}
	for (size_t i = 0; i < 4; i++)
		answer_fini(&answers[i]);
	strbuf_fini(&page);
	return code;
}
