/* Random steps in a cache that is always too small: what is found is what was stored last and has
 * not been invalidated since, the bound holds, and all that links entries to each other is whole.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/cache/state.h"
#include "tests/unit/cache/desk.h"

#define KEYS	  3000
#define STEPS	  30000
#define LONG_EACH 400 /* one value of so many is long */
#define LONG	  (300 * 1024)
#define MIB	  (UINT64_C(1) << 20)

struct press {
	struct desk desk;
	struct rng rng;
	uint64_t now[KEYS]; /* the number of its value; 0: it must not be found */
	uint64_t values;
	char *text; /* of LONG bytes and a quarter */
	uint64_t found;
	uint64_t turned; /* in the other encoding */
	uint64_t refused;
};

static uint32_t below(struct press *press, uint32_t bound)
{
	return (uint32_t)rng_below(&press->rng, bound);
}

/* The number, and then what depends on it. */
static struct span value_of(struct press *press, uint64_t number)
{
	size_t len = number % LONG_EACH == 0 ? LONG - number % 1000 : 20 + number % 3000;

	memset(press->text, (int)('a' + number % 26), len);
	snprintf(press->text, 21, "%020lu", (unsigned long)number);
	press->text[20] = 'x';
	for (size_t at = 30; at < len; at += 3)
		press->text[at] = (char)('A' + (at * number >> 7) % 50);
	return span_of(press->text, len);
}

/* The same in the other encoding, longer or shorter. */
static struct span other_of(struct press *press, uint64_t number)
{
	struct span own = value_of(press, number);
	size_t len = number % 2 ? own.len / 2 : own.len + own.len / 4;

	memset(press->text + own.len, '+', len > own.len ? len - own.len : 0);
	press->text[0] = '*';
	return span_of(press->text, len);
}

/* Each key has the tag of its hundred, one of seven, and of two methods one. */
static void names_of(uint32_t key, char name[16], char hundred[16], char seventh[16])
{
	snprintf(name, 16, "%ck%u", CACHE_KEY_TEXT, key);
	snprintf(hundred, 16, "h:%u", key / 100);
	snprintf(seventh, 16, "s:%u", key % 7);
}

static void store(struct press *press)
{
	uint32_t key = below(press, KEYS);
	uint64_t number = ++press->values;
	char name[16], hundred[16], seventh[16];
	struct span tags[2];
	struct cache_fill fill = {
		.method = span_text(key % 2 ? "odd" : "even"),
		.tags = tags,
		.value = {.bytes = value_of(press, number), .id_at = UINT32_MAX},
		.clock = cache_clock(press->desk.cache),
		.ttl_us = below(press, 8) ? 3600000000 : below(press, 100000),
		.stale_while_revalidate_us = below(press, 2) * UINT64_C(50000),
		.cost_us = 1 + below(press, 100000),
		.weight = (uint8_t)(1u << below(press, 4)),
		.prefetched = below(press, 10) == 0,
	};
	enum cache_verdict verdict;

	names_of(key, name, hundred, seventh);
	tags[0] = span_text(hundred);
	tags[1] = span_text(seventh);
	fill.tag_count = below(press, 3);
	if (key % 5 == 0)
		fill.tag_count = 2;
	fill.key = span_text(name);
	verdict = cache_store(press->desk.cache, &fill, press->desk.now_us);
	cr_assert(verdict == CACHE_STORED || verdict == CACHE_NO_ROOM ||
		  verdict == CACHE_TOO_LARGE);
	press->refused += verdict != CACHE_STORED;
	/* What is refused takes the place of what was, or leaves it. */
	if (verdict == CACHE_STORED)
		press->now[key] = number;
}

/* Under pressure it may have had to leave for its own other form. */
static void turn(struct press *press, struct span name, uint64_t number)
{
	struct cache_value other = {other_of(press, number), ENCODING_MSGPACK, 7};
	struct cache_hit hit;

	cache_keep_other(press->desk.cache, name, &other, press->desk.now_us);
	cache_look(press->desk.cache, name, ENCODING_MSGPACK, false, press->desk.now_us, &hit);
	if (hit.state == CACHE_ABSENT || hit.value.encoding == ENCODING_JSON)
		return;
	press->turned++;
	cr_assert(span_equal(hit.value.bytes, other.bytes));
	cr_assert_eq(hit.value.id_at, 7);
}

static void look(struct press *press)
{
	uint32_t key = below(press, 2) ? below(press, KEYS) : below(press, KEYS / 10);
	enum encoding wanted = key % 2 ? ENCODING_JSON : ENCODING_MSGPACK;
	char name[16], hundred[16], seventh[16];
	struct cache_hit hit;

	names_of(key, name, hundred, seventh);
	cache_look(press->desk.cache, span_text(name), wanted, true, press->desk.now_us, &hit);
	if (hit.state == CACHE_ABSENT)
		return;
	press->found++;
	cr_assert_neq(press->now[key], 0, "%s is found after it was invalidated", name);
	if (hit.value.encoding == ENCODING_MSGPACK) {
		cr_assert(span_equal(hit.value.bytes, other_of(press, press->now[key])), "%s",
			  name);
		return;
	}
	cr_assert(span_equal(hit.value.bytes, value_of(press, press->now[key])), "%s", name);
	if (wanted == ENCODING_MSGPACK)
		turn(press, span_text(name), press->now[key]);
}

/* Whether the text of its hundred begins with these digits. */
static bool hits_glob(uint32_t key, uint32_t digits)
{
	uint32_t hundred = key / 100;

	while (hundred > digits)
		hundred /= 10;
	return hundred == digits;
}

/* Only what hits keys whatever tags their entries have, or all that may have them. */
static void invalidate(struct press *press)
{
	uint32_t kind = below(press, 2) ? below(press, 6) : 0, number = below(press, KEYS);
	char name[16], hundred[16], seventh[16], glob[16];
	struct span text;
	struct invalidation what = {.mode = INVALIDATE_HARD};

	names_of(number, name, hundred, seventh);
	press->desk.cache->moves = below(press, 2) ? below(press, 3) : CACHE_MOVES;
	press->desk.cache->walk = below(press, 2) ? below(press, 200) : CACHE_WALK;
	press->desk.cache->tag_walk = below(press, 2) ? below(press, 20) : CACHE_TAG_WALK;
	snprintf(glob, sizeof(glob), "h:%u*", number / 1000 + 1);
	text = span_text(kind == 0    ? name + 1
			 : kind == 1  ? hundred
			 : kind == 2  ? seventh
			 : kind == 3  ? glob
			 : number % 2 ? "odd"
				      : "e*");
	what.all = kind == 5 && below(press, 4) == 0;
	if (kind == 0) {
		what.keys = &text;
		what.key_count = 1;
	} else if (kind == 4) {
		what.methods = &text;
		what.method_count = 1;
	} else {
		what.tags = &text;
		what.tag_count = kind < 4;
	}
	cache_invalidate(press->desk.cache, &what, press->desk.now_us);
	for (uint32_t key = 0; key < KEYS; key++) {
		bool tagged = key % 5 == 0; /* the others may lack the tag */
		bool hit = what.all || (kind == 0 && key == number) ||
			   (kind == 4 && key % 2 == number % 2) ||
			   (kind == 1 && tagged && key / 100 == number / 100) ||
			   (kind == 2 && tagged && key % 7 == number % 7) ||
			   (kind == 3 && tagged && hits_glob(key, number / 1000 + 1));

		if (hit)
			press->now[key] = 0;
	}
}

static void change(struct press *press)
{
	struct cache_settings settings = press->desk.cache->settings;

	if (below(press, 2))
		settings.policy = below(press, 2) ? CACHE_GDSF : CACHE_S3FIFO;
	else
		settings.memory_bytes = MIB + below(press, 8 << 20);
	cr_assert_eq(cache_configure(press->desk.cache, &settings), WSB_OK);
}

static void audit_heap(const struct cache *cache, const struct policy *policy)
{
	const struct node {
		uint32_t value;
		uint32_t id;
	} * node, *above;

	for (uint32_t place = 0; place < policy->count; place++) {
		node = (const struct node *)policy->heap.at[place / INDEX_CHUNK] +
		       place % INDEX_CHUNK;
		cr_assert_eq(cache_entry(cache, node->id)->place[0], place);
		if (place == 0)
			continue;
		above = (const struct node *)policy->heap.at[(place - 1) / 4 / INDEX_CHUNK] +
			(place - 1) / 4 % INDEX_CHUNK;
		cr_assert_geq((int32_t)(node->value - above->value), 0);
	}
}

static void audit_queues(const struct cache *cache, const struct policy *policy)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < POLICY_QUEUES; i++) {
		uint32_t newer = INDEX_NONE;
		uint64_t bytes = 0;

		for (uint32_t id = policy->queues[i].head; id != INDEX_NONE; count++) {
			cr_assert_eq(cache_entry(cache, id)->place[0], newer);
			bytes += budget_cost_of(cache_entry(cache, id));
			newer = id;
			id = cache_entry(cache, id)->place[1];
		}
		cr_assert_eq(policy->queues[i].bytes, bytes);
		cr_assert_eq(policy->queues[i].tail, newer);
	}
	cr_assert_eq(count, policy->count);
}

static void audit_policies(struct cache *cache)
{
	uint32_t counts[2] = {0, 0};

	for (uint32_t id = 0; id < cache->entries.used; id++)
		if (index_item(&cache->entries, id))
			counts[cache_entry(cache, id)->side]++;
	for (uint32_t side = 0; side < 2; side++) {
		const struct policy *policy = &cache->policies[side];

		cr_assert_eq(policy->count, counts[side]);
		if (policy->budget && policy->kind == CACHE_GDSF)
			audit_heap(cache, policy);
		else if (policy->budget)
			audit_queues(cache, policy);
	}
}

static void audit_tags(struct cache *cache)
{
	uint64_t bytes = 0, links = 0, found = 0;

	for (uint32_t id = 0; id < cache->tags.index.used; id++) {
		const struct tag *tag = tag_at(&cache->tags, id);
		uint32_t count = 0;

		if (!tag)
			continue;
		bytes += budget_cost_of(tag);
		cr_assert_leq(tag->live, tag->count);
		for (uint32_t entry = tag->head; entry != INDEX_NONE && !tag->is_method; count++)
			entry = tags_next(&cache->tags, id, entry);
		links += count;
		if (!tag->is_method)
			cr_assert_eq(count, tag->count);
	}
	for (uint32_t id = 0; id < cache->entries.used; id++)
		if (index_item(&cache->entries, id))
			found += cache_entry(cache, id)->tag_count;
	cr_assert_eq(links, found);
	cr_assert_eq(bytes, cache->tags.bytes);
}

static void audit_index(const struct index *index)
{
	uint32_t free_ids = 0, before = INDEX_NONE, here = 0;

	for (uint32_t id = index->free; id != INDEX_NONE; free_ids++) {
		cr_assert_null(index_item(index, id));
		cr_assert_eq(index_cell(index, id)->hash, before);
		before = id;
		id = index_cell(index, id)->next;
	}
	for (uint32_t id = 0; id < index->used; id++) {
		uint32_t found;

		if (!index_item(index, id))
			continue;
		here++;
		found = index_first(index, index_hash(index, id));
		while (found != id && found != INDEX_NONE)
			found = index_next(index, found);
		cr_assert_eq(found, id);
	}
	cr_assert_eq(here, index->count);
	cr_assert_eq(here + free_ids, index->used);
}

static void audit(struct press *press)
{
	struct cache *cache = press->desk.cache;
	struct cache_stats stats = desk_stats(&press->desk);
	uint64_t payload = 0, keys = 0, alive = 0, compressed = 0;
	uint32_t timers = 0;

	for (uint32_t id = 0; id < cache->entries.used; id++) {
		const struct entry *entry = cache_entry(cache, id);
		struct entry_tail tail;

		if (!entry)
			continue;
		entry_read_tail(entry, &tail);
		payload += tail.own.stored.len + tail.other.stored.len;
		compressed += tail_is_compressed(&tail);
		keys += tail.key.len;
		alive += !entry->is_dead && entry->clock >= cache->tags.all_hard;
	}
	cr_assert_eq(payload, stats.payload_bytes);
	cr_assert_eq(compressed, stats.compressed);
	cr_assert_eq(keys, stats.key_bytes);
	cr_assert_eq(alive, stats.entries);
	for (uint32_t slot = 0; slot < WHEEL_LEVELS * WHEEL_SLOTS; slot++)
		for (uint32_t id = cache->wheel.heads[slot]; id != INDEX_NONE; timers++)
			id = cache_entry(cache, id)->timer_next;
	cr_assert_eq(timers, cache->entries.count);
	audit_policies(cache);
	audit_tags(cache);
	audit_index(&cache->entries);
	audit_index(&cache->tags.index);
	audit_index(&cache->keys.index);
}

static void step(struct press *press)
{
	uint32_t kind = below(press, 10000);
	const struct cache *cache = press->desk.cache;

	if (kind < 5000)
		store(press);
	else if (kind < 8800)
		look(press);
	else if (kind < 9100)
		invalidate(press);
	else if (kind < 9990)
		desk_upkeep(&press->desk, 1);
	else
		change(press);
	cr_assert_leq(cache->budget.used, cache->budget.limit);
}

static void run(uint64_t seed)
{
	struct cache_settings settings = desk_settings();
	struct press *press = calloc(1, sizeof(*press));

	settings.policy = seed % 2 ? CACHE_GDSF : CACHE_S3FIFO;
	settings.memory_bytes = 2 * MIB;
	settings.compress_above = 1500;
	press->desk = desk_open_with(settings);
	press->text = malloc(LONG + LONG / 4 + 1);
	rng_init(&press->rng, seed);
	for (uint32_t i = 0; i < STEPS; i++) {
		step(press);
		if (i % 500 == 0)
			audit(press);
	}
	cr_assert_gt(press->turned, STEPS / 1000, "%lu", (unsigned long)press->turned);
	cr_assert_gt(press->found, STEPS / 100, "%lu", (unsigned long)press->found);
	cr_assert_lt(press->refused, STEPS / 20, "%lu", (unsigned long)press->refused);
	/* What is left of it when all goes. */
	cache_invalidate(press->desk.cache,
			 &(struct invalidation){.all = true, .mode = INVALIDATE_HARD},
			 press->desk.now_us);
	desk_upkeep(&press->desk, 100);
	cr_assert_eq(press->desk.cache->entries.count, 0);
	audit(press);
	free(press->text);
	desk_close(&press->desk);
	free(press);
}

Test(cache_pressure, all_holds_together)
{
	for (uint64_t seed = 1; seed <= 8; seed++)
		run(seed);
}
