/* broker/cache/duel.h: whether it pays to look at more than who was asked for last.
 *
 * Policies that count how often a key was asked for are misled where popularity moves on, or where
 * every key is asked for twice and never again. So two tiny caches, of hashes alone, are run beside
 * the real one on a sample of the keys, one in so many that the sample fits them as all keys fit
 * the real one (after Waldspurger et al., "Cache Modeling and Optimization using Miniature
 * Simulations", 2017): one evicts like the policy, the other the least recently used. While the
 * second is ahead, the policy goes by recency. */
#ifndef WSB_BROKER_CACHE_DUEL_H
#define WSB_BROKER_CACHE_DUEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/cache/settings.h"

#define DUEL_ENTRIES 512

struct mini {
	uint32_t hashes[DUEL_ENTRIES];
	uint32_t values[DUEL_ENTRIES]; /* the least leaves */
	uint32_t sizes[DUEL_ENTRIES];
	uint8_t frequencies[DUEL_ENTRIES];
	bool proven[DUEL_ENTRIES]; /* s3-fifo: in the main queue */
	uint32_t count;
	uint32_t proven_count;
	uint64_t bytes;
	uint64_t proven_bytes;
	uint32_t clock;
};

struct duel {
	struct mini recent;
	struct mini policy;
	/* What the second has let go, and how often it was asked for. */
	uint32_t gone[DUEL_ENTRIES];
	uint8_t gone_frequencies[DUEL_ENTRIES];
	uint32_t gone_at;
	uint32_t gone_count; /* as many as each holds */
	enum cache_policy_kind kind;
	uint64_t capacity; /* of each, in bytes of entries that are not there */
	double mean_size;
	uint32_t limit; /* keys whose hash is below it are the sample */
	uint32_t samples;
	int32_t lead;	/* hits of the first less those of the second, lately */
	bool was_ahead; /* after the round before */
	bool prefers_recency;
};

void duel_init(struct duel *duel, enum cache_policy_kind kind);
/* The real one holds so many entries in so many bytes. */
void duel_fit(struct duel *duel, uint64_t entries, uint64_t bytes);

void duel_sample(struct duel *duel, uint32_t hash, size_t size);
/* Each look with touch that finds its entry, and each entry that is stored anew. */
static inline void duel_look(struct duel *duel, uint32_t hash, size_t size)
{
	if (hash < duel->limit)
		duel_sample(duel, hash, size);
}

#endif
