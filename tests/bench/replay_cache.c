#include "replay_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "broker/cache/cache.h"

#define NOW_US	     UINT64_C(1000000000)
#define MEMORY_LEAST (UINT64_C(1) << 20)
#define UPKEEP_EVERY 64
#define LARGEST	     ((size_t)64 << 20)

struct bench {
	struct cache *cache;
	char *payload;
	uint64_t steps;
};

static struct bench bench_open(enum cache_policy_kind policy, uint64_t memory, size_t payload)
{
	struct cache_settings settings = {
		.memory_bytes = memory,
		.max_entry_bytes = memory,
		.max_tags = 16,
		.policy = policy,
	};
	struct bench bench = {.payload = calloc(1, payload + 1)};
	enum wsb_err err = cache_create(&bench.cache, &settings, 11);

	assert(!err && bench.payload);
	return bench;
}

static void bench_close(struct bench *bench)
{
	cache_destroy(bench->cache);
	free(bench->payload);
}

/* One request: whether it was a hit; a miss is stored. */
static bool request(struct bench *bench, uint32_t number, size_t size)
{
	char key[9] = "s";
	struct cache_hit hit;
	struct cache_fill fill = {
		.key = span_of(key, sizeof(key)),
		.value = {.bytes = span_of(bench->payload, size), .id_at = UINT32_MAX},
		.clock = cache_clock(bench->cache),
		.ttl_us = UINT64_C(3600) * 1000000,
		.cost_us = 1000,
		.weight = 1,
	};
	enum cache_verdict verdict;

	memcpy(key + 1, &number, sizeof(number));
	if (bench->steps++ % UPKEEP_EVERY == 0)
		cache_upkeep(bench->cache, NOW_US);
	cache_look(bench->cache, fill.key, ENCODING_JSON, true, NOW_US, &hit);
	if (hit.state == CACHE_FRESH)
		return true;
	verdict = cache_store(bench->cache, &fill, NOW_US);
	assert(verdict == CACHE_STORED || verdict == CACHE_NO_ROOM || verdict == CACHE_TOO_LARGE);
	return false;
}

static uint64_t entries(const struct bench *bench)
{
	struct cache_stats stats;

	cache_read_stats(bench->cache, &stats);
	assert(stats.bytes <= stats.memory_bytes);
	return stats.entries;
}

/* How many entries of that size so much memory holds. */
static uint64_t holds(enum cache_policy_kind policy, uint64_t memory, size_t payload,
		      uint64_t capacity)
{
	struct bench bench = bench_open(policy, memory, payload);
	uint64_t count;

	for (uint32_t i = 0; i < 2 * capacity; i++)
		request(&bench, i, payload);
	count = entries(&bench);
	bench_close(&bench);
	return count;
}

static uint64_t memory_for(enum cache_policy_kind policy, size_t payload, uint64_t capacity)
{
	uint64_t low = MEMORY_LEAST;
	uint64_t high = MEMORY_LEAST + capacity * (payload + 1000);

	while (high - low > payload / 4) {
		uint64_t middle = (low + high) / 2;

		if (holds(policy, middle, payload, capacity) < capacity)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* All requests; *beside is what the cache then held beside payload. */
static uint64_t run(const struct trace *trace, enum cache_policy_kind policy, uint64_t memory,
		    size_t payload, uint64_t *beside)
{
	struct bench bench = bench_open(policy, memory, payload);
	struct cache_stats stats;
	uint64_t hits = 0;

	for (size_t i = 0; i < trace->count; i++) {
		uint32_t key = trace->keys[i];

		hits += request(&bench, key, trace->sizes ? trace->sizes[key] : payload);
	}
	cache_read_stats(bench.cache, &stats);
	*beside = stats.bytes - stats.payload_bytes;
	bench_close(&bench);
	return hits;
}

uint64_t replay(const struct trace *trace, enum cache_policy_kind policy, uint64_t capacity)
{
	/* So large that what a table grows by is less than one of them, in small caches. */
	size_t payload = capacity < 1000 ? 32000 : capacity < 10000 ? 4000 : 400;
	uint64_t beside = 0;

	if (!trace->sizes)
		return run(trace, policy, memory_for(policy, payload, capacity), payload, &beside);
	run(trace, policy, capacity, LARGEST, &beside);
	return run(trace, policy, capacity + beside, LARGEST, &beside);
}
