/* common/histogram.h: counts of durations in log-linear buckets, 32 to an octave: values are
 * kept to within 1/32 (3.2 %). Fixed memory, O(1) to record. The idea is Gil Tene's
 * HdrHistogram. Values up to 2^37 microseconds (38 hours) are told apart; longer ones count in the
 * last bucket. */
#ifndef WSB_COMMON_HISTOGRAM_H
#define WSB_COMMON_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SUB	  32
#define HISTOGRAM_OCTAVES 32
#define HISTOGRAM_BUCKETS (HISTOGRAM_SUB * (HISTOGRAM_OCTAVES + 1))

struct histogram {
	uint64_t count;
	uint64_t sum_us;
	uint64_t max_us;
	uint64_t min_us; /* UINT64_MAX while empty */
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);
void histogram_record(struct histogram *histogram, uint64_t value_us);

/* The smallest recorded bucket's upper edge below which a share of at least quantile (0..1] lies;
 * never above max_us. 0 while empty. */
uint64_t histogram_quantile_us(const struct histogram *histogram, double quantile);

/* How many recorded values lie at or below bound_us (to the precision of the buckets). */
uint64_t histogram_count_below(const struct histogram *histogram, uint64_t bound_us);

#endif
