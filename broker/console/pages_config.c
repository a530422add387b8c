#include "broker/console/pages_config.h"

#include <string.h>
#include "broker/console/cells.h"

/* A long value does not push the rest out of sight. */
#define VALUE_BYTES_MAX 40

/* Appends a value as a file would have it, "-" where there is none. */
static void add_value(const json_t *value, struct strbuf *out)
{
	if (json_is_string(value))
		strbuf_plain(out, span_text(json_string_value(value)));
	else if (json_is_integer(value))
		strbuf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		strbuf_printf(out, "%.15g", json_real_value(value));
	else if (json_is_boolean(value))
		strbuf_text(out, json_is_true(value) ? "true" : "false");
	else
		strbuf_text(out, "-");
}

static void cell_value(struct table *table, const json_t *value)
{
	size_t len = VALUE_BYTES_MAX;
	struct strbuf text;

	strbuf_init(&text);
	add_value(value, &text);
	while (len < text.len && ((unsigned char)text.text[len] & 0xc0) == 0x80)
		len--;
	if (text.len <= VALUE_BYTES_MAX)
		table_cell(table, strbuf_span(&text).at);
	else
		table_printf(table, "%.*s…", (int)len, strbuf_span(&text).at);
	strbuf_fini(&text);
}

/* How the key is changed, and what waits for a restart. */
static void cell_change(struct table *table, const json_t *row)
{
	const json_t *pending = json_object_get(row, "pending");
	struct strbuf text;

	strbuf_init(&text);
	if (json_is_true(json_object_get(row, "changeable")))
		strbuf_text(&text, "yes");
	else
		strbuf_text(&text, json_is_true(json_object_get(row, "needs_restart")) ? "restart"
										       : "file");
	if (pending && !json_is_null(pending)) {
		strbuf_text(&text, ": ");
		add_value(pending, &text);
	}
	table_cell(table, strbuf_span(&text).at);
	strbuf_fini(&text);
}

void page_config(const json_t *rows, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"KEY", false},	   {"VALUE", false}, {"DEFAULT", false}, {"SOURCE", false},
		{"CHANGE", false}, {"WHO", false},   {"WHEN", false},	 {"WHY", false},
	};
	const json_t *only = json_array_get(rows, 0);
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	table.widest = 0; /* what may be copied is whole */
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		cell_text(&table, row, "key");
		cell_value(&table, json_object_get(row, "value"));
		cell_value(&table, json_object_get(row, "default"));
		cell_text(&table, row, "source");
		cell_change(&table, row);
		cell_text(&table, row, "who");
		cell_text(&table, row, "when");
		cell_text(&table, row, "why");
	}
	table_write(&table, out);
	table_fini(&table);
	if (json_array_size(rows) != 1 || !json_is_string(json_object_get(only, "description")))
		return;
	strbuf_text(out, "\n");
	strbuf_plain(out, span_text(cells_text_of(only, "description")));
	strbuf_text(out, "\nA value is ");
	strbuf_plain(out, span_text(cells_text_of(only, "allowed")));
	strbuf_text(out, ".\n");
}

void page_config_diff(const json_t *diff, struct strbuf *out)
{
	const char *yaml = json_string_value(json_object_get(diff, "yaml"));

	/* It holds what strangers wrote, but as text of YAML: lines are all that it may have. */
	for (; yaml && *yaml; yaml += strcspn(yaml, "\n") + (yaml[strcspn(yaml, "\n")] ? 1 : 0)) {
		strbuf_plain(out, span_of(yaml, strcspn(yaml, "\n")));
		strbuf_text(out, "\n");
	}
}

/* "changed: limits.batch: 100 -> 7"; an entry of a list has come or gone as a whole. */
static void add_change(const char *what, const json_t *change, struct strbuf *out)
{
	const json_t *before = json_object_get(change, "before");
	const json_t *after = json_object_get(change, "after");
	bool whole = strcmp(cells_text_of(change, "before"), "present") == 0 ||
		     strcmp(cells_text_of(change, "after"), "present") == 0;

	if (whole && strcmp(what, "changed") == 0)
		what = json_is_null(before) ? "added" : "removed";
	strbuf_printf(out, "%s: ", what);
	strbuf_plain(out, span_text(cells_text_of(change, "key")));
	if (!whole && json_equal(before, after)) {
		strbuf_text(out, ": ");
		add_value(after, out);
		strbuf_text(out, " holds something else now");
	} else if (!whole) {
		strbuf_text(out, ": ");
		add_value(before, out);
		strbuf_text(out, " -> ");
		add_value(after, out);
	}
	strbuf_text(out, "\n");
}

/* What lies over the file since somebody changed it at runtime: why the file's value is not taken.
 */
static void add_kept(const json_t *change, struct strbuf *out)
{
	const json_t *running = json_object_get(change, "before");
	const json_t *file = json_object_get(change, "after");

	strbuf_text(out, "kept as changed at runtime: ");
	strbuf_plain(out, span_text(cells_text_of(change, "key")));
	if (json_is_null(running))
		strbuf_text(out, ": removed");
	else if (strcmp(cells_text_of(change, "before"), "present") == 0)
		strbuf_text(out, ": added");
	else {
		strbuf_text(out, ": ");
		add_value(running, out);
		strbuf_text(out, "; in the file: ");
		add_value(file, out);
	}
	strbuf_text(out, "\n");
}

static void add_changed(const json_t *step, struct strbuf *out)
{
	const json_t *changed = json_object_get(step, "changed");

	for (size_t i = 0; i < json_array_size(changed); i++)
		add_change("changed", json_array_get(changed, i), out);
	if (json_array_size(changed) == 0)
		strbuf_text(
			out,
			"no value has changed; certificates, keys and tokens were read again\n");
}

void page_config_reload(const json_t *step, struct strbuf *out)
{
	const json_t *kept = json_object_get(step, "kept");
	const json_t *waiting = json_object_get(step, "restart_needed");

	add_changed(step, out);
	for (size_t i = 0; i < json_array_size(kept); i++)
		add_kept(json_array_get(kept, i), out);
	for (size_t i = 0; i < json_array_size(waiting); i++)
		add_change("needs a restart", json_array_get(waiting, i), out);
	strbuf_text(out, "reloaded\n");
}

/* Whoever restarts the broker tomorrow may expect something else. */
void page_config_set(const json_t *step, struct strbuf *out)
{
	add_changed(step, out);
	if (json_is_null(json_object_get(step, "state")) &&
	    json_array_size(json_object_get(step, "changed")) > 0)
		strbuf_text(out, "until the next start: the configuration names no `state` file\n");
}
