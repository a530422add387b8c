#include <criterion/criterion.h>
#include <time.h>
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
	cr_assert_str_eq(text, "9999-12-31T23:59:59.999Z");
}

/* Every day of the calendar, and each at another time of the day. */
Test(clock, text_is_that_of_the_calendar)
{
	for (uint64_t day = 0; day < 2932897; day++) {
		const uint64_t second = day * 86400 + day % 86400;
		char text[CLOCK_TEXT_MAX], expected[CLOCK_TEXT_MAX];
		time_t when = (time_t)second;
		struct tm tm;

		clock_text(second * US_PER_S, text);
		gmtime_r(&when, &tm);
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S.000Z", &tm);
		cr_assert_str_eq(text, expected);
	}
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

static void expect_read(const char *text, uint64_t expected)
{
	uint64_t wall_us = 0;

	cr_assert_eq(clock_read(span_text(text), &wall_us), WSB_OK, "%s", text);
	cr_expect_eq(wall_us, expected, "%s", text);
}

Test(clock, rfc_3339_is_read)
{
	expect_read("1970-01-01T00:00:00Z", 0);
	expect_read("2026-11-22T07:12:00.123Z", UINT64_C(1795331520123000));
	expect_read("2026-11-22t07:12:00.1234567z", UINT64_C(1795331520123456));
	expect_read("2026-11-22T09:12:00+02:00", UINT64_C(1795331520000000));
	expect_read("2026-11-21T19:42:00-11:30", UINT64_C(1795331520000000));
	expect_read("2024-02-29T23:59:59.999999Z", UINT64_C(1709251199999999));
	expect_read("2016-12-31T23:59:60Z", UINT64_C(1483228800000000));
}

Test(clock, what_is_no_time_is_refused)
{
	static const char *const texts[] = {
		"",
		"2026",
		"2026-11-22",
		"2026-11-22T07:12",
		"2026-11-22T07:12:00",
		"2026-11-22T07:12:00.Z",
		"2026-11-22T07:12:00Zx",
		"2026-11-22 07:12:00Z",
		"2026-13-22T07:12:00Z",
		"2026-02-29T07:12:00Z",
		"2026-00-10T07:12:00Z",
		"2026-01-00T07:12:00Z",
		"2026-01-01T24:12:00Z",
		"2026-01-01T23:60:00Z",
		"2026-01-01T23:00:61Z",
		"1969-12-31T23:59:59Z",
		"1970-01-01T00:00:00+00:01",
		"2026-11-22T07:12:00+2:00",
		"2026-11-22T07:12:00+0200",
		"2026\r11-22T07:12:00Z",
	};
	uint64_t wall_us = 7;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(clock_read(span_text(texts[i]), &wall_us), WSB_EINVAL, "%s", texts[i]);
	cr_expect_eq(wall_us, 7);
}
