#include <criterion/criterion.h>
#include "broker/tool/pace.h"

#define SECOND UINT64_C(1000000)

Test(pace, an_open_loop_is_evenly_spaced_whatever_happens)
{
	struct pace pace;
	uint64_t due_us;

	pace_start(&pace, 4.0, 10 * SECOND, 0, SECOND);
	cr_assert_eq(pace_next_us(&pace), 10 * SECOND);
	cr_assert(pace_take(&pace, 10 * SECOND, &due_us));
	cr_assert_eq(due_us, 10 * SECOND);
	cr_assert_not(pace_take(&pace, 10 * SECOND + 249999, &due_us));
	/* Half a second late: both that are due come, each with the time it was due. */
	cr_assert(pace_take(&pace, 10 * SECOND + 600000, &due_us));
	cr_assert_eq(due_us, 10 * SECOND + 250000);
	cr_assert(pace_take(&pace, 10 * SECOND + 600000, &due_us));
	cr_assert_eq(due_us, 10 * SECOND + 500000);
	cr_assert_not(pace_take(&pace, 10 * SECOND + 600000, &due_us));
	cr_assert_eq(pace_next_us(&pace), 10 * SECOND + 750000);
}

Test(pace, an_open_loop_sends_exactly_its_share)
{
	static const double rates[] = {0.5, 3, 200, 999.9, 123456.7};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct pace pace;
		uint64_t due_us, count = 0;

		pace_start(&pace, rates[i], 77, 2 * SECOND, 2 * SECOND);
		while (pace_take(&pace, UINT64_MAX / 2, &due_us))
			count++;
		cr_expect(count >= (uint64_t)(rates[i] * 4) &&
				  count <= (uint64_t)(rates[i] * 4) + 1,
			  "%lu at %f", count, rates[i]);
		cr_expect_eq(pace_next_us(&pace), UINT64_MAX);
	}
}

Test(pace, does_not_drift)
{
	struct pace pace;
	uint64_t due_us = 0;

	pace_start(&pace, 3.0, 0, 0, 4000 * SECOND);
	for (int i = 0; i <= 9000; i++)
		cr_assert(pace_take(&pace, UINT64_MAX / 2, &due_us));
	cr_assert_eq(due_us, 3000 * SECOND);
}

Test(pace, a_closed_loop_has_no_schedule)
{
	struct pace pace;
	uint64_t due_us;

	pace_start(&pace, 0, 5, 10, 20);
	cr_assert_eq(pace_next_us(&pace), UINT64_MAX);
	cr_assert_not(pace_take(&pace, UINT64_MAX, &due_us));
}

Test(pace, warm_up_and_what_comes_late_do_not_count)
{
	struct pace pace;

	pace_start(&pace, 0, 100, 10, 20);
	cr_assert_not(pace_counts(&pace, 109));
	cr_assert(pace_counts(&pace, 110));
	cr_assert(pace_counts(&pace, 129));
	cr_assert_not(pace_counts(&pace, 130));
	cr_assert_not(pace_is_over(&pace, 129));
	cr_assert(pace_is_over(&pace, 130));
	cr_assert_eq(pace_measured_us(&pace), 20);
}

Test(pace, may_be_cut)
{
	struct pace pace;

	pace_start(&pace, 10, 100, 10, 20);
	pace_cut(&pace, 115);
	cr_assert_eq(pace_measured_us(&pace), 5);
	pace_cut(&pace, 120);
	cr_assert_eq(pace_measured_us(&pace), 5, "only ever shorter");
	pace_cut(&pace, 105);
	cr_assert_eq(pace_measured_us(&pace), 0, "in the warm-up");
}

Test(pace, for_ever_does_not_overflow)
{
	struct pace pace;

	pace_start(&pace, 0, SECOND, 0, UINT64_MAX);
	cr_assert_not(pace_is_over(&pace, UINT64_MAX / 8));
	cr_assert(pace_counts(&pace, 2 * SECOND));
}
