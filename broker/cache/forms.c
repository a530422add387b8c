/* A payload as it is kept: compressed or not, in one encoding or both. */
#include <string.h>
#include "broker/cache/state.h"

void cache_compress(struct cache *cache, struct entry_form *form, uint64_t now_ms)
{
	uint64_t above = cache->settings.compress_above;
	struct span plain = form->stored;
	struct span shorter;

	/* In a small cache the tools of compression would take what it saves. */
	if (above == 0 || plain.len <= above || plain.len > CACHE_COMPRESS_MOST ||
	    cache->budget.limit < CACHE_COMPRESS_MEMORY ||
	    !cache_make_room(cache, squeeze_needs(&cache->squeeze, plain.len), now_ms))
		return;
	shorter = squeeze_deflate(&cache->squeeze, plain);
	if (shorter.at)
		form->stored = shorter;
}

/* The entry, and how large it is with another form. 0: there is none, or it has that form. */
static size_t find_wider(const struct cache *cache, struct span key,
			 const struct cache_value *value, const struct entry_form *other,
			 uint32_t *id, struct entry_tail *tail)
{
	const struct entry *entry;

	*id = cache_find(cache, key, digest_of_key(key), tail);
	if (*id == INDEX_NONE)
		return 0;
	entry = cache_entry(cache, *id);
	if (entry->has_other || entry->is_msgpack == (value->encoding == ENCODING_MSGPACK))
		return 0;
	tail->other = *other;
	return entry_size(entry->tag_count, tail);
}

/* It goes on under its id, so that whoever links to it finds it. */
static void widen(struct cache *cache, uint32_t id, struct entry *wider,
		  const struct entry_tail *tail)
{
	struct entry *entry = cache_entry(cache, id);
	struct cache_stats *stats = &cache->stats;

	memcpy(wider, entry, sizeof(*entry) + entry->tag_count * sizeof(struct tag_link));
	wider->has_other = true;
	entry_write_tail(wider, tail);
	stats->payload_bytes += tail->other.stored.len;
	stats->payload_plain_bytes += tail->other.plain_len;
	stats->compressed += !form_is_compressed(&tail->own) && form_is_compressed(&tail->other);
	index_replace(&cache->entries, id, wider);
	policy_grew(cache_policy_of(cache, id), id, budget_cost_of(entry));
	budget_give(&cache->budget, entry);
}

void cache_keep_other(struct cache *cache, struct span key, const struct cache_value *value,
		      uint64_t now_us)
{
	struct entry_form other = {value->bytes, value->bytes.len, value->id_at};
	struct entry_tail tail;
	struct entry *wider;
	size_t size;
	uint32_t id;

	if (find_wider(cache, key, value, &other, &id, &tail) == 0 ||
	    !policy_admits(cache_policy(cache), tail.own.plain_len + value->bytes.len))
		return;
	/* For the room of either step the entry may have had to leave itself. */
	cache_compress(cache, &other, now_us / 1000);
	size = find_wider(cache, key, value, &other, &id, &tail);
	if (size == 0 || !cache_make_room(cache, budget_cost(size), now_us / 1000) ||
	    find_wider(cache, key, value, &other, &id, &tail) == 0)
		return;
	wider = budget_take(&cache->budget, size);
	if (wider)
		widen(cache, id, wider, &tail);
}
