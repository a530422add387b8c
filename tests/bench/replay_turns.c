#include "replay_turns.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "broker/cache/cache.h"

#define MIB	   (UINT64_C(1) << 20)
#define LARGE	   (64 * MIB)
#define TICK_US	   10000
#define TAGS_EACH  2
#define GROUPS	   1000 /* tags of the second kind */
#define IN_A_TURN  20	/* stores */
#define START_US   UINT64_C(1000000000)
#define SETTLE_MAX 200000
#define LINE	   55

/* Of the processor: others who take it from us are nobody's fault here. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The calls of one kind: how many, how long on average, and the longest. */
struct turns {
	uint64_t count;
	double all;
	double longest;
};

static void add_turn(struct turns *turns, double start)
{
	double took = seconds() - start;

	turns->count++;
	turns->all += took;
	if (took > turns->longest)
		turns->longest = took;
}

static void print_turns(const char *what, const struct turns *turns)
{
	printf("  %-34s %9lu x %9.4f ms, the longest %9.3f ms\n", what, (unsigned long)turns->count,
	       turns->all * 1e3 / (double)turns->count, turns->longest * 1e3);
	fflush(stdout);
}

struct scene {
	struct cache *cache;
	struct cache_settings settings;
	char *payload; /* of LARGE bytes, half of it noise */
	uint64_t now_us;
};

static enum cache_verdict put(struct scene *scene, uint64_t number, size_t len)
{
	char key[64], own[32], group[32];
	int key_len = snprintf(key, sizeof(key), "s12:property.get#%016lx", (unsigned long)number);
	int own_len = snprintf(own, sizeof(own), "property:%lu", (unsigned long)number);
	int group_len =
		snprintf(group, sizeof(group), "city:%lu", (unsigned long)(number % GROUPS));
	const struct span tags[TAGS_EACH] = {span_of(own, (size_t)own_len),
					     span_of(group, (size_t)group_len)};
	const struct cache_fill fill = {
		.key = span_of(key, (size_t)key_len),
		.method = span_text("property.get"),
		.tags = tags,
		.tag_count = TAGS_EACH,
		.value = {.bytes = span_of(scene->payload, len), .id_at = 22},
		.clock = cache_clock(scene->cache),
		.ttl_us = UINT64_C(3600) * 1000000,
		.stale_while_revalidate_us = 30000000,
		.stale_if_error_us = 300000000,
		.cost_us = 20000,
		.weight = 2,
	};

	return cache_store(scene->cache, &fill, scene->now_us);
}

static void tick(struct scene *scene, struct turns *ticks)
{
	double start = seconds();

	cache_upkeep(scene->cache, scene->now_us += TICK_US);
	add_turn(ticks, start);
}

/* Until it is full and has been turned over once. */
static void fill(struct scene *scene, uint64_t keys)
{
	struct turns stores = {0}, ticks = {0};
	struct cache_stats stats;

	for (uint64_t i = 0; i < keys; i++) {
		double start = seconds();

		put(scene, i, 100 + i * 7 % 400);
		add_turn(&stores, start);
		if (i % IN_A_TURN == 0)
			tick(scene, &ticks);
	}
	cache_read_stats(scene->cache, &stats);
	printf("%lu keys with two tags each, %lu of them stay\n", (unsigned long)keys,
	       (unsigned long)stats.entries);
	print_turns("store of 100 to 499 bytes", &stores);
	print_turns("tick meanwhile", &ticks);
}

static void store_large(struct scene *scene, size_t len, int count)
{
	struct turns stores = {0}, ticks = {0};
	char what[64];
	int stored = 0;

	for (int i = 0; i < count; i++) {
		double start = seconds();

		stored += put(scene, UINT64_MAX - len - (uint64_t)i, len) == CACHE_STORED;
		add_turn(&stores, start);
		for (int k = 0; k < 100; k++)
			tick(scene, &ticks);
	}
	snprintf(what, sizeof(what), "store of %lu KiB (%d of %d stored)",
		 (unsigned long)(len / 1024), stored, count);
	print_turns(what, &stores);
	print_turns("tick afterwards", &ticks);
}

static void hit(struct scene *scene, const char *what, const struct invalidation *invalidation)
{
	struct turns calls = {0}, ticks = {0};
	double start = seconds();
	size_t count = cache_invalidate(scene->cache, invalidation, scene->now_us);
	char text[64];

	add_turn(&calls, start);
	snprintf(text, sizeof(text), "invalidate %s: %lu", what, (unsigned long)count);
	print_turns(text, &calls);
	for (int k = 0; k < 1000; k++)
		tick(scene, &ticks);
	print_turns("tick afterwards", &ticks);
}

static void configure(struct scene *scene, const char *what, struct cache_settings settings)
{
	struct turns calls = {0}, ticks = {0};
	struct cache_stats stats;
	double start = seconds();
	enum wsb_err err = cache_configure(scene->cache, &settings);
	char text[64];

	add_turn(&calls, start);
	snprintf(text, sizeof(text), "%s%s", what, err ? ": REFUSED" : "");
	print_turns(text, &calls);
	do {
		tick(scene, &ticks);
		cache_read_stats(scene->cache, &stats);
	} while (stats.bytes > settings.memory_bytes && ticks.count < SETTLE_MAX);
	for (int k = 0; k < 1000; k++)
		tick(scene, &ticks);
	print_turns("tick afterwards", &ticks);
}

static void play(enum cache_policy_kind policy, uint64_t keys, uint64_t memory, char *payload)
{
	const struct span group = span_text("city:7"), glob = span_text("property:*5"),
			  both[] = {span_text("property:*"), span_text("city:1*")};
	struct scene scene = {.payload = payload, .now_us = START_US};
	enum wsb_err err;

	scene.settings = (struct cache_settings){
		.memory_bytes = memory,
		.max_entry_bytes = LARGE,
		.max_tags = 256,
		.compress_above = 2048,
		.policy = policy,
	};
	err = cache_create(&scene.cache, &scene.settings, 11);
	assert(!err);
	printf("%s, %lu MiB: ", policy == CACHE_GDSF ? "gdsf" : "s3-fifo",
	       (unsigned long)(memory / MIB));
	fill(&scene, keys);
	store_large(&scene, 64 * 1024, 20);
	store_large(&scene, 1024 * 1024, 20);
	store_large(&scene, 8 * MIB, 6);
	store_large(&scene, LARGE, 3);
	fill(&scene, keys);
	hit(&scene, "a tag",
	    &(struct invalidation){.tags = &group, .tag_count = 1, .mode = INVALIDATE_HARD});
	hit(&scene, "a glob",
	    &(struct invalidation){.tags = &glob, .tag_count = 1, .mode = INVALIDATE_HARD});
	hit(&scene, "all of two globs",
	    &(struct invalidation){
		    .tags = both, .tag_count = 2, .match = MATCH_ALL, .mode = INVALIDATE_SOFT});
	hit(&scene, "everything", &(struct invalidation){.all = true, .mode = INVALIDATE_HARD});
	fill(&scene, keys);
	scene.settings.policy = policy == CACHE_GDSF ? CACHE_S3FIFO : CACHE_GDSF;
	configure(&scene, "another policy", scene.settings);
	scene.settings.memory_bytes = memory / 2;
	configure(&scene, "half the memory", scene.settings);
	scene.settings.memory_bytes = 2 * MIB;
	configure(&scene, "2 MiB", scene.settings);
	scene.settings.memory_bytes = memory;
	configure(&scene, "all of it again", scene.settings);
	cache_destroy(scene.cache);
}

int print_turns_of(uint64_t keys)
{
	uint64_t memory = keys * 512 / 2;
	char *payload = calloc(1, LARGE);
	uint64_t noise = 88172645463325252;

	assert(payload);
	/* Numbers in text, as answers are. */
	for (size_t at = 0; at + LINE < LARGE; at += LINE) {
		char text[2 * LINE];

		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		snprintf(text, sizeof(text), "{\"id\":%020lu,\"name\":\"%08x\",\"on\":true},",
			 (unsigned long)noise, (uint32_t)noise);
		memcpy(payload + at, text, LINE);
	}
	play(CACHE_GDSF, keys, memory, payload);
	play(CACHE_S3FIFO, keys, memory, payload);
	free(payload);
	return 0;
}
