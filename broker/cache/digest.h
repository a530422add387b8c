/* broker/cache/digest.h: XXH3-128 of a key, and the names that people and events use. */
#ifndef WSB_BROKER_CACHE_DIGEST_H
#define WSB_BROKER_CACHE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/span.h"

/* The same on every broker: it has no seed. */
struct digest {
	uint64_t low;
	uint64_t high;
};

/* A name means at most two keys: the digest it writes out, and the text it is. */
#define DIGESTS_OF_NAME 2

struct digest digest_of_key(struct span key);
size_t digests_of_name(struct span name, struct digest out[DIGESTS_OF_NAME]);

static inline bool digest_equal(struct digest a, struct digest b)
{
	return a.low == b.low && a.high == b.high;
}

/* 32 bits for tables, which no stranger can foresee who does not know seed. */
static inline uint32_t digest_hash(struct digest digest, uint64_t seed)
{
	return (uint32_t)(((digest.low ^ seed) * (seed | 1) + digest.high) *
				  UINT64_C(0x9e3779b97f4a7c15) >>
			  32);
}

#endif
