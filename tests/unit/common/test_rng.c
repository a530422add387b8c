#include <criterion/criterion.h>
#include "common/rng.h"

Test(rng, the_same_seed_gives_the_same_run)
{
	struct rng a, b, c;
	int same = 0;

	rng_init(&a, 42);
	rng_init(&b, 42);
	rng_init(&c, 43);
	for (int i = 0; i < 1000; i++) {
		uint64_t value = rng_next(&a);

		cr_assert_eq(value, rng_next(&b));
		same += value == rng_next(&c);
	}
	cr_assert_eq(same, 0);
}

Test(rng, matches_the_published_algorithm)
{
	/* The first outputs of xoshiro256** from the state 1, 2, 3, 4. */
	struct rng rng = {.state = {1, 2, 3, 4}};
	uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};

	for (int i = 0; i < 4; i++)
		cr_assert_eq(rng_next(&rng), expected[i]);
}

Test(rng, seed_zero_is_good)
{
	struct rng rng;

	rng_init(&rng, 0);
	cr_assert_neq(rng_next(&rng), 0);
	cr_assert_neq(rng_next(&rng), rng_next(&rng));
}

Test(rng, below_stays_below_and_is_even)
{
	struct rng rng;
	int hits[10] = {0};

	rng_init(&rng, 7);
	for (int i = 0; i < 100000; i++) {
		uint64_t value = rng_below(&rng, 10);

		cr_assert(value < 10);
		hits[value]++;
	}
	for (int i = 0; i < 10; i++)
		cr_assert(hits[i] > 9500 && hits[i] < 10500, "%d came %d times", i, hits[i]);
}

Test(rng, below_at_the_ends_of_its_range)
{
	struct rng rng;
	int upper = 0;

	rng_init(&rng, 1);
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(rng_below(&rng, 1), 0);
		cr_assert(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
		upper += rng_below(&rng, (UINT64_C(1) << 63) + 1) > UINT64_C(1) << 62;
	}
	cr_assert(upper > 400 && upper < 600);
}

/* Taken straight from the generator, four values would share three results, and every third result
 * would come twice as often as the others. */
Test(rng, below_has_no_bias_for_bounds_near_the_word)
{
	struct rng rng;
	int third = 0;

	rng_init(&rng, 5);
	for (int i = 0; i < 30000; i++)
		third += rng_below(&rng, UINT64_C(3) << 62) % 3 == 0;
	cr_assert(third > 9500 && third < 10500, "%d of 30000", third);
}

Test(rng, unit_lies_in_its_interval)
{
	struct rng rng;
	double sum = 0;

	rng_init(&rng, 3);
	for (int i = 0; i < 100000; i++) {
		double value = rng_unit(&rng);

		cr_assert(value >= 0 && value < 1);
		sum += value;
	}
	cr_assert(sum > 49500 && sum < 50500);
}
