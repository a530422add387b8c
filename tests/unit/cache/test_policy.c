/* Who stays, on made up sequences, beside a plain list that lets go of the least recently used. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include "broker/cache/state.h"
#include "common/rng.h"
#include "tests/unit/cache/desk.h"

#define REQUESTS 120000
#define KEYS	 40000

/* The least recently used, by linked lists of key numbers; 0 is both ends. */
struct lru {
	uint32_t newer[KEYS + 1];
	uint32_t older[KEYS + 1];
	bool here[KEYS + 1];
	uint32_t count;
	uint32_t capacity;
	uint32_t hits;
};

static void lru_leave(struct lru *lru, uint32_t key)
{
	lru->older[lru->newer[key]] = lru->older[key];
	lru->newer[lru->older[key]] = lru->newer[key];
}

static void lru_enter(struct lru *lru, uint32_t key)
{
	lru->newer[key] = 0;
	lru->older[key] = lru->older[0];
	lru->newer[lru->older[0]] = key;
	lru->older[0] = key;
}

static void lru_look(struct lru *lru, uint32_t key)
{
	if (lru->here[key]) {
		lru->hits++;
		lru_leave(lru, key);
		lru_enter(lru, key);
		return;
	}
	if (lru->count == lru->capacity) {
		uint32_t oldest = lru->newer[0];

		lru_leave(lru, oldest);
		lru->here[oldest] = false;
		lru->count--;
	}
	lru->here[key] = true;
	lru->count++;
	lru_enter(lru, key);
}

static uint32_t zipf(struct rng *rng, uint32_t keys)
{
	return (uint32_t)exp(rng_unit(rng) * log(keys)) - 1;
}

/* From 1 to KEYS. */
static uint32_t steady(struct rng *rng, uint32_t i)
{
	(void)i;
	return 1 + zipf(rng, 20000);
}

static uint32_t drift(struct rng *rng, uint32_t i)
{
	return 1 + i / 15 + zipf(rng, 5000);
}

/* Every key is read a second time, so much later that half of the cache has gone by. */
static uint32_t twice(struct rng *rng, uint32_t i)
{
	(void)rng;
	return 1 + (i % 2 ? (i > 1000 ? i - 1000 : i) : i) / 2 % KEYS;
}

static uint32_t loop(struct rng *rng, uint32_t i)
{
	return i % 3 ? 1001 + i % 2500 : 1 + (uint32_t)rng_below(rng, 300);
}

static uint32_t scan(struct rng *rng, uint32_t i)
{
	return i % 8000 < 3000 ? 10001 + i % 30000 : 1 + zipf(rng, 5000);
}

static bool ask(struct desk *desk, uint32_t number)
{
	char key[16], bytes[1000] = "";
	struct cache_fill fill;

	snprintf(key, sizeof(key), "%u", number);
	if (desk_state(desk, key) == CACHE_FRESH)
		return true;
	fill = desk_fill(desk, key, "", "");
	fill.weight = 1;
	fill.value.bytes = span_of(bytes, sizeof(bytes));
	cr_assert_eq(cache_store(desk->cache, &fill, desk->now_us), CACHE_STORED);
	return false;
}

static struct desk desk_of(enum cache_policy_kind kind)
{
	struct cache_settings settings = desk_settings();

	settings.policy = kind;
	settings.memory_bytes = UINT64_C(3) << 19;
	return desk_open_with(settings);
}

/* How many of these entries it holds. */
static uint32_t room(enum cache_policy_kind kind)
{
	struct desk desk = desk_of(kind);
	uint32_t entries;

	for (uint32_t i = 0; i < 5000; i++) {
		ask(&desk, i);
		if (i % 64 == 0)
			cache_upkeep(desk.cache, desk.now_us);
	}
	entries = (uint32_t)desk_stats(&desk).entries;
	desk_close(&desk);
	return entries;
}

Test(policy, is_never_much_worse_than_the_least_recently_used)
{
	static const struct {
		const char *name;
		uint32_t (*draw)(struct rng *rng, uint32_t i);
		double s3fifo; /* points that must be won */
		double gdsf;
	} cases[] = {
		{"steady", steady, 4, 3}, {"drift", drift, -1, -1}, {"twice", twice, -1.5, -1},
		{"loop", loop, 5, 1},	  {"scan", scan, 4, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int kind = CACHE_GDSF; kind <= CACHE_S3FIFO; kind++) {
			struct desk desk = desk_of(kind);
			static struct lru lru;
			struct rng rng;
			uint32_t hits = 0;
			double won;

			lru = (struct lru){.capacity = room(kind)};
			rng_init(&rng, 17);
			for (uint32_t n = 0; n < REQUESTS; n++) {
				uint32_t key = cases[i].draw(&rng, n);

				lru_look(&lru, key);
				hits += ask(&desk, key);
				if (n % 64 == 0)
					cache_upkeep(desk.cache, desk.now_us);
			}
			won = 100.0 * ((double)hits - lru.hits) / REQUESTS;
			cr_log_info("%s, %s: %u entries, LRU %.1f, won %.2f", cases[i].name,
				    kind == CACHE_GDSF ? "gdsf" : "s3-fifo", lru.capacity,
				    100.0 * lru.hits / REQUESTS, won);
			cr_assert_geq(won, kind == CACHE_GDSF ? cases[i].gdsf : cases[i].s3fifo,
				      "%s, %d: %.2f", cases[i].name, kind, won);
			desk_close(&desk);
		}
	}
}

/* Fills as many again as there is room for, all alike but in one way. */
static uint32_t survivors(enum cache_policy_kind kind, void (*change)(struct cache_fill *fill))
{
	struct desk desk = desk_of(kind);
	char bytes[1000] = "";
	uint32_t others = 3000, here = 0;

	for (uint32_t i = 0; i < 100 + others; i++) {
		char key[16];
		struct cache_fill fill;

		snprintf(key, sizeof(key), "%u", i);
		fill = desk_fill(&desk, key, "", "");
		fill.weight = 1;
		fill.value.bytes = span_of(bytes, sizeof(bytes));
		if (i < 100)
			change(&fill);
		cr_assert_eq(cache_store(desk.cache, &fill, desk.now_us), CACHE_STORED);
	}
	for (uint32_t i = 0; i < 100; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%u", i);
		here += desk_state(&desk, key) != CACHE_ABSENT;
	}
	desk_close(&desk);
	return here;
}

static void nothing(struct cache_fill *fill)
{
	(void)fill;
}

static void critical(struct cache_fill *fill)
{
	fill->weight = 8;
}

static void costly(struct cache_fill *fill)
{
	fill->cost_us = 100000;
}

static void tiny(struct cache_fill *fill)
{
	fill->value.bytes.len = 10;
}

Test(policy, gdsf_keeps_what_is_dear_small_or_of_priority)
{
	/* Two thirds of its like have gone, and among equals chance decides. */
	cr_assert_lt(survivors(CACHE_GDSF, nothing), 60);
	cr_assert_eq(survivors(CACHE_GDSF, critical), 100);
	cr_assert_eq(survivors(CACHE_GDSF, costly), 100);
	cr_assert_eq(survivors(CACHE_GDSF, tiny), 100);
	cr_assert_eq(survivors(CACHE_S3FIFO, nothing), 0);
	cr_assert_eq(survivors(CACHE_S3FIFO, critical), 100);
}

/* Values are differences on a circle of 32 bits: after many turns nothing has changed. */
Test(policy, gdsf_outlives_the_wrap_of_its_values)
{
	struct desk desk = desk_of(CACHE_GDSF);
	uint32_t before, turns = 0;

	for (uint32_t i = 0; i < 3000; i++)
		ask(&desk, i);
	desk.cache->policies[0].inflation = 0;
	for (uint32_t i = 0; turns < 3; i++) {
		before = desk.cache->policies[0].inflation;
		/* Worth the most that anything can be, so that a turn is soon done. */
		if (i % 2 == 0)
			desk.cache->policies[0].mean = 1e-9;
		ask(&desk, 10000 + i % 5000);
		ask(&desk, 1);
		cr_assert_lt(desk.cache->policies[0].inflation - before, UINT32_C(1) << 31);
		turns += desk.cache->policies[0].inflation < before;
	}
	desk_close(&desk);
}
