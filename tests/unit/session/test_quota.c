#include <criterion/criterion.h>
#include "broker/session/quota.h"
#include "common/rng.h"

#define SECOND_US UINT64_C(1000000)
#define START_US  (100 * SECOND_US)

static uint32_t take_all(struct quota *quota, uint64_t now_us)
{
	uint32_t taken = 0;

	while (quota_take(quota, now_us))
		taken++;
	return taken;
}

Test(quota, without_a_rate_there_is_no_limit)
{
	struct quota quota;

	quota_init(&quota, 0, START_US);
	for (int i = 0; i < 100000; i++)
		cr_assert(quota_take(&quota, START_US));
}

Test(quota, a_second_worth_may_come_at_once)
{
	struct quota quota;

	quota_init(&quota, 50, START_US);
	cr_assert_eq(take_all(&quota, START_US), 50);
	cr_assert_eq(take_all(&quota, START_US + SECOND_US / 10), 5);
	/* A long rest saves up no more. */
	cr_assert_eq(take_all(&quota, START_US + 3600 * SECOND_US), 50);
}

/* Just when its share of a second has passed, and not 2 us before. */
Test(quota, the_next_fits_when_its_time_has_passed)
{
	static const uint32_t rates[] = {1, 3, 7, 1000, 999983, 4000000000};
	struct rng rng;

	rng_init(&rng, 8);
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const uint64_t wait_us = (SECOND_US + rates[i] - 1) / rates[i];
		uint64_t now_us = START_US;
		struct quota quota;

		quota_init(&quota, rates[i], now_us);
		for (int round = 0; round < 2000; round++) {
			quota.tokens = 0;
			if (wait_us > 1)
				cr_assert_not(quota_take(&quota, now_us + wait_us - 2));
			now_us += wait_us;
			cr_assert(quota_take(&quota, now_us), "rate %u", rates[i]);
			now_us += rng_below(&rng, 3);
			quota.at_us = now_us;
		}
	}
}

Test(quota, is_kept_over_any_span)
{
	struct rng rng;

	rng_init(&rng, 9);
	for (int round = 0; round < 200; round++) {
		uint32_t rate = 1 + (uint32_t)rng_below(&rng, 500);
		uint64_t now_us = START_US;
		uint64_t taken = 0;
		struct quota quota;

		quota_init(&quota, rate, now_us);
		for (int i = 0; i < 5000; i++) {
			taken += quota_take(&quota, now_us);
			now_us += rng_below(&rng, 4000);
		}
		cr_assert_leq(taken, rate + (now_us - START_US) * rate / SECOND_US + 1);
	}
}

Test(quota, time_that_goes_nowhere_or_back_brings_nothing)
{
	struct quota quota;

	quota_init(&quota, 10, START_US);
	cr_assert_eq(take_all(&quota, START_US), 10);
	cr_assert_eq(take_all(&quota, 0), 0);
	cr_assert_eq(take_all(&quota, START_US), 0);
	cr_assert_eq(take_all(&quota, START_US + SECOND_US / 10), 1);
}
