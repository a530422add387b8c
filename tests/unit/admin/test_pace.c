#include <criterion/criterion.h>
#include "broker/admin/pace.h"

Test(pace, a_slice_ends_and_others_have_as_long)
{
	struct pace pace = {0};

	cr_assert(pace_begin(&pace, 1000000));
	cr_expect(pace_goes_on(&pace, 1000000 + PACE_SLICE_US - 1));
	cr_expect_not(pace_goes_on(&pace, 1000000 + PACE_SLICE_US));
	pace_end(&pace, 1000000 + 5000);
	cr_expect_not(pace_begin(&pace, 1000000 + 9999));
	cr_assert(pace_begin(&pace, 1000000 + 10000));
	cr_expect(pace_goes_on(&pace, 1000000 + 10000));
}

Test(pace, half_of_the_time_at_most)
{
	struct pace pace = {0};
	uint64_t worked_us = 0;

	for (uint64_t now_us = 0; now_us < 1000000; now_us += 100) {
		uint64_t began_us = now_us;

		if (!pace_begin(&pace, now_us))
			continue;
		/* There is always more to do, in steps of 700 us. */
		while (pace_goes_on(&pace, now_us))
			now_us += 700;
		pace_end(&pace, now_us);
		worked_us += now_us - began_us;
	}
	cr_expect_leq(worked_us, 510000);
	cr_expect_geq(worked_us, 450000);
}

Test(pace, little_to_do_is_done_at_once)
{
	struct pace pace = {0};

	for (uint64_t now_us = 0; now_us < 100000; now_us += PACE_FREE_US) {
		cr_expect(pace_begin(&pace, now_us), "at %d", (int)now_us);
		pace_end(&pace, now_us + PACE_FREE_US);
	}
}
