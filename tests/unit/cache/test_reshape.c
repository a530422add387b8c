/* New settings while it runs. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include "broker/cache/state.h"
#include "tests/unit/cache/desk.h"

#define MIB (UINT64_C(1) << 20)

static void fill(struct desk *desk, uint64_t count, size_t len)
{
	static const char bytes[1000];

	for (uint64_t i = 0; i < count; i++)
		cr_assert_eq(desk_store_bytes(desk, i, len, bytes), CACHE_STORED);
}

static void configure(struct desk *desk, const struct cache_settings *settings)
{
	cr_assert_eq(cache_configure(desk->cache, settings), WSB_OK);
}

/* Step by step, and meanwhile it is of use. */
static void settle(struct desk *desk, uint64_t memory_bytes)
{
	uint64_t evictions = desk_stats(desk).evictions;
	char bytes[1000] = "";

	for (uint64_t tick = 0; desk->cache->budget.limit > memory_bytes; tick++) {
		struct cache_stats stats = desk_stats(desk);

		cr_assert_lt(tick, 1000);
		cr_assert_leq(stats.evictions - evictions, 4 * CACHE_EVICT_MOST);
		cr_assert_eq(stats.memory_bytes, memory_bytes);
		evictions = stats.evictions;
		desk_upkeep(desk, 1);
		cr_assert_eq(desk_store_bytes(desk, 1000000 + tick, sizeof(bytes), bytes),
			     CACHE_STORED);
		desk_look(desk, "k7");
	}
	cr_assert_leq(desk_stats(desk).bytes, memory_bytes);
}

Test(reshape, settings_change_while_it_runs)
{
	struct cache_settings settings = desk_settings();
	struct desk desk = desk_open();
	char bytes[1000] = "";

	fill(&desk, 6000, 1000);
	settings.policy = CACHE_S3FIFO;
	configure(&desk, &settings);
	cr_assert_gt(desk_stats(&desk).entries, 5000);
	settings.memory_bytes = 2 * MIB;
	configure(&desk, &settings);
	settle(&desk, settings.memory_bytes);
	cr_assert_gt(desk_stats(&desk).entries, 1000);
	settings.memory_bytes = 64 * MIB;
	settings.policy = CACHE_GDSF;
	configure(&desk, &settings);
	fill(&desk, 50000, 1000);
	cr_assert_geq(desk_stats(&desk).entries, 50000);
	settings.memory_bytes = 1000;
	cr_assert_eq(cache_configure(desk.cache, &settings), WSB_EINVAL);
	settings.memory_bytes = 1 * MIB;
	configure(&desk, &settings);
	settle(&desk, settings.memory_bytes);
	cr_assert_gt(desk_stats(&desk).entries, 100);
	cr_assert_eq(desk_store_bytes(&desk, 1, sizeof(bytes), bytes), CACHE_STORED);
	desk_close(&desk);
}

/* From a cache full of the smallest to next to nothing, with all that a cache remembers besides:
 * what it knows of keys that left, of tags that loads must be told, of how to compress. */
Test(reshape, shrinks_to_the_least_whatever_it_holds)
{
	static const enum cache_policy_kind policies[] = {CACHE_GDSF, CACHE_S3FIFO};

	for (size_t p = 0; p < 2; p++) {
		struct cache_settings settings = desk_settings();
		struct desk desk;
		char *bytes = calloc(1, MIB);
		char key[24], what[32];

		settings.policy = policies[p];
		settings.memory_bytes = 32 * MIB;
		settings.compress_above = 2048;
		desk = desk_open_with(settings);
		for (uint64_t i = 0; i < 250000; i++) {
			snprintf(key, sizeof(key), "k%lu", (unsigned long)i);
			snprintf(what, sizeof(what), "t%lu", (unsigned long)i);
			cr_assert_eq(desk_store(&desk, key, "m", what), CACHE_STORED);
			if (i % 100 == 0)
				desk_upkeep(&desk, 1);
			if (i % 50 == 0) {
				snprintf(what, sizeof(what), "tag t%lu gone%lu", (unsigned long)i,
					 (unsigned long)i);
				desk_invalidate(&desk, what);
			}
		}
		/* The tools of compression find room like large values do. */
		cr_assert(desk_store_in_the_end(&desk, 1, MIB, bytes));
		desk_upkeep(&desk, 200);
		cr_assert(desk_store_in_the_end(&desk, 2, MIB, bytes));
		cr_assert_eq(desk_stats(&desk).compressed, 1);
		settings.memory_bytes = 1 * MIB;
		configure(&desk, &settings);
		settle(&desk, settings.memory_bytes);
		free(bytes);
		desk_close(&desk);
	}
}

/* Before all have moved, it changes back. */
Test(reshape, policies_change_to_and_fro)
{
	struct cache_settings settings = desk_settings();
	struct desk desk = desk_open();
	char bytes[100] = "";

	fill(&desk, 10000, sizeof(bytes));
	for (uint32_t turn = 0; turn < 9; turn++) {
		settings.policy = turn % 2 ? CACHE_GDSF : CACHE_S3FIFO;
		configure(&desk, &settings);
		desk_upkeep(&desk, turn < 8 ? 5 : 100);
		cr_assert_eq(desk_store_bytes(&desk, 20000 + turn, sizeof(bytes), bytes),
			     CACHE_STORED);
	}
	cr_assert_eq(desk.cache->policies[desk.cache->side].kind, CACHE_S3FIFO);
	cr_assert_eq(desk.cache->policies[desk.cache->side].count, 10009);
	cr_assert_eq(desk.cache->policies[!desk.cache->side].count, 0);
	cr_assert_eq(desk_stats(&desk).evictions, 0);
	desk_close(&desk);
}

Test(reshape, leaves_to_others_what_is_set_aside)
{
	struct cache_settings settings = desk_settings();
	struct desk desk = desk_open();

	fill(&desk, 20000, 1000);
	settings.set_aside_bytes = 3 * MIB;
	configure(&desk, &settings);
	for (uint32_t tick = 0; tick < 100; tick++)
		desk_upkeep(&desk, 1);
	fill(&desk, 20000, 1000);
	cr_assert_leq(desk_stats(&desk).bytes, 5 * MIB);
	cr_assert_eq(desk_stats(&desk).memory_bytes, 8 * MIB);
	settings.set_aside_bytes = 5 * MIB;
	cr_assert_eq(cache_configure(desk.cache, &settings), WSB_EINVAL);
	desk_close(&desk);
}
