#include "broker/console/rows.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* What an operator types: the title of the column in a table is the member's name in capitals,
 * perhaps without its unit: P99, CONN. NULL: there is no such member. */
static const char *find_member(const json_t *row, const char *key)
{
	const char *begins = NULL;
	const char *name;
	json_t *value;

	if (json_object_get(row, key))
		return key;
	json_object_foreach((json_t *)row, name, value)
	{
		if (json_is_object(value) || json_is_array(value))
			continue;
		if (strcasecmp(name, key) == 0)
			return name;
		if (!begins && strncasecmp(name, key, strlen(key)) == 0)
			begins = name;
	}
	return begins;
}

struct placed {
	json_t *row; /* borrowed from the array that is sorted */
	size_t place;
};

struct order {
	const char *key;
	bool descending;
};

/* Equals keep their order. */
static int compare_placed(const void *left, const void *right, void *context)
{
	const struct placed *a = left;
	const struct placed *b = right;
	const struct order *order = context;

	if (is_before(a->row, b->row, order->key, order->descending))
		return -1;
	if (is_before(b->row, a->row, order->key, order->descending))
		return 1;
	return a->place < b->place ? -1 : 1;
}

/* A list may have a hundred thousand rows. */
static enum wsb_err sort_by(json_t *rows, struct order *order)
{
	size_t count = json_array_size(rows);
	struct placed *placed = calloc(count, sizeof(*placed));
	json_t *sorted = json_array();
	enum wsb_err err = placed && sorted ? WSB_OK : WSB_ENOMEM;

	for (size_t i = 0; !err && i < count; i++)
		placed[i] = (struct placed){json_array_get(rows, i), i};
	if (!err)
		qsort_r(placed, count, sizeof(*placed), compare_placed, order);
	for (size_t i = 0; !err && i < count; i++)
		err = json_array_append(sorted, placed[i].row) == 0 ? WSB_OK : WSB_ENOMEM;
	if (!err && (json_array_clear(rows) != 0 || json_array_extend(rows, sorted) != 0))
		err = WSB_ENOMEM;
	json_decref(sorted);
	free(placed);
	return err;
}

enum wsb_err rows_sort(json_t *rows, const char *column, char *why, size_t why_size)
{
	struct order order = {.descending = column[0] == '-'};
	const char *key = column + (order.descending ? 1 : 0);

	if (json_array_size(rows) == 0)
		return WSB_OK;
	order.key = find_member(json_array_get(rows, 0), key);
	if (!order.key) {
		name_members(json_array_get(rows, 0), key, why, why_size);
		return WSB_EINVAL;
	}
	return sort_by(rows, &order);
}
