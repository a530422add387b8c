#include "broker/cache/state.h"

static void describe(struct cache *cache, const struct entry *entry, uint64_t now_ms,
		     char digest[CACHE_DIGEST_TEXT], struct cache_listed *out)
{
	struct entry_tail tail;

	entry_read_tail(entry, &tail);
	cache_tag_texts(cache, entry);
	*out = (struct cache_listed){
		.name = cache_name(tail.key, digest),
		.method = span_of("", 0),
		.tags = cache->spans,
		.tag_count = entry->tag_count,
		.bytes = tail.own.stored.len + tail.other.stored.len,
		.plain_bytes = tail.own.plain_len + tail.other.plain_len,
		.age_us = (now_ms - entry->loaded_ms) * 1000,
		.ttl_us = number_unpack(entry->ttl) * 1000,
		.hits = entry->uses,
		.state = cache_state_of(entry, now_ms),
		.soft = entry->is_soft,
	};
	if (tail.method != INDEX_NONE)
		out->method = tag_text(tag_at(&cache->tags, tail.method));
}

/* False: the visitor has had enough. */
static bool show(struct cache *cache, uint32_t id, uint64_t now_ms,
		 bool (*visit)(void *context, const struct cache_listed *entry), void *context)
{
	char digest[CACHE_DIGEST_TEXT];
	struct cache_listed listed;
	enum ghost_reason why;

	if (!cache_check(cache, id, now_ms, &why))
		return true;
	describe(cache, cache_entry(cache, id), now_ms, digest, &listed);
	return visit(context, &listed);
}

uint64_t cache_each(struct cache *cache, uint64_t cursor, uint64_t now_us,
		    bool (*visit)(void *context, const struct cache_listed *entry), void *context)
{
	uint64_t end = cursor + CACHE_WALK;

	for (; cursor < cache->entries.used && cursor < end; cursor++) {
		uint32_t id = (uint32_t)cursor;

		if (index_item(&cache->entries, id) &&
		    !show(cache, id, now_us / 1000, visit, context))
			return cursor + 1;
	}
	return cursor < cache->entries.used ? cursor : 0;
}

static uint32_t find_digest(const struct cache *cache, struct digest digest)
{
	uint32_t id = index_first(&cache->entries, digest_hash(digest, cache->seed));

	for (; id != INDEX_NONE; id = index_next(&cache->entries, id)) {
		struct entry_tail tail;

		entry_read_tail(cache_entry(cache, id), &tail);
		if (digest_equal(digest_of_key(tail.key), digest))
			return id;
	}
	return INDEX_NONE;
}

void cache_each_named(struct cache *cache, struct span name, uint64_t now_us,
		      bool (*visit)(void *context, const struct cache_listed *entry), void *context)
{
	struct digest digests[DIGESTS_OF_NAME];
	size_t count = digests_of_name(name, digests);

	for (size_t i = 0; i < count; i++) {
		uint32_t id = find_digest(cache, digests[i]);

		if (id != INDEX_NONE && !show(cache, id, now_us / 1000, visit, context))
			return;
	}
}
