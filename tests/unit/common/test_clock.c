#include <criterion/criterion.h>
#include "common/clock.h"

static void expect_text(uint64_t wall_us, const char *expected)
{
	char text[CLOCK_TEXT_MAX];

	clock_text(wall_us, text);
	cr_assert_str_eq(text, expected, "%s is not %s", text, expected);
}

Test(clock, text_is_rfc_3339_with_milliseconds)
{
	expect_text(0, "1970-01-01T00:00:00.000Z");
	expect_text(999, "1970-01-01T00:00:00.000Z");
	expect_text(1000, "1970-01-01T00:00:00.001Z");
	expect_text(UINT64_C(1795331520123456), "2026-11-22T07:12:00.123Z");
	expect_text(UINT64_C(1709251199999999), "2024-02-29T23:59:59.999Z");
}

Test(clock, text_fits_for_any_input)
{
	char text[CLOCK_TEXT_MAX];

	clock_text(UINT64_MAX, text);
	cr_assert(strlen(text) < CLOCK_TEXT_MAX);
	cr_assert_eq(text[strlen(text) - 1], 'Z');
}

Test(clock, monotonic_never_goes_back)
{
	uint64_t last = clock_monotonic_us();

	for (int i = 0; i < 1000; i++) {
		uint64_t now = clock_monotonic_us();

		cr_assert(now >= last);
		last = now;
	}
}

Test(clock, wall_is_later_than_this_test_was_written)
{
	cr_assert(clock_wall_us() > UINT64_C(1700000000) * US_PER_S);
}
