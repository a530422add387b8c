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
