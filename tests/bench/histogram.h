/* tests/bench/histogram.h: latencies in nanoseconds with at most 0.8 % error, in the manner of
 * HdrHistogram: each power of two is cut into 128 equal steps. */
#ifndef WSB_TESTS_BENCH_HISTOGRAM_H
#define WSB_TESTS_BENCH_HISTOGRAM_H
#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7
#define HISTOGRAM_MAX_BITS  40 /* 18 minutes; what is longer counts as that */
#define HISTOGRAM_CELLS	    ((HISTOGRAM_MAX_BITS - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS)

struct histogram {
	uint64_t total;
	uint64_t max_ns;
	uint64_t cells[HISTOGRAM_CELLS];
};

void histogram_reset(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t value_ns);

/* The value that fraction (0 to 1) of the samples do not exceed, in microseconds; 0 when empty. */
double histogram_quantile_us(const struct histogram *histogram, double fraction);
#endif
