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
