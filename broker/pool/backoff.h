/* broker/pool/backoff.h: when to dial again after a failure: exponential with full jitter
 * (M. Brooker, "Exponential Backoff and Jitter", 2015), 100 ms to 30 s.
 *
 * What comes up and soon falls again flaps. That is remembered: each time it falls within
 * BACKOFF_FLAP_US the next wait is twice as long, and each such time without a fall forgets one. */
#ifndef WSB_BROKER_POOL_BACKOFF_H
#define WSB_BROKER_POOL_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>
#include "common/rng.h"

#define BACKOFF_BASE_US UINT64_C(100000)
#define BACKOFF_MAX_US	UINT64_C(30000000)
#define BACKOFF_FLAP_US UINT64_C(10000000)

struct backoff {
	uint32_t failures;	/* in a row */
	uint64_t not_before_us; /* no dial before; 0: any time */
	uint32_t flaps;		/* remembered */
	uint64_t up_us;		/* when it last came up */
};

/* After the n-th failure in a row the wait is uniform in [base / 2, min(max, base x 2^(n-1))]: full
 * jitter, but never so short that a refused dial becomes a busy loop. */
void backoff_fail(struct backoff *backoff, uint64_t now_us, struct rng *rng);
void backoff_reset(struct backoff *backoff);

void backoff_rise(struct backoff *backoff, uint64_t now_us);
/* It has fallen, having been up. True: it flaps, so the wait before the next dial begins as if it
 * had failed to come up as often; the first fall is none yet. */
bool backoff_fall(struct backoff *backoff, uint64_t now_us, struct rng *rng);

#endif
