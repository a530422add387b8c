#include "broker/console/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS_MAX 24
#define CELL_BYTES  512

void table_init(struct table *table, const struct table_column *columns, size_t column_count)
{
	assert(column_count > 0 && column_count <= COLUMNS_MAX);
	table->columns = columns;
	table->column_count = column_count;
	table->widest = TABLE_CELL_MAX;
	table->cell_count = 0;
	strbuf_init(&table->cells);
}

void table_fini(struct table *table)
{
	strbuf_fini(&table->cells);
}

/* Ends what begins at `from` with an ellipsis where it is wider. */
static void cut(struct strbuf *cells, size_t from, size_t widest)
{
	size_t width = 0;

	for (size_t at = from; at < cells->len; at++) {
		if (((unsigned char)cells->text[at] & 0xc0) == 0x80)
			continue;
		width++;
		if (width == widest)
			from = at;
		if (width <= widest)
			continue;
		cells->len = from;
		strbuf_text(cells, "…");
		return;
	}
}

void table_cell(struct table *table, const char *text)
{
	bool last = table->cell_count % table->column_count + 1 == table->column_count;
	size_t from = table->cells.len;

	strbuf_plain(&table->cells, span_text(text));
	if (table->widest > 0 && !last)
		cut(&table->cells, from, table->widest);
	strbuf_add(&table->cells, span_of("", 1));
	table->cell_count++;
}

void table_printf(struct table *table, const char *format, ...)
{
	char text[CELL_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	table_cell(table, text);
}

/* In characters, not bytes. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
	return width;
}

static void add_spaces(struct strbuf *out, size_t count)
{
	strbuf_printf(out, "%*s", (int)count, "");
}

static void add_cell(const struct table *table, const size_t *widths, size_t column,
		     const char *text, struct strbuf *out)
{
	size_t gap = widths[column] - width_of(text);
	bool last = column + 1 == table->column_count;

	if (table->columns[column].right)
		add_spaces(out, gap);
	strbuf_text(out, text);
	if (!table->columns[column].right && !last)
		add_spaces(out, gap);
	strbuf_text(out, last ? "\n" : "  ");
}

static void measure(const struct table *table, size_t rows, size_t widths[COLUMNS_MAX])
{
	const char *cell = table->cells.text;

	for (size_t column = 0; column < table->column_count; column++)
		widths[column] = width_of(table->columns[column].title);
	for (size_t i = 0; i < rows * table->column_count; i++) {
		size_t *width = &widths[i % table->column_count];
		size_t own = width_of(cell);

		*width = own > *width ? own : *width;
		cell += strlen(cell) + 1;
	}
}

void table_write(const struct table *table, struct strbuf *out)
{
	size_t rows = table->cells.failed ? 0 : table->cell_count / table->column_count;
	const char *cell = table->cells.text;
	size_t widths[COLUMNS_MAX];

	measure(table, rows, widths);
	for (size_t column = 0; column < table->column_count; column++)
		add_cell(table, widths, column, table->columns[column].title, out);
	for (size_t i = 0; i < rows * table->column_count; i++) {
		add_cell(table, widths, i % table->column_count, cell, out);
		cell += strlen(cell) + 1;
	}
}
