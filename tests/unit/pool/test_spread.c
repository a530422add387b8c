#include <criterion/criterion.h>
#include "broker/pool/spread.h"
#include "common/rng.h"

#define ROWS_MAX 64

static struct spread_row up(uint32_t weight)
{
	return (struct spread_row){.weight = weight, .tier = 1};
}

static uint64_t total(const struct spread_row *rows, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += rows[i].desired;
	return sum;
}

/* weights and the wanted shares end with a 0 weight. */
static const struct {
	uint32_t size;
	uint32_t weights[5];
	uint32_t shares[5];
} table[] = {
	{10, {1}, {10}},
	{10, {1, 1}, {5, 5}},
	{10, {1, 1, 1}, {4, 3, 3}}, /* equal claims: in their order */
	{11, {1, 1, 1}, {4, 4, 3}},
	{10, {1, 2}, {3, 7}},
	{10, {9, 1}, {9, 1}},
	{10, {99, 1}, {9, 1}}, /* at least one each */
	{3, {1000, 1, 1}, {1, 1, 1}},
	{4, {1000, 1, 1}, {2, 1, 1}},
	{2, {1, 3, 2}, {0, 1, 1}}, /* too few: the heaviest */
	{2, {1, 1, 1}, {1, 1, 0}},
	{1, {5, 5}, {1, 0}},
	{1, {5, 6}, {0, 1}},
	{7, {3, 2, 1, 1}, {3, 2, 1, 1}},
	{100, {1, 10, 100}, {1, 9, 90}},
	{1000, {1, 1000}, {1, 999}},
	{0, {1, 1}, {0, 0}},
};

Test(spread, follows_the_table)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct spread_row rows[5];
		size_t count = 0;

		while (count < 5 && table[i].weights[count] > 0) {
			rows[count] = up(table[i].weights[count]);
			count++;
		}
		spread_compute(rows, count, table[i].size);
		for (size_t row = 0; row < count; row++)
			cr_assert_eq(rows[row].desired, table[i].shares[row],
				     "line %zu, row %zu: %u", i, row, rows[row].desired);
	}
}

Test(spread, leaves_a_down_endpoint_one_try_and_gives_its_share_away)
{
	struct spread_row rows[] = {up(1), up(1), up(2)};

	rows[2].down = true;
	spread_compute(rows, 3, 10);
	cr_assert_eq(rows[0].desired, 5);
	cr_assert_eq(rows[1].desired, 5);
	cr_assert_eq(rows[2].desired, 1);
}

Test(spread, gives_higher_tiers_one_standby_that_size_does_not_count)
{
	struct spread_row rows[] = {up(1), up(1), up(1), up(1)};

	rows[2].tier = 2;
	rows[3].tier = 3;
	spread_compute(rows, 4, 8);
	cr_assert_eq(rows[0].desired, 4);
	cr_assert_eq(rows[1].desired, 4);
	cr_assert_eq(rows[2].desired, 1);
	cr_assert_eq(rows[3].desired, 1);
}

Test(spread, goes_to_the_lowest_tier_that_has_somebody_up)
{
	struct spread_row rows[] = {up(1), up(3), up(1), up(1)};

	rows[0].tier = 5;
	rows[1].tier = 5;
	rows[2].tier = 2;
	rows[2].down = true;
	rows[3].tier = 9;
	spread_compute(rows, 4, 8);
	cr_assert_eq(rows[0].desired, 2);
	cr_assert_eq(rows[1].desired, 6);
	cr_assert_eq(rows[2].desired, 1);
	cr_assert_eq(rows[3].desired, 1);
}

Test(spread, tries_everybody_once_when_all_are_down)
{
	struct spread_row rows[] = {up(1), up(100), up(1)};

	for (size_t i = 0; i < 3; i++)
		rows[i].down = true;
	rows[2].tier = 2;
	spread_compute(rows, 3, 10);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(rows[i].desired, 1);
}

Test(spread, survives_no_endpoints)
{
	struct spread_row none = up(1);

	spread_compute(&none, 0, 10);
	cr_assert_eq(none.desired, 0);
}

/* Of a size that suffices for all: one each, a heavier one never less than a lighter one, and,
 * since lifting the small ones only takes away, nobody above its quota rounded up but them. */
static void check_shares(const struct spread_row *rows, size_t count, uint64_t size)
{
	uint64_t weights = 0;

	for (size_t i = 0; i < count; i++)
		weights += rows[i].weight;
	for (size_t i = 0; i < count; i++) {
		cr_assert_geq(rows[i].desired, 1);
		cr_assert_leq(rows[i].desired, (size * rows[i].weight + weights - 1) / weights);
		for (size_t j = 0; j < count; j++)
			if (rows[i].weight > rows[j].weight)
				cr_assert_geq(rows[i].desired, rows[j].desired);
	}
}

Test(spread, keeps_its_promises_for_any_weights)
{
	struct rng rng;

	rng_init(&rng, 20261122);
	for (int round = 0; round < 20000; round++) {
		struct spread_row rows[ROWS_MAX];
		size_t count = 1 + rng_below(&rng, ROWS_MAX);
		uint32_t size = (uint32_t)rng_below(&rng, 1001);
		uint64_t weight_max = 1 + rng_below(&rng, 1000);
		uint32_t served = 0;

		for (size_t i = 0; i < count; i++)
			rows[i] = up((uint32_t)(1 + rng_below(&rng, weight_max)));
		spread_compute(rows, count, size);
		cr_assert_eq(total(rows, count), size);
		if (size >= count) {
			check_shares(rows, count, size);
			continue;
		}
		for (size_t i = 0; i < count; i++) {
			cr_assert_leq(rows[i].desired, 1);
			served += rows[i].desired;
			for (size_t j = 0; j < count; j++)
				cr_assert(!rows[i].desired || rows[j].desired ||
					  rows[i].weight >= rows[j].weight);
		}
		cr_assert_eq(served, size);
	}
}

/* Equal to a naive largest remainder wherever nobody's quota is below one. */
Test(spread, is_the_largest_remainder_method)
{
	struct rng rng;

	rng_init(&rng, 42);
	for (int round = 0; round < 20000; round++) {
		struct spread_row rows[8];
		uint64_t naive[8];
		bool lucky[8] = {false};
		size_t count = 1 + rng_below(&rng, 8);
		uint32_t size = (uint32_t)(100 + rng_below(&rng, 900));
		uint64_t weights = 0;
		uint64_t left = size;

		for (size_t i = 0; i < count; i++) {
			rows[i] = up((uint32_t)(10 + rng_below(&rng, 60)));
			weights += rows[i].weight;
		}
		for (size_t i = 0; i < count; i++) {
			naive[i] = size * (uint64_t)rows[i].weight / weights;
			left -= naive[i];
		}
		while (left-- > 0) {
			size_t best = count;

			for (size_t i = 0; i < count; i++)
				if (!lucky[i] &&
				    (best == count ||
				     size * (uint64_t)rows[i].weight % weights >
					     size * (uint64_t)rows[best].weight % weights))
					best = i;
			lucky[best] = true;
			naive[best]++;
		}
		spread_compute(rows, count, size);
		for (size_t i = 0; i < count; i++)
			cr_assert_eq(rows[i].desired, naive[i]);
	}
}
