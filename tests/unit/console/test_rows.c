#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include "broker/console/rows.h"

static char why[512];

static void expect(const char *column, const char *order)
{
	json_t *rows = json_loads("[{\"n\": \"a\", \"x\": 3, \"s\": \"q\", \"f\": false},"
				  " {\"n\": \"b\", \"x\": null, \"s\": \"p\", \"f\": true},"
				  " {\"n\": \"c\", \"x\": 1.5, \"s\": \"q\", \"f\": false},"
				  " {\"n\": \"d\", \"x\": 20, \"s\": null, \"f\": true}]",
				  0, NULL);
	char found[8] = "";

	cr_assert_eq(rows_sort(rows, column, why, sizeof(why)), WSB_OK, "%s", why);
	cr_assert_eq(json_array_size(rows), 4);
	for (size_t i = 0; i < 4; i++)
		found[i] = json_string_value(json_object_get(json_array_get(rows, i), "n"))[0];
	cr_expect_str_eq(found, order, "by %s", column);
	json_decref(rows);
}

Test(rows, by_a_column)
{
	expect("n", "abcd");
	expect("-n", "dcba");
	expect("x", "cadb");
	expect("-x", "dacb");
	expect("s", "bacd");
	expect("-s", "acbd");
	expect("f", "bdac");
	expect("-f", "acbd");
}

Test(rows, a_column_is_found_as_the_table_calls_it)
{
	json_t *rows = json_loads("[{\"name\": \"a\", \"p99_seconds\": 2, \"Rate\": 1},"
				  " {\"name\": \"b\", \"p99_seconds\": 1, \"Rate\": 2}]",
				  0, NULL);
	static const char *const columns[] = {"p99", "P99", "-rate", "P99_SECONDS", "-NAME"};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		cr_expect_eq(rows_sort(rows, "name", why, sizeof(why)), WSB_OK);
		cr_expect_eq(rows_sort(rows, columns[i], why, sizeof(why)), WSB_OK);
		cr_expect_str_eq(
			json_string_value(json_object_get(json_array_get(rows, 0), "name")), "b",
			"by %s", columns[i]);
	}
	cr_expect_eq(rows_sort(rows, "ame", why, sizeof(why)), WSB_EINVAL);
	json_decref(rows);
}

Test(rows, a_hundred_thousand_are_sorted_at_once)
{
	json_t *rows = json_array();

	for (int i = 100000; i > 0; i--)
		json_array_append_new(rows, json_pack("{s:i, s:i}", "n", i / 2, "place", i));
	cr_expect_eq(rows_sort(rows, "n", why, sizeof(why)), WSB_OK);
	cr_assert_eq(json_array_size(rows), 100000);
	for (int i = 0; i < 100000; i++) {
		const json_t *row = json_array_get(rows, (size_t)i);

		cr_assert_eq(json_integer_value(json_object_get(row, "n")), (i + 1) / 2);
	}
	/* Of two equal ones, that which stood first comes first: 3 before 2. */
	cr_expect_eq(json_integer_value(json_object_get(json_array_get(rows, 1), "place")), 3);
	json_decref(rows);
}

Test(rows, an_unknown_column_names_those_there_are)
{
	json_t *rows = json_loads("[{\"a\": 1, \"list\": [], \"b\": 2}]", 0, NULL);
	json_t *none = json_array();

	cr_expect_eq(rows_sort(rows, "-z", why, sizeof(why)), WSB_EINVAL);
	cr_expect_str_eq(why, "there is no column z; there are a, b");
	cr_expect_eq(rows_sort(none, "z", why, sizeof(why)), WSB_OK);
	json_decref(rows);
	json_decref(none);
}
