#include <criterion/criterion.h>
#include "broker/exchange/retry.h"

#define SECOND_US UINT64_C(1000000)
#define START_US  (100 * SECOND_US)

static int withdraw_all(struct retry_budget *budget, uint64_t now_us)
{
	int taken = 0;

	while (retry_budget_withdraw(budget, now_us))
		taken++;
	return taken;
}

Test(retry, begins_with_ten_seconds_of_its_rate)
{
	struct retry_budget budget;

	retry_budget_init(&budget, 0.2, 10, START_US);
	cr_assert_eq(withdraw_all(&budget, START_US), 100);
	/* Afterwards ten a second come back. */
	for (int second = 1; second <= 20; second++) {
		int taken = withdraw_all(&budget, START_US + (uint64_t)second * SECOND_US);

		cr_assert(taken == 9 || taken == 10, "%d", taken);
	}
}

Test(retry, of_nothing_allows_nothing)
{
	struct retry_budget budget;

	retry_budget_init(&budget, 0, 0, START_US);
	for (int i = 0; i < 1000; i++)
		retry_budget_deposit(&budget);
	cr_assert_eq(withdraw_all(&budget, START_US), 0);
	cr_assert_eq(withdraw_all(&budget, START_US + 3600 * SECOND_US), 0);
}

Test(retry, a_share_of_the_requests_may_be_retried)
{
	struct retry_budget budget;

	retry_budget_init(&budget, 0.2, 0, START_US);
	cr_assert_not(retry_budget_withdraw(&budget, START_US));
	for (int i = 0; i < 100; i++)
		retry_budget_deposit(&budget);
	cr_assert_eq(withdraw_all(&budget, START_US), 20);
	for (int i = 0; i < 4; i++)
		retry_budget_deposit(&budget);
	cr_assert_not(retry_budget_withdraw(&budget, START_US));
	retry_budget_deposit(&budget);
	retry_budget_deposit(&budget);
	cr_assert(retry_budget_withdraw(&budget, START_US));
}

/* Everything fails: of 1000 requests a second a fifth is sent again, and no more. */
Test(retry, a_storm_stays_within_the_share)
{
	struct retry_budget budget;
	int retried = 0;

	retry_budget_init(&budget, 0.2, 0, START_US);
	for (uint64_t i = 0; i < 60000; i++) {
		retry_budget_deposit(&budget);
		retried += retry_budget_withdraw(&budget, START_US + i * SECOND_US / 1000);
	}
	cr_assert_leq(retried, 12000);
	cr_assert_geq(retried, 11000);
}

Test(retry, what_is_not_spent_in_ten_seconds_fades)
{
	struct retry_budget budget;

	retry_budget_init(&budget, 0.5, 0, START_US);
	for (int i = 0; i < 2000; i++)
		retry_budget_deposit(&budget);
	retry_budget_age(&budget, START_US + 1);
	cr_assert_float_eq(budget.tokens, 1000, 0.1);
	retry_budget_age(&budget, START_US + RETRY_WINDOW_US + 1);
	cr_assert_float_eq(budget.tokens, 367.9, 0.1);
	cr_assert_eq(withdraw_all(&budget, START_US + 10 * RETRY_WINDOW_US), 0);
}

/* An hour of 1000 requests a second without a failure, looked at each second or not at all: ten
 * seconds' worth is there, not an hour's. */
Test(retry, a_quiet_hour_saves_up_ten_seconds)
{
	for (int aged = 0; aged < 2; aged++) {
		struct retry_budget budget;
		int taken;

		retry_budget_init(&budget, 0.2, 10, START_US);
		for (uint64_t second = 0; second < 3600; second++) {
			for (int i = 0; i < 1000; i++)
				retry_budget_deposit(&budget);
			if (aged)
				retry_budget_age(&budget, START_US + (second + 1) * SECOND_US);
		}
		taken = withdraw_all(&budget, START_US + 3600 * SECOND_US);
		cr_assert_geq(taken, 2000);
		cr_assert_leq(taken, 2300, "%d", taken);
	}
}

Test(retry, a_burst_after_a_rest_counts_when_it_is_looked_at)
{
	struct retry_budget budget;

	retry_budget_init(&budget, 0.2, 0, START_US);
	for (uint64_t second = 1; second <= 3600; second++)
		retry_budget_age(&budget, START_US + second * SECOND_US);
	for (int i = 0; i < 1000; i++)
		retry_budget_deposit(&budget);
	cr_assert_geq(withdraw_all(&budget, START_US + 3601 * SECOND_US), 180);
}

Test(retry, time_that_goes_nowhere_or_back_brings_nothing)
{
	struct retry_budget budget;

	retry_budget_init(&budget, 0, 10, START_US);
	cr_assert_eq(withdraw_all(&budget, START_US), 100);
	cr_assert_eq(withdraw_all(&budget, START_US), 0);
	cr_assert_eq(withdraw_all(&budget, 0), 0);
	cr_assert_eq(withdraw_all(&budget, START_US), 0);
}
