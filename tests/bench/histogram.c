#include "histogram.h"

#include <stddef.h>
#include <string.h>

#define STEPS (1u << HISTOGRAM_STEP_BITS)

void histogram_reset(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
}

void histogram_add(struct histogram *histogram, uint64_t value_ns)
{
	uint64_t value = value_ns;
	size_t cell;

	if (value_ns > histogram->max_ns)
		histogram->max_ns = value_ns;
	if (value >> HISTOGRAM_MAX_BITS)
		value = (UINT64_C(1) << HISTOGRAM_MAX_BITS) - 1;
	if (value < STEPS) {
		cell = value;
	} else {
		unsigned int shift =
			63u - (unsigned int)__builtin_clzll(value) - HISTOGRAM_STEP_BITS;
		cell = ((size_t)shift << HISTOGRAM_STEP_BITS) + (size_t)(value >> shift);
	}
	histogram->cells[cell]++;
	histogram->total++;
}

/* The middle of a cell. */
static double cell_value(size_t cell)
{
	if (cell < STEPS)
		return (double)cell;
	unsigned int shift = (unsigned int)(cell >> HISTOGRAM_STEP_BITS) - 1;
	uint64_t low = (STEPS + (cell & (STEPS - 1))) << shift;
	return (double)low + (double)(UINT64_C(1) << shift) / 2;
}

double histogram_quantile_us(const struct histogram *histogram, double fraction)
{
	double exact = fraction * (double)histogram->total;
	uint64_t wanted = (uint64_t)exact + (exact > (double)(uint64_t)exact ? 1 : 0);
	uint64_t seen = 0;

	for (size_t cell = 0; cell < HISTOGRAM_CELLS; cell++) {
		seen += histogram->cells[cell];
		if (seen && seen >= wanted)
			return cell_value(cell) / 1000;
	}
	return 0;
}
