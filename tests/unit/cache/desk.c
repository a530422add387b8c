#include "tests/unit/cache/desk.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/cache/state.h"

#define WORDS_MAX 300

static char words_text[64 * 1024];
static struct span words[WORDS_MAX];

static size_t split(const char *text)
{
	size_t count = 0;

	char *rest;

	cr_assert_lt(strlen(text), sizeof(words_text));
	memcpy(words_text, text, strlen(text) + 1);
	for (char *word = strtok_r(words_text, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest)) {
		cr_assert_lt(count, WORDS_MAX);
		words[count++] = span_text(word);
	}
	return count;
}

struct cache_settings desk_settings(void)
{
	return (struct cache_settings){
		.memory_bytes = UINT64_C(8) << 20,
		.max_entry_bytes = UINT64_C(1) << 20,
		.max_tags = 256,
		.policy = CACHE_GDSF,
	};
}

struct desk desk_open_with(struct cache_settings settings)
{
	struct desk desk = {.now_us = UINT64_C(1000) * 1000 * 1000};

	cr_assert_eq(cache_create(&desk.cache, &settings, 7), WSB_OK);
	cache_set_jitter(desk.cache, 0);
	cache_upkeep(desk.cache, desk.now_us);
	return desk;
}

struct desk desk_open(void)
{
	return desk_open_with(desk_settings());
}

void desk_close(struct desk *desk)
{
	cache_destroy(desk->cache);
}

static struct span key_of(const char *key)
{
	static char text[1024];

	text[0] = CACHE_KEY_TEXT;
	memcpy(text + 1, key, strlen(key) + 1);
	return span_text(text);
}

struct cache_fill desk_fill(struct desk *desk, const char *key, const char *method,
			    const char *tags)
{
	return (struct cache_fill){
		.key = key_of(key),
		.method = span_text(method),
		.tag_count = split(tags),
		.tags = words,
		.value = {.bytes = span_text("value"), .id_at = UINT32_MAX},
		.clock = cache_clock(desk->cache),
		.ttl_us = 10000000,
		.stale_while_revalidate_us = 5000000,
		.stale_if_error_us = 20000000,
		.cost_us = 1000,
		.weight = 2,
	};
}

enum cache_verdict desk_store(struct desk *desk, const char *key, const char *method,
			      const char *tags)
{
	struct cache_fill fill = desk_fill(desk, key, method, tags);

	return cache_store(desk->cache, &fill, desk->now_us);
}

struct cache_hit desk_look(struct desk *desk, const char *key)
{
	struct cache_hit hit;

	cache_look(desk->cache, key_of(key), ENCODING_JSON, true, desk->now_us, &hit);
	return hit;
}

enum cache_state desk_state(struct desk *desk, const char *key)
{
	return desk_look(desk, key).state;
}

size_t desk_invalidate(struct desk *desk, const char *what)
{
	struct invalidation invalidation = {.mode = INVALIDATE_HARD};
	size_t count = split(what);
	const struct span *word = words;

	if (span_is(*word, "soft")) {
		invalidation.mode = INVALIDATE_SOFT;
		word++;
		count--;
	}
	if (span_is(*word, "all")) {
		invalidation.all = true;
	} else if (span_is(*word, "key")) {
		invalidation.keys = word + 1;
		invalidation.key_count = count - 1;
	} else if (span_is(*word, "method")) {
		invalidation.methods = word + 1;
		invalidation.method_count = count - 1;
	} else {
		invalidation.match = span_is(*word, "all-of") ? MATCH_ALL : MATCH_ANY;
		invalidation.tags = word + 1;
		invalidation.tag_count = count - 1;
	}
	return cache_invalidate(desk->cache, &invalidation, desk->now_us);
}

void desk_pass_ms(struct desk *desk, uint64_t ms)
{
	desk->now_us += ms * 1000;
}

void desk_upkeep(struct desk *desk, uint32_t ticks)
{
	for (; ticks > 0; ticks--) {
		desk_pass_ms(desk, 10);
		cache_upkeep(desk->cache, desk->now_us);
	}
}

struct cache_stats desk_stats(struct desk *desk)
{
	struct cache_stats stats;

	cache_read_stats(desk->cache, &stats);
	return stats;
}

enum cache_verdict desk_store_bytes(struct desk *desk, uint64_t number, size_t len,
				    const char *bytes)
{
	char key[24];
	struct cache_fill fill;

	snprintf(key, sizeof(key), "k%lu", (unsigned long)number);
	fill = desk_fill(desk, key, "m", number % 3 ? "t" : "t other");
	fill.value.bytes = span_of(bytes, len);
	return cache_store(desk->cache, &fill, desk->now_us);
}

bool desk_store_in_the_end(struct desk *desk, uint64_t number, size_t len, const char *bytes)
{
	uint64_t evictions = desk_stats(desk).evictions;

	for (uint32_t tick = 0; tick < 1000; tick++) {
		struct cache_stats stats;
		bool done = desk_store_bytes(desk, number, len, bytes) == CACHE_STORED;

		stats = desk_stats(desk);
		cr_assert_leq(stats.bytes, stats.memory_bytes);
		cr_assert_leq(stats.evictions - evictions, 4 * CACHE_EVICT_MOST);
		evictions = stats.evictions;
		if (done)
			return true;
		desk_upkeep(desk, 1);
	}
	return false;
}
