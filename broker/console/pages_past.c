#include "broker/console/pages_past.h"

#include <stdio.h>
#include <string.h>
#include "broker/console/cells.h"

#define COLUMNS(columns) (sizeof(columns) / sizeof((columns)[0]))

/* "up -> down", or what there is of it. */
static void cell_step(struct table *table, const json_t *event)
{
	const char *before = json_string_value(json_object_get(event, "before"));
	const char *after = json_string_value(json_object_get(event, "after"));

	if (before && after)
		table_printf(table, "%s -> %s", before, after);
	else
		table_cell(table, after ? after : before ? before : "-");
}

void event_brief_init(struct event_brief *brief)
{
	*brief = (struct event_brief){.failing = json_object()};
}

void event_brief_fini(struct event_brief *brief)
{
	json_decref(brief->failing);
}

/* It has to be told what is new: an endpoint that came up in between, or another failure. */
static bool fails_as_before(struct event_brief *brief, const char *endpoint, const json_t *event)
{
	const char *before = json_string_value(json_object_get(brief->failing, endpoint));
	struct strbuf why;
	bool same;

	strbuf_init(&why);
	event_why(event, &why);
	same = before && strcmp(before, strbuf_span(&why).at) == 0;
	if (!same)
		json_object_set_new(brief->failing, endpoint, json_string(strbuf_span(&why).at));
	strbuf_fini(&why);
	return same;
}

bool event_brief_omits(struct event_brief *brief, const json_t *event)
{
	const char *type = cells_text_of(event, "type");
	const char *before = cells_text_of(event, "before");
	char endpoint[256];

	if (strcmp(type, "connection.dialing") == 0 || strcmp(type, "connection.warming") == 0)
		return true;
	snprintf(endpoint, sizeof(endpoint), "%s/%s", cells_text_of(event, "pool"),
		 cells_text_of(event, "endpoint"));
	if (strcmp(type, "connection.ready") == 0)
		json_object_del(brief->failing, endpoint);
	if (strcmp(type, "connection.closed") != 0 ||
	    (strcmp(before, "dialing") != 0 && strcmp(before, "warming") != 0) ||
	    !fails_as_before(brief, endpoint, event))
		return false;
	brief->left_out++;
	return true;
}

static const char *text_or_none(const json_t *event, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	return text ? text : "";
}

void event_why(const json_t *event, struct strbuf *out)
{
	const char *reason = text_or_none(event, "reason");
	const char *detail = text_or_none(event, "detail");
	size_t len = strlen(reason);

	if (len == 0 || strncmp(detail, reason, len) != 0 ||
	    (detail[len] != '\0' && detail[len] != ':')) {
		strbuf_plain(out, span_text(reason));
		strbuf_text(out, reason[0] && detail[0] ? ": " : "");
	}
	strbuf_plain(out, span_text(detail));
}

void event_object(const json_t *event, struct strbuf *out)
{
	const char *object = cells_text_of(event, "object");
	const char *endpoint = json_string_value(json_object_get(event, "endpoint"));

	if (endpoint && strncmp(object, "connection ", 11) == 0) {
		strbuf_plain(out, span_text(cells_text_of(event, "pool")));
		strbuf_text(out, "/");
		strbuf_plain(out, span_text(endpoint));
		strbuf_text(out, " ");
	}
	strbuf_plain(out, span_text(object));
}

static void cell_object(struct table *table, const json_t *event)
{
	struct strbuf object;

	strbuf_init(&object);
	event_object(event, &object);
	table_cell(table, strbuf_span(&object).len > 0 ? strbuf_span(&object).at : "-");
	strbuf_fini(&object);
}

/* What the reason has said already is not said again. */
static void cell_detail(struct table *table, const json_t *event)
{
	const char *detail = cells_text_of(event, "detail");

	table_cell(table, strcmp(detail, cells_text_of(event, "reason")) == 0 ? "-" : detail);
}

static void write_events(const json_t *events, bool brief, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"TIME", false},   {"TYPE", false},  {"OBJECT", false}, {"CHANGE", false},
		{"REASON", false}, {"ACTOR", false}, {"DETAIL", false},
	};
	struct event_brief told;
	struct table table;

	event_brief_init(&told);
	table_init(&table, columns, COLUMNS(columns));
	for (size_t i = 0; i < json_array_size(events); i++) {
		const json_t *event = json_array_get(events, i);

		if (brief && event_brief_omits(&told, event))
			continue;
		cell_text(&table, event, "time");
		cell_text(&table, event, "type");
		cell_object(&table, event);
		cell_step(&table, event);
		cell_text(&table, event, "reason");
		cell_text(&table, event, "actor");
		cell_detail(&table, event);
	}
	table_write(&table, out);
	if (told.left_out > 0)
		strbuf_printf(out, "(%zu more dials that failed as the one before: --all)\n",
			      told.left_out);
	table_fini(&table);
	event_brief_fini(&told);
}

void page_events(const json_t *events, struct strbuf *out)
{
	write_events(events, false, out);
}

void page_events_in_brief(const json_t *events, struct strbuf *out)
{
	write_events(events, true, out);
}

static void add_word(struct strbuf *out, const json_t *event, const char *label, const char *key)
{
	const char *text = json_string_value(json_object_get(event, key));

	if (!text)
		return;
	strbuf_text(out, label);
	strbuf_plain(out, span_text(text));
}

void line_of_event(const json_t *event, struct strbuf *out)
{
	add_word(out, event, "", "time");
	add_word(out, event, "  ", "type");
	strbuf_text(out, "  ");
	event_object(event, out);
	add_word(out, event, "  ", "before");
	add_word(out, event, " -> ", "after");
	strbuf_text(out, "  ");
	event_why(event, out);
	add_word(out, event, "  by ", "actor");
	strbuf_text(out, "\n");
}

void page_requests(const json_t *requests, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"TIME", false},     {"METHOD", false}, {"RESULT", false},  {"REASON", false},
		{"DURATION", true},  {"QUEUED", true},	{"UPSTREAM", true}, {"ATTEMPTS", true},
		{"ENDPOINT", false}, {"CONN", true},	{"CLIENT", true},   {"IDENTITY", false},
		{"LIMIT", false},    {"CACHE", false},
	};
	struct table table;

	table_init(&table, columns, COLUMNS(columns));
	for (size_t i = 0; i < json_array_size(requests); i++) {
		const json_t *request = json_array_get(requests, i);

		cell_text(&table, request, "time");
		cell_text(&table, request, "method");
		cell_text(&table, request, "result");
		cell_text(&table, request, "reason");
		cell_duration(&table, request, "duration_seconds");
		cell_duration(&table, request, "queued_seconds");
		cell_duration(&table, request, "upstream_seconds");
		cell_number(&table, request, "attempts");
		table_printf(&table, "%s/%s", cells_text_of(request, "pool"),
			     cells_text_of(request, "endpoint"));
		cell_number(&table, request, "connection");
		cell_number(&table, request, "client");
		cell_text(&table, request, "identity");
		cell_text(&table, request, "limit");
		cell_text(&table, request, "cache");
	}
	table_write(&table, out);
	table_fini(&table);
}

void page_operations(const json_t *operations, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"ID", true},	   {"STARTED", false}, {"KIND", false},
		{"OBJECT", false}, {"STATE", false},   {"DONE", true},
		{"ACTOR", false},  {"REASON", false},  {"TEXT", false},
	};
	struct table table;

	table_init(&table, columns, COLUMNS(columns));
	for (size_t i = 0; i < json_array_size(operations); i++) {
		const json_t *operation = json_array_get(operations, i);
		const char *endpoint = json_string_value(json_object_get(operation, "endpoint"));

		cell_number(&table, operation, "id");
		cell_text(&table, operation, "started");
		cell_text(&table, operation, "kind");
		table_printf(&table, "%s%s%s", cells_text_of(operation, "pool"),
			     endpoint ? "/" : "", endpoint ? endpoint : "");
		cell_text(&table, operation, "state");
		if (json_integer_value(json_object_get(operation, "total")) > 0)
			cell_share(&table, operation, "done", "total");
		else
			table_cell(&table, "-");
		cell_text(&table, operation, "actor");
		cell_text(&table, operation, "reason");
		cell_text(&table, operation, "text");
	}
	table_write(&table, out);
	table_fini(&table);
}
