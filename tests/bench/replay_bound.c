#include "replay_bound.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "broker/cache/cache.h"
#include "common/rng.h"

#define MIB		 (UINT64_C(1) << 20)
#define OVERHEAD_MOST	 96
#define LARGE		 (64 * MIB)
#define HIT_ENTRIES	 1000
#define KEYS_BETWEEN_TWO 500 /* ticks */

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t resident_bytes(void)
{
	FILE *from = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (from && fscanf(from, "%*u %lu", &pages) != 1)
		pages = 0;
	if (from)
		fclose(from);
	return pages * UINT64_C(4096);
}

static double grown_mib(uint64_t before)
{
	return ((double)resident_bytes() - (double)before) / (double)MIB;
}

static struct cache *make(enum cache_policy_kind policy, uint64_t memory)
{
	struct cache_settings settings = {
		.memory_bytes = memory,
		.max_entry_bytes = LARGE,
		.max_tags = 256,
		.policy = policy,
	};
	struct cache *cache;
	enum wsb_err err = cache_create(&cache, &settings, 11);

	assert(!err);
	return cache;
}

/* As a route fills it: a method, everything that can be set, an answer with the place of its id. */
static struct cache_fill fill_of(struct cache *cache, uint64_t number, char key[64],
				 const char *payload, size_t len)
{
	int key_len = snprintf(key, 64, "s12:property.get#%016lx", (unsigned long)number);

	return (struct cache_fill){
		.key = span_of(key, (size_t)key_len),
		.method = span_text("property.get"),
		.value = {.bytes = span_of(payload, len), .id_at = 22},
		.clock = cache_clock(cache),
		.ttl_us = UINT64_C(3600) * 1000000,
		.stale_while_revalidate_us = 30000000,
		.stale_if_error_us = 300000000,
		.cost_us = 20000,
		.weight = 2,
	};
}

static int print_policy(enum cache_policy_kind policy, uint64_t keys, const char *payload)
{
	struct cache *cache = make(policy, 256 * MIB);
	uint64_t before = resident_bytes(), now_us = 1000000000, most = 0;
	double start = seconds(), overhead = 0;
	struct cache_stats stats;
	struct rng rng;
	char key[64];

	rng_init(&rng, 3);
	for (uint64_t i = 0; i < keys; i++) {
		/* Every length of payload, so that rounding shows as it is on average. */
		size_t len = 100 + (size_t)rng_below(&rng, 400);
		struct cache_fill fill = fill_of(cache, i, key, payload, len);
		enum cache_verdict verdict = cache_store(cache, &fill, now_us);

		assert(verdict == CACHE_STORED);
		if (i % KEYS_BETWEEN_TWO == 0)
			cache_upkeep(cache, now_us += 10000);
		cache_read_stats(cache, &stats);
		most = stats.bytes > most ? stats.bytes : most;
		if (i == keys / 2 || i == keys - 1) {
			double each = (double)stats.overhead_bytes / (double)stats.entries;

			overhead = each > overhead ? each : overhead;
		}
	}
	printf("%s: %lu keys in %.1f s, %.2f us each; %lu entries, overhead %.1f bytes each "
	       "(at most %d)\n",
	       policy == CACHE_GDSF ? "gdsf" : "s3-fifo", (unsigned long)keys, seconds() - start,
	       (seconds() - start) * 1e6 / (double)keys, (unsigned long)stats.entries, overhead,
	       OVERHEAD_MOST);
	printf("  the process has grown by %.1f MiB\n", grown_mib(before));
	for (int i = 0; i < 3; i++) {
		uint64_t ticks = 0;
		enum cache_verdict verdict;

		/* Room for it is made meanwhile. */
		do {
			struct cache_fill fill =
				fill_of(cache, keys + (uint64_t)i, key, payload, LARGE);

			start = seconds();
			verdict = cache_store(cache, &fill, now_us);
			start = seconds() - start;
			cache_read_stats(cache, &stats);
			most = stats.bytes > most ? stats.bytes : most;
			cache_upkeep(cache, now_us += 10000);
		} while (verdict == CACHE_NO_ROOM && ticks++ < 1000);
		printf("  64 MiB more: %s in %.1f ms, after %lu ticks; the process has grown by "
		       "%.1f "
		       "MiB\n",
		       cache_verdict_text(verdict), start * 1e3, (unsigned long)ticks,
		       grown_mib(before));
		fflush(stdout);
	}
	printf("  most ever counted %lu of %lu bytes\n", (unsigned long)most,
	       (unsigned long)stats.memory_bytes);
	cache_destroy(cache);
	return most > stats.memory_bytes || overhead > OVERHEAD_MOST;
}

int print_bound(uint64_t keys)
{
	char *payload = calloc(1, LARGE);
	int failed;

	assert(payload);
	failed = print_policy(CACHE_GDSF, keys, payload);
	failed |= print_policy(CACHE_S3FIFO, keys, payload);
	free(payload);
	return failed;
}

int print_hit(uint64_t looks)
{
	struct cache *cache = make(CACHE_GDSF, 64 * MIB);
	char payload[200] = "";
	char keys[HIT_ENTRIES][64];
	struct span spans[HIT_ENTRIES];
	uint64_t fresh = 0;
	double start;

	for (uint64_t i = 0; i < HIT_ENTRIES; i++) {
		struct cache_fill fill = fill_of(cache, i, keys[i], payload, sizeof(payload));

		spans[i] = fill.key;
		assert(cache_store(cache, &fill, 1000000000) == CACHE_STORED);
	}
	start = seconds();
	for (uint64_t i = 0; i < looks; i++) {
		struct cache_hit hit;

		cache_look(cache, spans[i * 7 % HIT_ENTRIES], ENCODING_JSON, true, 1000000000,
			   &hit);
		fresh += hit.state == CACHE_FRESH;
	}
	printf("%lu looks, %lu fresh, %.1f ns each\n", (unsigned long)looks, (unsigned long)fresh,
	       (seconds() - start) * 1e9 / (double)looks);
	cache_destroy(cache);
	return fresh != looks;
}
