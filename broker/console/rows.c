#include "broker/console/rows.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Numbers before texts before the rest: -1, 0 or 1. */
static int compare(const json_t *a, const json_t *b)
{
	bool number_a = json_is_number(a);
	bool number_b = json_is_number(b);

	if (number_a && number_b) {
		double difference = json_number_value(a) - json_number_value(b);

		return difference < 0 ? -1 : difference > 0;
	}
	if (number_a != number_b)
		return number_a ? -1 : 1;
	if (json_is_string(a) && json_is_string(b))
		return strcmp(json_string_value(a), json_string_value(b));
	if (json_is_string(a) != json_is_string(b))
		return json_is_string(a) ? -1 : 1;
	return (int)json_is_true(b) - (int)json_is_true(a);
}

static bool is_before(const json_t *a, const json_t *b, const char *key, bool descending)
{
	const json_t *left = json_object_get(a, key);
	const json_t *right = json_object_get(b, key);
	bool unknown_left = !left || json_is_null(left);
	bool unknown_right = !right || json_is_null(right);

	if (unknown_left || unknown_right)
		return !unknown_left && unknown_right;
	return descending ? compare(left, right) > 0 : compare(left, right) < 0;
}

static void name_members(const json_t *row, const char *key, char *why, size_t why_size)
{
	const char *separator = "";
	const char *name;
	json_t *value;

	snprintf(why, why_size, "there is no column %.40s; there are ", key);
	json_object_foreach((json_t *)row, name, value)
	{
		size_t len = strlen(why);

		if (json_is_object(value) || json_is_array(value))
			continue;
		snprintf(why + len, why_size - len, "%s%s", separator, name);
		separator = ", ";
	}
}

/* Lists are short: what is inserted one by one keeps the order of equals. */
enum wsb_err rows_sort(json_t *rows, const char *column, char *why, size_t why_size)
{
	bool descending = column[0] == '-';
	const char *key = column + (descending ? 1 : 0);

	if (json_array_size(rows) == 0)
		return WSB_OK;
	if (!json_object_get(json_array_get(rows, 0), key)) {
		name_members(json_array_get(rows, 0), key, why, why_size);
		return WSB_EINVAL;
	}
	for (size_t i = 1; i < json_array_size(rows); i++) {
		json_t *row = json_incref(json_array_get(rows, i));
		size_t at = i;

		while (at > 0 && is_before(row, json_array_get(rows, at - 1), key, descending))
			at--;
		if (at != i &&
		    (json_array_remove(rows, i) != 0 || json_array_insert(rows, at, row) != 0)) {
			json_decref(row);
			return WSB_ENOMEM;
		}
		json_decref(row);
	}
	return WSB_OK;
}
