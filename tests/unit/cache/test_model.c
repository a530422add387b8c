/* Hundreds of thousands of random steps beside a cache that is nothing but a list, from seeds: what
 * may be served, what may be stored, what is hit. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/cache/state.h"
#include "common/glob.h"
#include "tests/unit/cache/desk.h"

#define KEYS  12
#define LOADS 10
#define STEPS 150000

static const char *const tag_texts[] = {"a", "b", "ab", "a:1", "a:2", "b:1", "m1", "x*", "c?", ""};
static const char *const method_texts[] = {"m1", "m2", "a", ""};
static const char *const globs[] = {"a*", "*1", "?", "a:?", "m*", "*", "x\\*", "b", "q*", "a:1"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TAGS	     COUNT(tag_texts)

struct item {
	bool here;
	bool is_soft;
	uint32_t tags; /* a bit each */
	uint32_t method;
	uint64_t value;
	uint64_t loaded_ms;
	uint64_t expiry_ms;
	uint64_t swr_ms;
	uint64_t sie_ms;
	uint32_t uses;
};

struct load {
	bool runs;
	bool is_outdated;
	uint32_t key;
	struct item item;
	uint64_t clock;
	uint64_t begun_ms;
};

struct model {
	struct desk desk;
	struct rng rng;
	struct item items[KEYS];
	struct load loads[LOADS];
	bool is_lazy; /* invalidations may walk little, so that most is left to clocks and the sweep
		       */
	bool is_small; /* entries may be missing */
	uint64_t values;
};

static uint32_t below(struct model *model, uint32_t bound)
{
	return (uint32_t)rng_below(&model->rng, bound);
}

static uint64_t now_ms(const struct model *model)
{
	return model->desk.now_us / 1000;
}

static struct span key_text(uint32_t key, char buf[16])
{
	/* Half of them are an application's. */
	int len = snprintf(buf, 16, "%ckey%u", key % 2 ? CACHE_KEY_TEXT : 's', key);

	return span_of(buf, (size_t)len);
}

/* Some are long, and of those some can be compressed. */
#define VALUE_BYTES 5000

static void value_text(const struct model *model, uint64_t number, char value[VALUE_BYTES])
{
	size_t len = (size_t)snprintf(value, VALUE_BYTES, "%lu", (unsigned long)number);
	size_t most = model->is_small && number % 5 == 0 ? number * 7 % VALUE_BYTES : 0;

	for (uint64_t noise = number; len + 1 < most; len++) {
		noise = noise * UINT64_C(6364136223846793005) + 1;
		value[len] = number % 2 ? "ab"[len % 2] : (char)('0' + (noise >> 40) % 64);
	}
	value[len] = 0;
}

static enum cache_state state_of(const struct item *item, uint64_t now)
{
	if (!item->here)
		return CACHE_ABSENT;
	if (now < item->expiry_ms)
		return CACHE_FRESH;
	if (now < item->expiry_ms + item->swr_ms)
		return CACHE_STALE;
	return now < item->expiry_ms + item->sie_ms ? CACHE_GRACE : CACHE_ABSENT;
}

static bool glob_hits(const char *glob, bool is_method, const struct item *item)
{
	struct span method = span_text(method_texts[item->method]);

	if (method.len > 0 && glob_match(span_text(glob), method))
		return true;
	for (size_t i = 0; i < TAGS && !is_method; i++)
		if (item->tags >> i & 1 && glob_match(span_text(glob), span_text(tag_texts[i])))
			return true;
	return false;
}

struct wish {
	struct invalidation what;
	const char *tags[4];
	const char *methods[2];
	uint32_t keys[3];
};

static bool wish_hits(const struct wish *wish, uint32_t key, const struct item *item)
{
	size_t tags = 0;

	for (size_t i = 0; i < wish->what.key_count; i++)
		if (wish->keys[i] == key)
			return true;
	for (size_t i = 0; i < wish->what.method_count; i++)
		if (glob_hits(wish->methods[i], true, item))
			return true;
	for (size_t i = 0; i < wish->what.tag_count; i++)
		tags += glob_hits(wish->tags[i], false, item);
	if (wish->what.match == MATCH_ALL)
		return wish->what.all || (tags > 0 && tags == wish->what.tag_count);
	return wish->what.all || tags > 0;
}

/* What it does to the list; returns how many could be served before. */
static size_t model_invalidate(struct model *model, const struct wish *wish)
{
	size_t hit = 0;

	for (uint32_t key = 0; key < KEYS; key++) {
		struct item *item = &model->items[key];

		if (state_of(item, now_ms(model)) == CACHE_ABSENT || !wish_hits(wish, key, item))
			continue;
		hit++;
		if (wish->what.mode == INVALIDATE_HARD)
			item->here = false;
		item->is_soft = true;
		if (item->expiry_ms > now_ms(model))
			item->expiry_ms = now_ms(model);
	}
	for (size_t i = 0; i < LOADS; i++) {
		struct load *load = &model->loads[i];

		load->is_outdated |= wish_hits(wish, load->key, &load->item);
	}
	return hit;
}

static void draw(struct model *model, struct wish *wish, struct span *tags, struct span *methods,
		 struct span *keys, char names[3][CACHE_DIGEST_TEXT], char texts[3][16])
{
	uint32_t kind = below(model, 100);

	*wish = (struct wish){.what = {.tags = tags, .methods = methods, .keys = keys}};
	wish->what.mode = below(model, 2) ? INVALIDATE_HARD : INVALIDATE_SOFT;
	wish->what.match = below(model, 3) ? MATCH_ANY : MATCH_ALL;
	wish->what.all = kind < 2;
	wish->what.tag_count = kind % 3 == 0 ? 0 : 1 + below(model, 3);
	wish->what.method_count = kind % 7 == 0;
	wish->what.key_count = kind % 5 == 0 ? 1 + below(model, 2) : 0;
	for (size_t i = 0; i < wish->what.tag_count; i++) {
		wish->tags[i] = below(model, 3) ? tag_texts[below(model, 7)]
						: globs[below(model, COUNT(globs))];
		tags[i] = span_text(wish->tags[i]);
	}
	wish->methods[0] =
		below(model, 2) ? method_texts[below(model, 3)] : globs[below(model, COUNT(globs))];
	methods[0] = span_text(wish->methods[0]);
	for (size_t i = 0; i < wish->what.key_count; i++) {
		wish->keys[i] = below(model, KEYS);
		keys[i] = cache_name(key_text(wish->keys[i], texts[i]), names[i]);
	}
}

static void invalidate(struct model *model)
{
	struct wish wish;
	struct span tags[4], methods[2], keys[3];
	char names[3][CACHE_DIGEST_TEXT], texts[3][16];
	uint64_t clock = cache_clock(model->desk.cache);
	size_t expected, hit;

	draw(model, &wish, tags, methods, keys, names, texts);
	model->desk.cache->walk = model->is_lazy ? below(model, 30) : CACHE_WALK;
	model->desk.cache->tag_walk = model->is_lazy ? below(model, 30) : CACHE_TAG_WALK;
	model->desk.cache->moves = below(model, 2) ? below(model, 6) : CACHE_MOVES;
	expected = model_invalidate(model, &wish);
	hit = cache_invalidate(model->desk.cache, &wish.what, model->desk.now_us);
	if (!model->is_lazy && !model->is_small)
		cr_assert_eq(hit, expected, "%zu, not %zu", hit, expected);
	cr_assert_eq(cache_clock(model->desk.cache), clock + 1);
}

static void begin(struct model *model)
{
	struct load *load = &model->loads[below(model, LOADS)];

	if (load->runs)
		return;
	*load = (struct load){
		.runs = true,
		.key = below(model, KEYS),
		.clock = cache_clock(model->desk.cache),
		.begun_ms = now_ms(model),
		.item =
			{
				.tags = below(model, 4) ? below(model, 1u << TAGS) &
								  below(model, 1u << TAGS)
							: 0,
				.method = below(model, COUNT(method_texts)),
				.value = ++model->values,
			},
	};
}

static void end(struct model *model)
{
	struct load *load = &model->loads[below(model, LOADS)];
	struct item *item = &load->item;
	uint64_t ttl = below(model, 3000), swr = below(model, 2) * below(model, 2000),
		 sie = below(model, 2) * below(model, 3000);
	struct span tags[2 * TAGS];
	char key[16], value[VALUE_BYTES];
	struct cache_fill fill = {.tags = tags};
	enum cache_verdict verdict;

	if (!load->runs)
		return;
	load->runs = false;
	value_text(model, item->value, value);
	fill.key = key_text(load->key, key);
	fill.method = span_text(method_texts[item->method]);
	for (size_t i = 0; i < TAGS; i++)
		for (uint32_t n = item->tags >> i & 1 ? 1 + below(model, 2) : 0; n > 0; n--)
			tags[fill.tag_count++] = span_text(tag_texts[i]);
	fill.value = (struct cache_value){span_text(value), ENCODING_JSON,
					  below(model, 2) ? 3 : UINT32_MAX};
	fill.clock = load->clock;
	fill.ttl_us = ttl * 1000;
	fill.stale_while_revalidate_us = swr * 1000;
	fill.stale_if_error_us = sie * 1000;
	fill.cost_us = 1 + below(model, 100000);
	fill.weight = (uint8_t)(1u << below(model, 4));
	fill.prefetched = below(model, 4) == 0;
	verdict = cache_store(model->desk.cache, &fill, model->desk.now_us);
	if (load->is_outdated)
		cr_assert_eq(verdict, CACHE_INVALIDATED_SINCE);
	else if (!model->is_small)
		cr_assert_eq(verdict, CACHE_STORED);
	if (verdict != CACHE_STORED)
		return;
	item->here = true;
	item->loaded_ms = now_ms(model);
	item->expiry_ms = item->loaded_ms + ttl;
	item->swr_ms = swr;
	item->sie_ms = sie;
	model->items[load->key] = *item;
}

/* Both forms are one entry: what holds of the one holds of the other. */
static void expect_value(struct model *model, struct span key, const struct item *item,
			 enum encoding wanted, const struct cache_hit *hit)
{
	char value[VALUE_BYTES + 1];
	struct cache_value other = {.encoding = ENCODING_MSGPACK, .id_at = 5};

	value_text(model, item->value, value);
	if (hit->value.encoding == ENCODING_MSGPACK) {
		cr_assert_eq(wanted, ENCODING_MSGPACK);
		cr_assert_eq(hit->value.id_at, 5);
		value[strlen(value) + 1] = '\0';
		value[strlen(value)] = '+';
	}
	cr_assert(span_is(hit->value.bytes, value));
	if (wanted == hit->value.encoding || below(model, 2))
		return;
	value[strlen(value) + 1] = '\0';
	value[strlen(value)] = '+';
	other.bytes = span_text(value);
	cache_keep_other(model->desk.cache, key, &other, model->desk.now_us);
}

static void look(struct model *model)
{
	uint32_t key = below(model, KEYS);
	const struct item *item = &model->items[key];
	enum cache_state expected = state_of(item, now_ms(model));
	enum encoding wanted = below(model, 3) == 0 ? ENCODING_MSGPACK : ENCODING_JSON;
	struct cache_hit hit;
	char text[16];

	cache_look(model->desk.cache, key_text(key, text), wanted, below(model, 2),
		   model->desk.now_us, &hit);
	if (hit.state == CACHE_ABSENT && (model->is_small || (model->is_lazy && item->is_soft)))
		return;
	if (model->is_lazy && item->is_soft)
		cr_assert_geq(hit.state, expected);
	else
		cr_assert_eq(hit.state, expected, "key %u: %d, not %d", key, hit.state, expected);
	if (hit.state == CACHE_ABSENT)
		return;
	cr_assert_eq(hit.age_us, (now_ms(model) - item->loaded_ms) * 1000);
	cr_assert_eq(hit.soft, item->is_soft);
	expect_value(model, key_text(key, text), item, wanted, &hit);
}

static bool count_one(void *context, const struct cache_listed *listed)
{
	*(size_t *)context += 1;
	return listed->state != CACHE_ABSENT;
}

static void list(struct model *model)
{
	size_t listed = 0, expected = 0;

	cr_assert_eq(cache_each(model->desk.cache, 0, model->desk.now_us, count_one, &listed), 0);
	for (uint32_t key = 0; key < KEYS; key++)
		expected += state_of(&model->items[key], now_ms(model)) != CACHE_ABSENT;
	cr_assert_leq(listed, expected);
	if (!model->is_lazy && !model->is_small)
		cr_assert_eq(listed, expected);
}

static void change(struct model *model)
{
	struct cache_settings settings = model->desk.cache->settings;

	settings.policy = below(model, 2) ? CACHE_GDSF : CACHE_S3FIFO;
	if (model->is_small && below(model, 2))
		settings.memory_bytes = (UINT64_C(1) << 20) + below(model, 16 << 20);
	cr_assert_eq(cache_configure(model->desk.cache, &settings), WSB_OK);
}

static void step(struct model *model)
{
	uint32_t kind = below(model, 1000);
	struct cache_stats stats;

	if (kind < 250)
		begin(model);
	else if (kind < 500)
		end(model);
	else if (kind < 650)
		invalidate(model);
	else if (kind < 900)
		look(model);
	else if (kind < 950)
		desk_pass_ms(&model->desk,
			     below(model, 10) ? below(model, 40) : below(model, 2000));
	else if (kind < 990)
		cache_upkeep(model->desk.cache, model->desk.now_us);
	else if (kind < 999)
		list(model);
	else
		change(model);
	stats = desk_stats(&model->desk);
	cr_assert_leq(stats.bytes, model->desk.cache->budget.limit);
	cr_assert_leq(stats.entries, KEYS);
}

static void run(uint64_t seed, bool is_lazy, bool is_small)
{
	struct cache_settings settings = desk_settings();
	struct model model = {.is_lazy = is_lazy, .is_small = is_small};

	settings.max_tags = TAGS;
	settings.compress_above = 1000;
	settings.policy = seed % 2 ? CACHE_GDSF : CACHE_S3FIFO;
	model.desk = desk_open_with(settings);
	/* No load runs as long as this, but where memory is short of what it should remember. */
	cache_set_longest_load(model.desk.cache, is_small ? 1000 * 1000 : UINT64_C(1) << 60);
	rng_init(&model.rng, seed);
	for (uint32_t i = 0; i < STEPS; i++)
		step(&model);
	desk_close(&model.desk);
}

Test(cache_model, all_at_once)
{
	for (uint64_t seed = 1; seed <= 2; seed++)
		run(seed, false, false);
}

Test(cache_model, most_left_to_clocks_and_the_sweep)
{
	for (uint64_t seed = 3; seed <= 4; seed++)
		run(seed, true, false);
}

Test(cache_model, loads_longer_than_what_is_remembered)
{
	for (uint64_t seed = 5; seed <= 6; seed++)
		run(seed, true, true);
}
