#include "broker/pool/backoff.h"

/* Doubling the base more often than this would pass BACKOFF_MAX_US by far. */
#define DOUBLINGS_MAX 16

void backoff_fail(struct backoff *backoff, uint64_t now_us, struct rng *rng)
{
	const uint64_t shortest_us = BACKOFF_BASE_US / 2;
	uint32_t doublings = backoff->failures < DOUBLINGS_MAX ? backoff->failures : DOUBLINGS_MAX;
	uint64_t longest_us = BACKOFF_BASE_US << doublings;

	if (longest_us > BACKOFF_MAX_US)
		longest_us = BACKOFF_MAX_US;
	if (backoff->failures < UINT32_MAX)
		backoff->failures++;
	backoff->not_before_us =
		now_us + shortest_us + rng_below(rng, longest_us - shortest_us + 1);
}

void backoff_reset(struct backoff *backoff)
{
	backoff->failures = 0;
	backoff->not_before_us = 0;
}
