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
		.bytes = tail.stored.len,
		.plain_bytes = tail.plain_len,
		.age_us = (now_ms - entry->loaded_ms) * 1000,
		.ttl_us = number_unpack(entry->ttl) * 1000,
		.hits = entry->uses,
		.state = cache_state_of(entry, now_ms),
		.soft = entry->is_soft,
	};
	if (tail.method != INDEX_NONE)
		out->method = tag_text(tag_at(&cache->tags, tail.method));
}

uint64_t cache_each(struct cache *cache, uint64_t cursor, uint64_t now_us,
		    bool (*visit)(void *context, const struct cache_listed *entry), void *context)
{
	uint64_t end = cursor + CACHE_WALK;
	uint64_t now_ms = now_us / 1000;

	for (; cursor < cache->entries.used && cursor < end; cursor++) {
		uint32_t id = (uint32_t)cursor;
		char digest[CACHE_DIGEST_TEXT];
		struct cache_listed listed;
		enum ghost_reason why;

		if (!index_item(&cache->entries, id) || !cache_check(cache, id, now_ms, &why))
			continue;
		describe(cache, cache_entry(cache, id), now_ms, digest, &listed);
		if (!visit(context, &listed))
			return cursor + 1;
	}
	return cursor < cache->entries.used ? cursor : 0;
}
