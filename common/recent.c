#include "common/recent.h"

#include <string.h>

static void begin_span(struct recent *recent)
{
	recent->at = 1 - recent->at;
	memset(recent->counts[recent->at], 0, sizeof(recent->counts[recent->at]));
	recent->totals[recent->at] = 0;
}

void recent_turn(struct recent *recent, uint64_t span_us, uint64_t now_us)
{
	if (recent->turn_at_us == 0) {
		recent->turn_at_us = now_us + span_us;
		return;
	}
	if (now_us < recent->turn_at_us)
		return;
	begin_span(recent);
	/* Nobody came by for so long that the last one is old as well. */
	if (now_us - recent->turn_at_us >= span_us)
		begin_span(recent);
	recent->turn_at_us = now_us + span_us;
}

void recent_merge(struct recent *into, const struct recent *from)
{
	for (size_t span = 0; span < 2; span++) {
		for (size_t bucket = 0; bucket < RECENT_BUCKETS; bucket++)
			into->counts[span][bucket] += from->counts[span][bucket];
		into->totals[span] += from->totals[span];
	}
}

static uint64_t upper_edge_us(uint32_t bucket)
{
	uint32_t octave;
	uint64_t sub;

	if (bucket == 0)
		return (UINT64_C(1) << RECENT_FIRST_BIT) - 1;
	octave = (bucket - 1) >> RECENT_SUB_BITS;
	sub = (bucket - 1) & (RECENT_SUB - 1);
	return ((RECENT_SUB + sub + 1) << (octave + RECENT_FIRST_BIT - RECENT_SUB_BITS)) - 1;
}

uint64_t recent_quantile_us(const struct recent *recent, double quantile)
{
	double wanted = quantile * recent_count(recent);
	double seen = 0;
	uint32_t last = 0;

	if (recent_count(recent) == 0)
		return 0;
	for (uint32_t bucket = 0; bucket < RECENT_BUCKETS; bucket++) {
		uint32_t count = recent->counts[0][bucket] + recent->counts[1][bucket];

		if (count == 0)
			continue;
		seen += count;
		last = bucket;
		if (seen >= wanted)
			break;
	}
	return upper_edge_us(last);
}
