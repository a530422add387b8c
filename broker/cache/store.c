#include <stdlib.h>
#include <string.h>
#include "broker/cache/state.h"

/* More keys with one hash than chance gives come from somebody who makes them. */
#define EQUAL_HASHES_MAX 8

static const char *const verdicts[CACHE_VERDICTS] = {
	[CACHE_STORED] = "stored",
	[CACHE_INVALIDATED_SINCE] = "invalidated_since",
	[CACHE_TOO_LARGE] = "too_large",
	[CACHE_TOO_MANY_TAGS] = "too_many_tags",
	[CACHE_TAG_TOO_LONG] = "tag_too_long",
	[CACHE_NO_ROOM] = "no_room",
};

const char *cache_verdict_text(enum cache_verdict verdict)
{
	return verdicts[verdict];
}

/* One that is on its way in. */
struct arrival {
	const struct cache_fill *fill;
	struct digest digest;
	uint32_t hash;
	uint64_t now_ms;
	uint8_t memory; /* of the policy, from the time when the key was here before */
	uint32_t tag_count;
	struct entry_tail tail;
};

static enum cache_verdict judge_size(const struct cache *cache, const struct cache_fill *fill)
{
	bool is_named = fill->key.len > 0 && fill->key.at[0] == CACHE_KEY_TEXT;
	size_t frame =
		fill->frame_bytes < CACHE_FRAME_BYTES ? fill->frame_bytes : CACHE_FRAME_BYTES;

	if (fill->value.bytes.len > cache->settings.max_entry_bytes + frame ||
	    fill->key.len > cache->settings.max_entry_bytes ||
	    (is_named && fill->key.len > 1 + CACHE_NAME_BYTES))
		return CACHE_TOO_LARGE;
	if (fill->method.len > CACHE_TAG_BYTES)
		return CACHE_TAG_TOO_LONG;
	for (size_t i = 0; i < fill->tag_count; i++)
		if (fill->tags[i].len > CACHE_TAG_BYTES)
			return CACHE_TAG_TOO_LONG;
	return CACHE_STORED;
}

static bool is_crowded(const struct cache *cache, uint32_t hash)
{
	uint32_t id = index_first(&cache->entries, hash);
	uint32_t count = 0;

	for (; id != INDEX_NONE && count < EQUAL_HASHES_MAX; count++)
		id = index_next(&cache->entries, id);
	return count == EQUAL_HASHES_MAX;
}

static void release_tags(struct cache *cache, const struct arrival *arrival)
{
	for (uint32_t i = 0; i < arrival->tag_count; i++)
		tags_release(&cache->tags, cache->ids[i], arrival->now_ms);
	if (arrival->tail.method != INDEX_NONE)
		tags_release(&cache->tags, arrival->tail.method, arrival->now_ms);
}

/* Each once, into cache->ids. What it makes is given back with release_tags, however it ends. */
static enum cache_verdict intern_tags(struct cache *cache, struct arrival *arrival)
{
	const struct cache_fill *fill = arrival->fill;

	cache->serial++;
	for (size_t i = 0; i < fill->tag_count; i++) {
		uint32_t id = tags_intern(&cache->tags, false, fill->tags[i]);

		if (id == INDEX_NONE)
			return CACHE_NO_ROOM;
		if (tag_at(&cache->tags, id)->seen == cache->serial)
			continue;
		if (arrival->tag_count == cache->settings.max_tags) {
			tags_release(&cache->tags, id, arrival->now_ms);
			return CACHE_TOO_MANY_TAGS;
		}
		tag_at(&cache->tags, id)->seen = cache->serial;
		cache->ids[arrival->tag_count++] = id;
	}
	if (fill->method.len == 0)
		return CACHE_STORED;
	arrival->tail.method = tags_intern(&cache->tags, true, fill->method);
	return arrival->tail.method == INDEX_NONE ? CACHE_NO_ROOM : CACHE_STORED;
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint8_t weight_log(uint8_t weight)
{
	uint8_t log = 0;

	while (log < 3 && weight >> (log + 1))
		log++;
	return log;
}

static uint64_t spread(struct cache *cache, uint64_t ttl_ms)
{
	double share = cache->jitter * (2 * rng_unit(&cache->rng) - 1);

	return cache->jitter > 0 ? (uint64_t)((double)ttl_ms * (1 + share)) : ttl_ms;
}

static struct entry *write_entry(struct cache *cache, const struct arrival *arrival)
{
	const struct cache_fill *fill = arrival->fill;
	struct entry *entry;

	entry = budget_take(&cache->budget, entry_size(arrival->tag_count, &arrival->tail));
	if (!entry)
		return NULL;
	*entry = (struct entry){
		.clock = ENTRY_CLOCK(cache->clock),
		.ttl = number_pack(spread(cache, fill->ttl_us / 1000)),
		.loaded_ms = arrival->now_ms & ((UINT64_C(1) << 40) - 1),
		.tag_count = arrival->tag_count & 2047,
		.is_msgpack = fill->value.encoding == ENCODING_MSGPACK,
		.is_prefetched = fill->prefetched,
		.weight = weight_log(fill->weight) & 3u,
		.swr = number_pack(fill->stale_while_revalidate_us / 1000),
		.sie = number_pack(fill->stale_if_error_us / 1000),
		.cost = number_pack(fill->cost_us > 0 ? fill->cost_us : 1),
		.side = cache->side & 1u,
	};
	qsort(cache->ids, arrival->tag_count, sizeof(*cache->ids), by_id);
	for (uint32_t i = 0; i < arrival->tag_count; i++)
		entry->links[i].tag = cache->ids[i];
	entry_write_tail(entry, &arrival->tail);
	return entry;
}

static void count(struct cache *cache, const struct entry *entry, const struct entry_tail *tail)
{
	struct cache_stats *stats = &cache->stats;

	stats->payload_bytes += tail->own.stored.len;
	stats->payload_plain_bytes += tail->own.plain_len;
	stats->key_bytes += tail->key.len;
	stats->tag_bytes += entry->tag_count * sizeof(struct tag_link);
	stats->compressed += tail_is_compressed(tail);
	stats->entries++;
}

/* Its tags are interned: from here on nothing may be evicted, or they might be forgotten. */
static enum cache_verdict put_in(struct cache *cache, const struct arrival *arrival)
{
	struct entry *entry = write_entry(cache, arrival);
	uint32_t id;

	if (!entry)
		return CACHE_NO_ROOM;
	id = index_add(&cache->entries, arrival->hash, entry);
	if (id == INDEX_NONE || !policy_add(cache_policy(cache), id, arrival->memory)) {
		if (id != INDEX_NONE)
			index_remove(&cache->entries, id);
		budget_give(&cache->budget, entry);
		return CACHE_NO_ROOM;
	}
	tags_link(&cache->tags, id);
	if (arrival->tail.method != INDEX_NONE)
		tags_link_method(&cache->tags, arrival->tail.method);
	if (cache->entries.count == 1)
		wheel_begin(&cache->wheel, arrival->now_ms);
	wheel_add(&cache->wheel, id, entry_expiry_ms(entry));
	count(cache, entry, &arrival->tail);
	return CACHE_STORED;
}

/* What the key had makes way; the policy remembers what it knew of it. */
static void take_place(struct cache *cache, struct arrival *arrival)
{
	struct entry_tail tail;
	uint32_t id = cache_find(cache, arrival->fill->key, arrival->digest, &tail);
	struct ghost_memory memory;

	if (id != INDEX_NONE) {
		arrival->memory = policy_frequency(cache_policy_of(cache, id), id, POLICY_REPLACED);
		cache_drop(cache, id, GHOST_EVICTED, POLICY_REPLACED, arrival->now_ms);
	} else {
		duel_look(&cache->duel, arrival->hash, entry_size(0, &arrival->tail));
		if (ghost_find(&cache->ghost, arrival->hash, &memory))
			arrival->memory = memory.frequency;
	}
	ghost_forget(&cache->ghost, arrival->hash);
}

static enum cache_verdict take_in(struct cache *cache, struct arrival *arrival)
{
	const struct cache_fill *fill = arrival->fill;
	size_t needs = tags_cost(fill->method.len);
	enum cache_verdict verdict;

	if (is_crowded(cache, arrival->hash))
		return CACHE_NO_ROOM;
	cache_compress(cache, &arrival->tail.own, arrival->now_ms);
	for (size_t i = 0; i < fill->tag_count && i <= cache->settings.max_tags; i++)
		needs += tags_cost(fill->tags[i].len);
	needs += budget_cost(
		entry_size(fill->tag_count < CACHE_TAGS_MAX ? fill->tag_count : CACHE_TAGS_MAX,
			   &arrival->tail) +
		5);
	if (!cache_make_room(cache, needs, arrival->now_ms))
		return CACHE_NO_ROOM;
	verdict = intern_tags(cache, arrival);
	if (verdict == CACHE_STORED)
		verdict = put_in(cache, arrival);
	if (verdict != CACHE_STORED)
		release_tags(cache, arrival);
	return verdict;
}

static enum cache_verdict store(struct cache *cache, const struct cache_fill *fill, uint64_t now_us)
{
	struct arrival arrival = {
		.fill = fill,
		.digest = digest_of_key(fill->key),
		.now_ms = now_us / 1000,
		.tail =
			{
				.key = fill->key,
				.own =
					{
						.stored = fill->value.bytes,
						.plain_len = fill->value.bytes.len,
						.id_at = fill->value.id_at,
					},
				.method = INDEX_NONE,
			},
	};
	enum cache_verdict verdict = judge_size(cache, fill);

	if (verdict != CACHE_STORED)
		return verdict;
	if (!policy_admits(cache_policy(cache), fill->value.bytes.len))
		return CACHE_TOO_LARGE;
	if (cache_is_outdated(cache, fill, arrival.digest))
		return CACHE_INVALIDATED_SINCE;
	arrival.hash = digest_hash(arrival.digest, cache->seed);
	take_place(cache, &arrival);
	return take_in(cache, &arrival);
}

enum cache_verdict cache_store(struct cache *cache, const struct cache_fill *fill, uint64_t now_us)
{
	enum cache_verdict verdict = store(cache, fill, now_us);

	cache->stats.verdicts[verdict]++;
	return verdict;
}
