#include <criterion/criterion.h>
#include "common/query.h"

static void expect_value(const char *query, const char *name, const char *value)
{
	char room[8];
	struct span found = query_value(span_text(query), name, room, sizeof(room));

	cr_expect_eq(!found.at, !value, "%s of %s", name, query);
	cr_expect(span_equal(found, span_text(value)), "%s of %s", name, query);
}

Test(query, values_by_name)
{
	expect_value("a=1&b=2", "a", "1");
	expect_value("a=1&b=2", "b", "2");
	expect_value("&&a=1&a=2", "a", "1");
	expect_value("aa=1", "a", NULL);
	expect_value("b=a=1", "a", NULL);
	expect_value("a=b=1", "a", "b=1");
	expect_value("a", "a", "");
	expect_value("a=", "a", "");
	expect_value("", "a", NULL);
	expect_value(NULL, "a", NULL);
}

Test(query, escapes_are_resolved)
{
	expect_value("a=%41%2f%2F", "a", "A//");
	expect_value("a=1+2", "a", "1+2");
	expect_value("a=%4", "a", "%4");
	expect_value("a=%", "a", "%");
	expect_value("a=%zz", "a", "%zz");
	expect_value("a=%26b=1", "b", NULL);
}

Test(query, what_does_not_fit_is_absent)
{
	expect_value("a=12345678", "a", "12345678");
	expect_value("a=123456789", "a", NULL);
	expect_value("a=%31%32%33%34%35%36%37%38", "a", "12345678");
}

Test(query, parameters_one_by_one)
{
	struct span query = span_text("since=1&&type");
	struct span name;
	struct span value;

	cr_assert(query_next(&query, &name, &value));
	cr_expect(span_is(name, "since"));
	cr_expect(span_is(value, "1"));
	cr_assert(query_next(&query, &name, &value));
	cr_expect(span_is(name, "type"));
	cr_expect(span_is(value, ""));
	cr_expect_not(query_next(&query, &name, &value));
}
