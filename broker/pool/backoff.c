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

void backoff_rise(struct backoff *backoff, uint64_t now_us)
{
	backoff->up_us = now_us;
}

bool backoff_fall(struct backoff *backoff, uint64_t now_us, struct rng *rng)
{
	uint64_t calm = now_us > backoff->up_us ? (now_us - backoff->up_us) / BACKOFF_FLAP_US : 0;

	if (calm > 0)
		backoff->flaps -= calm < backoff->flaps ? (uint32_t)calm : backoff->flaps;
	else if (backoff->flaps < DOUBLINGS_MAX)
		backoff->flaps++;
	if (backoff->flaps < 2)
		return false;
	if (backoff->failures < backoff->flaps - 1)
		backoff->failures = backoff->flaps - 1;
	backoff_fail(backoff, now_us, rng);
	return true;
}

void backoff_reset(struct backoff *backoff)
{
	backoff->failures = 0;
	backoff->not_before_us = 0;
}
