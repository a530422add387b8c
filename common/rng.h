/* common/rng.h: xoshiro256** (Blackman and Vigna, 2018): fast, seeded, repeatable.
 * Not for secrets: frame masks come from the operating system's generator. */
#ifndef WSB_COMMON_RNG_H
#define WSB_COMMON_RNG_H

#include <stdint.h>

struct rng {
	uint64_t state[4];
};

/* Any seed is good, 0 included: it is stretched with splitmix64. */
void rng_init(struct rng *rng, uint64_t seed);

uint64_t rng_next(struct rng *rng);

/* Uniform in [0, bound) without modulo bias; bound must not be 0. */
uint64_t rng_below(struct rng *rng, uint64_t bound);

/* Uniform in [0, 1). */
double rng_unit(struct rng *rng);

#endif
