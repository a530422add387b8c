#include <criterion/criterion.h>
#include <stdio.h>
#include "broker/exchange/claim.h"

#define KEY(text) span_text(text)
#define START_US  UINT64_C(5000000)

struct counter {
	struct claims claims;
	struct rng rng;
};

static void counter_init(struct counter *counter)
{
	rng_init(&counter->rng, 3);
	cr_assert_eq(claims_init(&counter->claims, 4), WSB_OK);
}

static uint64_t taken(struct counter *counter, const char *key, uint64_t clock, uint64_t now_us)
{
	uint64_t id = 0, left_us;

	cr_assert_eq(
		claim_take(&counter->claims, KEY(key), clock, &counter->rng, now_us, &id, &left_us),
		WSB_OK);
	cr_assert_neq(id, 0);
	return id;
}

Test(claim, is_given_to_one_at_a_time)
{
	struct counter counter;
	uint64_t id, other, left_us = 0, clock = 0;

	counter_init(&counter);
	id = taken(&counter, "a", 7, START_US);
	cr_assert_eq(claim_take(&counter.claims, KEY("a"), 8, &counter.rng, START_US + 1000, &other,
				&left_us),
		     WSB_EEXIST);
	cr_assert_eq(left_us, CLAIM_US - 1000);
	taken(&counter, "b", 8, START_US);
	cr_assert(claim_redeem(&counter.claims, KEY("a"), id, START_US + 2000, &clock));
	cr_assert_eq(clock, 7);
	/* Once: the value has been put. */
	cr_assert_not(claim_redeem(&counter.claims, KEY("a"), id, START_US + 2000, &clock));
	cr_assert_neq(taken(&counter, "a", 9, START_US + 3000), id);
	claims_fini(&counter.claims);
}

Test(claim, of_another_key_or_with_another_number_is_none)
{
	struct counter counter;
	uint64_t id, clock;

	counter_init(&counter);
	id = taken(&counter, "a", 7, START_US);
	taken(&counter, "b", 7, START_US);
	cr_assert_not(claim_redeem(&counter.claims, KEY("b"), id, START_US, &clock));
	cr_assert_not(claim_redeem(&counter.claims, KEY("a"), id + 2, START_US, &clock));
	cr_assert_not(claim_redeem(&counter.claims, KEY("c"), id, START_US, &clock));
	claims_fini(&counter.claims);
}

Test(claim, ends_when_its_holder_is_gone)
{
	struct counter counter;
	uint64_t id, second, clock = 0;

	counter_init(&counter);
	id = taken(&counter, "a", 7, START_US);
	second = taken(&counter, "a", 9, START_US + CLAIM_US);
	cr_assert_not(claim_redeem(&counter.claims, KEY("a"), id, START_US + CLAIM_US, &clock));
	cr_assert(claim_redeem(&counter.claims, KEY("a"), second, START_US + CLAIM_US, &clock));
	cr_assert_eq(clock, 9);
	id = taken(&counter, "a", 10, START_US + CLAIM_US);
	cr_assert_not(claim_redeem(&counter.claims, KEY("a"), id, START_US + 2 * CLAIM_US, &clock));
	claims_fini(&counter.claims);
}

Test(claim, of_the_oldest_is_forgotten_when_there_are_too_many)
{
	struct counter counter;
	uint64_t first, clock;
	char key[32];

	counter_init(&counter);
	first = taken(&counter, "first", 1, START_US);
	for (int i = 0; i < CLAIMS_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		taken(&counter, key, 1, START_US);
	}
	cr_assert_eq(counter.claims.by_age.count, CLAIMS_MAX);
	cr_assert_eq(map_count(counter.claims.by_key), CLAIMS_MAX);
	cr_assert_not(claim_redeem(&counter.claims, KEY("first"), first, START_US, &clock));
	/* All have ended, and are forgotten turn by turn; nobody is kept from a key meanwhile. */
	claims_upkeep(&counter.claims, START_US + CLAIM_US);
	cr_assert_eq(counter.claims.by_age.count, CLAIMS_MAX - CLAIMS_A_TURN);
	snprintf(key, sizeof(key), "%d", CLAIMS_MAX - 1);
	first = taken(&counter, key, 2, START_US + CLAIM_US);
	for (int i = 0; i < CLAIMS_MAX / CLAIMS_A_TURN; i++)
		claims_upkeep(&counter.claims, START_US + CLAIM_US);
	cr_assert_eq(counter.claims.by_age.count, 1);
	cr_assert(claim_redeem(&counter.claims, KEY(key), first, START_US + CLAIM_US, &clock));
	cr_assert_eq(clock, 2);
	claims_fini(&counter.claims);
}
