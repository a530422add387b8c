#include "broker/cache/leaves.h"

#include <xxhash.h>
#include "proto/token.h"
#include "proto/value_walk.h"

struct leaf_walk {
	enum encoding encoding;
	uint32_t root;
	struct leaf_at *out;
	size_t count;
	size_t max;
	bool whole;
};

static uint32_t hash_of(struct span text, uint64_t seed)
{
	return (uint32_t)(XXH3_64bits_withSeed(text.at, text.len, seed) >> 32);
}

static void add_leaf(struct leaf_walk *walk, struct span token, uint64_t path)
{
	if (walk->count == walk->max || token.len > LEAF_BYTES_MAX) {
		walk->whole = false;
		return;
	}
	walk->out[walk->count++] = (struct leaf_at){
		.leaf = {.path = ((uint32_t)(path >> 32) & ~1U) | walk->root,
			 .value = hash_of(token, 0)},
		.token = token,
	};
}

static void walk_value(struct leaf_walk *walk, struct span token, uint64_t path, size_t depth)
{
	struct value_walk members;
	struct span name, value;

	if (!value_walk_begin(&members, walk->encoding, token)) {
		add_leaf(walk, token, path);
		return;
	}
	if (depth == LEAF_DEPTH_MAX) {
		walk->whole = false;
		return;
	}
	for (uint64_t index = 0; walk->whole && value_walk_next(&members, &name, &value); index++) {
		uint64_t below = members.object ? XXH3_64bits_withSeed(name.at, name.len, path)
						: XXH3_64bits_withSeed(&index, sizeof(index), path);

		walk_value(walk, value, below, depth + 1);
	}
}

size_t leaves_find(enum encoding encoding, struct span token, uint32_t root, struct leaf_at *out,
		   size_t max, bool *whole)
{
	struct leaf_walk walk = {
		.encoding = encoding, .root = root, .out = out, .max = max, .whole = true};

	if (token.at)
		walk_value(&walk, token, 0, 0);
	*whole = walk.whole;
	return walk.count;
}
