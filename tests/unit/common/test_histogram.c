#include <criterion/criterion.h>
#include <stdlib.h>
#include "common/histogram.h"
#include "common/rng.h"

/* Where the last bucket begins, which has no upper edge. */
#define LAST_US (UINT64_C(63) << 31)

Test(histogram, empty)
{
	struct histogram h;

	histogram_init(&h);
	cr_assert_eq(h.min_us, UINT64_MAX);
	cr_assert_eq(histogram_quantile_us(&h, 0.5), 0);
	cr_assert_eq(histogram_count_below(&h, UINT64_MAX), 0);
}

Test(histogram, one_value_is_every_quantile)
{
	uint64_t values[] = {0, 1, 31, 32, 33, 1000, UINT64_C(1) << 37, UINT64_MAX};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct histogram h;

		histogram_init(&h);
		histogram_record(&h, values[i]);
		cr_assert_eq(histogram_quantile_us(&h, 0.001), values[i]);
		cr_assert_eq(histogram_quantile_us(&h, 1.0), values[i]);
		cr_assert_eq(h.min_us, values[i]);
		cr_assert_eq(h.max_us, values[i]);
		cr_assert_eq(histogram_count_below(&h, values[i]), 1);
		if (values[i] > 0 && values[i] < UINT64_MAX)
			cr_assert_eq(histogram_count_below(&h, values[i] / 2), 0);
	}
}

/* With a large value beside it, the small one is answered as the edge of its bucket. */
static uint64_t edge_of(uint64_t value_us)
{
	struct histogram h;

	histogram_init(&h);
	histogram_record(&h, value_us);
	histogram_record(&h, UINT64_MAX);
	return histogram_quantile_us(&h, 0.5);
}

Test(histogram, edges_are_within_a_thirty_second)
{
	struct rng rng;

	rng_init(&rng, 5);
	for (uint64_t value = 0; value < 32; value++)
		cr_assert_eq(edge_of(value), value);
	for (int i = 0; i < 20000; i++) {
		uint64_t value = rng_next(&rng) >> (27 + rng_below(&rng, 37));
		uint64_t edge = edge_of(value);

		if (value >= LAST_US)
			continue;
		cr_assert(edge >= value && edge - value <= value / 32, "%llu gives %llu",
			  (unsigned long long)value, (unsigned long long)edge);
		cr_assert_eq(edge_of(edge), edge);
		cr_assert(edge_of(edge + 1) > edge);
	}
}

Test(histogram, what_is_longer_than_all_buckets_counts_in_the_last)
{
	struct histogram h;

	histogram_init(&h);
	histogram_record(&h, LAST_US - 1);
	histogram_record(&h, LAST_US);
	histogram_record(&h, UINT64_MAX - 1);
	cr_assert_eq(h.buckets[HISTOGRAM_BUCKETS - 2], 1);
	cr_assert_eq(h.buckets[HISTOGRAM_BUCKETS - 1], 2);
	cr_assert_eq(histogram_quantile_us(&h, 0.3), LAST_US - 1);
	cr_assert_eq(histogram_quantile_us(&h, 0.5), UINT64_MAX - 1);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

Test(histogram, quantiles_agree_with_a_sorted_array)
{
	enum { N = 10000 };
	double quantiles[] = {0.0001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0};
	static uint64_t values[N];
	struct histogram h;
	struct rng rng;

	rng_init(&rng, 9);
	histogram_init(&h);
	for (int i = 0; i < N; i++) {
		values[i] = rng_next(&rng) >> (34 + rng_below(&rng, 20));
		histogram_record(&h, values[i]);
	}
	qsort(values, N, sizeof(values[0]), compare);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		uint64_t exact = values[(size_t)(quantiles[i] * N + 0.5) - 1];
		uint64_t answer = histogram_quantile_us(&h, quantiles[i]);

		cr_assert(answer >= exact && answer <= exact + exact / 32, "quantile %g",
			  quantiles[i]);
	}
	cr_assert_eq(histogram_quantile_us(&h, 1.0), values[N - 1]);
}

Test(histogram, count_below_only_grows_with_the_bound)
{
	struct histogram h;
	uint64_t last = 0;

	histogram_init(&h);
	for (uint64_t value = 0; value < 5000; value++)
		histogram_record(&h, value);
	for (uint64_t bound = 0; bound < 6000; bound++) {
		uint64_t count = histogram_count_below(&h, bound);
		uint64_t exact = bound < 4999 ? bound + 1 : 5000;

		cr_assert(count >= last && count >= exact && count <= exact + exact / 32);
		last = count;
	}
	cr_assert_eq(last, 5000);
}
