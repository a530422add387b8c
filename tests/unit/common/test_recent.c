#include <criterion/criterion.h>
#include "common/recent.h"

#define SPAN_US UINT64_C(1000000)

Test(recent, is_empty_at_first)
{
	struct recent recent = {0};

	cr_assert_eq(recent_count(&recent), 0);
	cr_assert_eq(recent_quantile_us(&recent, 0.99), 0);
}

Test(recent, buckets_grow_with_the_value_and_keep_it_to_an_eighth)
{
	uint32_t before = 0;

	for (uint64_t us = 1; us < UINT64_C(200000000); us += 1 + us / 50) {
		struct recent recent = {0};
		uint64_t edge_us;

		cr_assert_geq(recent_bucket(us), before, "at %lu", us);
		before = recent_bucket(us);
		recent_record(&recent, us);
		edge_us = recent_quantile_us(&recent, 1);
		cr_assert_geq(edge_us, us, "at %lu", us);
		cr_assert(us < 32 || edge_us <= us + us / 8, "%lu for %lu", edge_us, us);
	}
}

Test(recent, several_are_looked_at_as_one)
{
	struct recent one = {0}, other = {0}, both = {0};

	for (int i = 0; i < 60; i++)
		recent_record(&one, 1000);
	recent_turn(&other, SPAN_US, 1);
	recent_record(&other, 1000);
	recent_turn(&other, SPAN_US, 1 + SPAN_US);
	for (int i = 0; i < 39; i++)
		recent_record(&other, 9000);
	recent_merge(&both, &one);
	recent_merge(&both, &other);
	cr_assert_eq(recent_count(&both), 100);
	cr_expect_eq(recent_quantile_us(&both, 0.61), recent_quantile_us(&one, 0.5));
	cr_expect_geq(recent_quantile_us(&both, 0.62), 9000);
}

Test(recent, the_longest_fall_into_the_last_bucket)
{
	struct recent recent = {0};

	recent_record(&recent, UINT64_MAX);
	cr_assert_eq(recent.counts[0][RECENT_BUCKETS - 1], 1);
}

Test(recent, quantiles_are_those_of_what_was_recorded)
{
	static const struct {
		double quantile;
		uint64_t least_us, most_us;
	} cases[] = {{0.5, 500, 570}, {0.95, 950, 1090}, {0.99, 990, 1130}, {1, 1000, 1130}};
	struct recent recent = {0};

	for (uint64_t us = 1; us <= 1000; us++)
		recent_record(&recent, us);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t us = recent_quantile_us(&recent, cases[i].quantile);

		cr_assert(us >= cases[i].least_us && us <= cases[i].most_us, "%g: %lu",
			  cases[i].quantile, us);
	}
}

Test(recent, forgets_what_is_older_than_two_spans)
{
	struct recent recent = {0};
	uint64_t now_us = 7;

	recent_turn(&recent, SPAN_US, now_us);
	recent_record(&recent, 100);
	recent_turn(&recent, SPAN_US, now_us + SPAN_US - 1);
	cr_assert_eq(recent_count(&recent), 1);
	recent_turn(&recent, SPAN_US, now_us += SPAN_US);
	recent_record(&recent, 200);
	cr_assert_eq(recent_count(&recent), 2, "the one before is kept");
	recent_turn(&recent, SPAN_US, now_us += SPAN_US);
	cr_assert_eq(recent_count(&recent), 1);
	recent_turn(&recent, SPAN_US, now_us += 2 * SPAN_US);
	cr_assert_eq(recent_count(&recent), 0, "after a long silence nothing is recent");
}
