#include "broker/console/cells.h"

const char *cells_text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

void cell_text(struct table *table, const json_t *object, const char *key)
{
	table_cell(table, cells_text_of(object, key));
}

void cell_number(struct table *table, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_integer(value))
		table_printf(table, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else
		table_cell(table, "-");
}

/* "7/10" */
void cell_share(struct table *table, const json_t *object, const char *part, const char *whole)
{
	table_printf(table, "%" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT,
		     json_integer_value(json_object_get(object, part)),
		     json_integer_value(json_object_get(object, whole)));
}

/* null and what is missing become "-". */
void cells_duration_text(const json_t *object, const char *key, char text[HUMAN_TEXT_MAX])
{
	const json_t *value = json_object_get(object, key);

	human_duration(json_is_number(value) ? json_number_value(value) : -1, text);
}

void cell_duration(struct table *table, const json_t *object, const char *key)
{
	char text[HUMAN_TEXT_MAX];

	cells_duration_text(object, key, text);
	table_cell(table, text);
}

void cell_bytes(struct table *table, const json_t *object, const char *key)
{
	char text[HUMAN_TEXT_MAX];

	human_bytes(json_number_value(json_object_get(object, key)), text);
	table_cell(table, text);
}

void cell_rate(struct table *table, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_number(value))
		table_printf(table, "%.1f/s", json_number_value(value));
	else
		table_cell(table, "-");
}
