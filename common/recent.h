/* common/recent.h: how long things took lately: counts of durations in log-linear buckets, eight to
 * an octave (values are kept to within 1/8), over the span under way and the one before it. Small
 * enough for one in each endpoint and route; recording costs an addition. */
#ifndef WSB_COMMON_RECENT_H
#define WSB_COMMON_RECENT_H

#include <stdint.h>

#define RECENT_SUB_BITS	 3
#define RECENT_SUB	 (1 << RECENT_SUB_BITS)
#define RECENT_FIRST_BIT 5  /* all below 32 us is as good as nothing */
#define RECENT_OCTAVES	 23 /* the last bucket begins at 250 s */
#define RECENT_BUCKETS	 (1 + RECENT_OCTAVES * RECENT_SUB)

struct recent {
	uint32_t counts[2][RECENT_BUCKETS];
	uint32_t totals[2];
	uint32_t at;	     /* of the two: the span under way */
	uint64_t turn_at_us; /* when it ends; 0: none has begun */
};

/* All zero is empty. */

static inline uint32_t recent_bucket(uint64_t value_us)
{
	uint32_t top;
	uint32_t bucket;

	if (value_us < (UINT64_C(1) << RECENT_FIRST_BIT))
		return 0;
	top = 63 - (uint32_t)__builtin_clzll(value_us);
	bucket = 1 + ((top - RECENT_FIRST_BIT) << RECENT_SUB_BITS) +
		 (uint32_t)((value_us >> (top - RECENT_SUB_BITS)) & (RECENT_SUB - 1));
	return bucket < RECENT_BUCKETS ? bucket : RECENT_BUCKETS - 1;
}

static inline void recent_record(struct recent *recent, uint64_t value_us)
{
	recent->counts[recent->at][recent_bucket(value_us)]++;
	recent->totals[recent->at]++;
}

/* Begins a new span when the one under way has lasted span_us, and forgets what is older than the
 * one before it. Call it more often than that. */
void recent_turn(struct recent *recent, uint64_t span_us, uint64_t now_us);

/* Adds what from holds to into, which takes no more records afterwards: only to look at. */
void recent_merge(struct recent *into, const struct recent *from);

static inline uint32_t recent_count(const struct recent *recent)
{
	return recent->totals[0] + recent->totals[1];
}

/* The upper edge of the bucket below which a share of at least quantile (0..1] lies; 0 while empty.
 */
uint64_t recent_quantile_us(const struct recent *recent, double quantile);

#endif
