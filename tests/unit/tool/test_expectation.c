#include <criterion/criterion.h>
#include "broker/tool/expectation.h"

static bool met(const char *expect, uint64_t key, const char *result)
{
	struct expectation expectation;
	bool answer;

	cr_assert_eq(expectation_init(&expectation, expect), WSB_OK, "%s", expect);
	answer = expectation_met(&expectation, key, span_text(result));
	expectation_fini(&expectation);
	return answer;
}

Test(expectation, nothing_expects_nothing)
{
	cr_assert(met(NULL, 0, "1"));
}

Test(expectation, whole_values)
{
	cr_assert(met("1", 0, "1"));
	cr_assert(met("1", 0, "1.0"));
	cr_assert_not(met("1", 0, "\"1\""));
	cr_assert(met("[1,2]", 0, "[1, 2]"));
	cr_assert_not(met("[1,2]", 0, "[1,2,3]"));
	cr_assert(met("null", 0, "null"));
}

Test(expectation, parts_of_objects)
{
	cr_assert(met("{}", 0, "{\"a\":1}"));
	cr_assert(met("{\"a\":{\"b\":1}}", 0, "{\"c\":0,\"a\":{\"d\":[],\"b\":1}}"));
	cr_assert_not(met("{\"a\":1}", 0, "{\"b\":1}"));
}

Test(expectation, keys)
{
	cr_assert(met("[{key}]", 5, "[5]"));
	cr_assert(met("[{key}]", 5, "[ 5 ]"));
	cr_assert_not(met("[{key}]", 5, "[6]"));
	cr_assert(met("{\"name\":\"k{key}\"}", 5, "{\"name\":\"k5\",\"x\":1}"));
}

Test(expectation, numbers_beyond_64_bit_do_no_harm)
{
	cr_assert(met("{\"a\":1}", 0, "{\"a\":1,\"b\":123456789012345678901234567890}"));
}

Test(expectation, must_be_json)
{
	struct expectation expectation;

	cr_assert_eq(expectation_init(&expectation, "{"), WSB_EPARSE);
	expectation_fini(&expectation);
}
