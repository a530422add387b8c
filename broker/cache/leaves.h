/* broker/cache/leaves.h: the scalars of a value, each with a name for its place. For the predictor
 * alone. */
#ifndef WSB_BROKER_CACHE_LEAVES_H
#define WSB_BROKER_CACHE_LEAVES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/span.h"
#include "proto/codec.h"

#define LEAF_DEPTH_MAX 6
#define LEAF_BYTES_MAX 128 /* a longer scalar is nothing that a request is made of */

struct leaf {
	uint32_t path;	/* hash of the way to it; the lowest bit is the root's */
	uint32_t value; /* hash of its token as it stands */
};

/* The roots: of params, of a result. */
#define LEAF_PARAMS 0U
#define LEAF_RESULT 1U

struct leaf_at {
	struct leaf leaf;
	struct span token;
};

/* Finds up to max of them in a validated value. Returns how many; *whole: there are no others. */
size_t leaves_find(enum encoding encoding, struct span token, uint32_t root, struct leaf_at *out,
		   size_t max, bool *whole);

#endif
