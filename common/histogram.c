#include "common/histogram.h"

#include <string.h>

#define SUB_BITS 5

_Static_assert(HISTOGRAM_SUB == 1 << SUB_BITS, "an octave is cut by its next bits");

void histogram_init(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
	histogram->min_us = UINT64_MAX;
}

/* Below 32 each value has a bucket of its own; above, the position of the highest bit names the
 * octave and the five bits after it the bucket within. */
static size_t bucket_of(uint64_t value_us)
{
	unsigned int shift;
	size_t index;

	if (value_us < HISTOGRAM_SUB)
		return (size_t)value_us;
	shift = 63 - (unsigned int)__builtin_clzll(value_us) - SUB_BITS;
	index = ((size_t)shift << SUB_BITS) + (size_t)(value_us >> shift);
	return index < HISTOGRAM_BUCKETS ? index : HISTOGRAM_BUCKETS - 1;
}

/* The largest value that counts in the bucket. */
static uint64_t upper_edge_us(size_t bucket)
{
	size_t shift;

	if (bucket < HISTOGRAM_SUB)
		return bucket;
	if (bucket == HISTOGRAM_BUCKETS - 1)
		return UINT64_MAX;
	shift = bucket / HISTOGRAM_SUB - 1;
	return ((uint64_t)(HISTOGRAM_SUB + bucket % HISTOGRAM_SUB + 1) << shift) - 1;
}

void histogram_record(struct histogram *histogram, uint64_t value_us)
{
	histogram->count++;
	histogram->sum_us += value_us;
	if (value_us > histogram->max_us)
		histogram->max_us = value_us;
	if (value_us < histogram->min_us)
		histogram->min_us = value_us;
	histogram->buckets[bucket_of(value_us)]++;
}

uint64_t histogram_quantile_us(const struct histogram *histogram, double quantile)
{
	double wanted = quantile * (double)histogram->count;
	uint64_t seen = 0;

	if (histogram->count == 0)
		return 0;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t edge_us;

		seen += histogram->buckets[i];
		if (histogram->buckets[i] == 0 || (double)seen < wanted)
			continue;
		edge_us = upper_edge_us(i);
		return edge_us < histogram->max_us ? edge_us : histogram->max_us;
	}
	return histogram->max_us;
}

uint64_t histogram_count_below(const struct histogram *histogram, uint64_t bound_us)
{
	size_t last = bucket_of(bound_us);
	uint64_t seen = 0;

	if (bound_us >= histogram->max_us)
		return histogram->count;
	for (size_t i = 0; i <= last; i++)
		seen += histogram->buckets[i];
	return seen;
}
