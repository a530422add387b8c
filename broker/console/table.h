/* broker/console/table.h: rows of cells as aligned text. */
#ifndef WSB_BROKER_CONSOLE_TABLE_H
#define WSB_BROKER_CONSOLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/strbuf.h"

#define TABLE_CELL_MAX 64

struct table_column {
	const char *title;
	bool right; /* numbers stand at the right */
};

struct table {
	const struct table_column *columns; /* borrowed */
	size_t column_count;
	/* Longer texts that are not at the end of a row are cut, so that one of them does not push
	 * the columns of all rows aside; 0: none are. TABLE_CELL_MAX unless it is changed. */
	size_t widest;
	struct strbuf cells; /* terminated texts, one after another */
	size_t cell_count;
};

void table_init(struct table *table, const struct table_column *columns, size_t column_count);
void table_fini(struct table *table);

/* The next cell, row by row. What could steer a terminal is escaped. */
void table_cell(struct table *table, const char *text);
void table_printf(struct table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends the titles and all whole rows; two spaces stand between columns, none at a line's end. */
void table_write(const struct table *table, struct strbuf *out);

#endif
