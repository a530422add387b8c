#include <criterion/criterion.h>
#include "broker/pool/backoff.h"

static uint64_t longest_after(uint32_t failures)
{
	uint64_t longest_us = BACKOFF_BASE_US;

	for (uint32_t i = 1; i < failures && longest_us < BACKOFF_MAX_US; i++)
		longest_us *= 2;
	return longest_us < BACKOFF_MAX_US ? longest_us : BACKOFF_MAX_US;
}

Test(backoff, stays_within_its_bounds_and_reaches_both)
{
	struct rng rng;

	rng_init(&rng, 1);
	for (uint32_t failures = 1; failures <= 40; failures++) {
		uint64_t least_us = UINT64_MAX;
		uint64_t most_us = 0;

		for (int i = 0; i < 2000; i++) {
			struct backoff backoff = {.failures = failures - 1};
			uint64_t wait_us;

			backoff_fail(&backoff, 1000, &rng);
			cr_assert_eq(backoff.failures, failures);
			wait_us = backoff.not_before_us - 1000;
			least_us = wait_us < least_us ? wait_us : least_us;
			most_us = wait_us > most_us ? wait_us : most_us;
		}
		cr_assert_geq(least_us, BACKOFF_BASE_US / 2);
		cr_assert_leq(most_us, longest_after(failures));
		/* Full jitter: the draws spread over nearly all of the range. */
		cr_assert_leq(least_us - BACKOFF_BASE_US / 2, longest_after(failures) / 50);
		cr_assert_geq(most_us, longest_after(failures) * 49 / 50);
	}
}

Test(backoff, grows_on_average_until_its_maximum)
{
	double before = 0;
	struct rng rng;

	rng_init(&rng, 2);
	for (uint32_t failures = 0; failures < 9; failures++) {
		double sum = 0;

		for (int i = 0; i < 4000; i++) {
			struct backoff backoff = {.failures = failures};

			backoff_fail(&backoff, 0, &rng);
			sum += (double)backoff.not_before_us;
		}
		cr_assert_gt(sum, before * 1.3, "after %u failures", failures);
		before = sum;
	}
}

Test(backoff, never_overflows_its_count)
{
	struct backoff backoff = {.failures = UINT32_MAX};
	struct rng rng;

	rng_init(&rng, 3);
	backoff_fail(&backoff, 0, &rng);
	cr_assert_eq(backoff.failures, UINT32_MAX);
	cr_assert_leq(backoff.not_before_us, BACKOFF_MAX_US);
}

Test(backoff, remembers_what_flaps_and_forgets_it_slowly)
{
	/* How long it is up each time, and what is remembered then. */
	static const struct {
		uint64_t up_us;
		uint32_t flaps;
	} steps[] = {
		{2000000, 1},
		{9999999, 2},
		{0, 3},
		{BACKOFF_FLAP_US, 2},
		{5000000, 3},
		{4 * BACKOFF_FLAP_US, 0},
		{4 * BACKOFF_FLAP_US, 0},
		{1, 1},
	};
	struct backoff backoff = {0};
	uint64_t now_us = 1000;
	struct rng rng;

	rng_init(&rng, 5);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint32_t flaps = steps[i].flaps;

		backoff_rise(&backoff, now_us);
		backoff_reset(&backoff);
		now_us += steps[i].up_us;
		cr_assert_eq(backoff_fall(&backoff, now_us, &rng), flaps >= 2, "step %zu", i);
		cr_assert_eq(backoff.flaps, flaps, "step %zu", i);
		cr_assert_eq(backoff.failures, flaps >= 2 ? flaps : 0, "step %zu", i);
		cr_assert_leq(backoff.not_before_us, now_us + longest_after(flaps), "step %zu", i);
		cr_assert_eq(backoff.not_before_us > now_us, flaps >= 2, "step %zu", i);
	}
}

Test(backoff, is_over_after_a_reset)
{
	struct backoff backoff = {0};
	struct rng rng;

	rng_init(&rng, 4);
	for (int i = 0; i < 10; i++)
		backoff_fail(&backoff, 77, &rng);
	backoff_reset(&backoff);
	cr_assert_eq(backoff.failures, 0);
	cr_assert_eq(backoff.not_before_us, 0);
}
