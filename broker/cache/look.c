#include "broker/cache/state.h"

static const char *const reasons[] = {
	[GHOST_EVICTED] = "evicted",
	[GHOST_EXPIRED] = "expired",
	[GHOST_INVALIDATED] = "invalidated",
	[GHOST_FLUSHED] = "flushed",
};

static void look_at_nothing(struct cache *cache, bool touch, const char *reason,
			    struct cache_hit *out)
{
	*out = (struct cache_hit){.state = CACHE_ABSENT, .reason = reason};
	if (touch)
		cache->stats.misses++;
}

static void use(struct cache *cache, uint32_t id, struct cache_hit *out)
{
	struct entry *entry = cache_entry(cache, id);

	if (entry->uses < ENTRY_USES_MAX)
		entry->uses++;
	out->prefetched = entry->is_prefetched;
	entry->is_prefetched = false;
	policy_touch(cache_policy_of(cache, id), id);
	duel_look(&cache->duel, index_hash(&cache->entries, id), budget_cost_of(entry));
	if (out->state == CACHE_FRESH)
		cache->stats.fresh++;
	else if (out->state == CACHE_STALE)
		cache->stats.stale++;
	else
		cache->stats.grace++;
}

/* In the encoding that is wanted, where it is kept in that. */
static struct cache_value value_of(struct cache *cache, const struct entry *entry,
				   const struct entry_tail *tail, enum encoding wanted)
{
	enum encoding own = entry->is_msgpack ? ENCODING_MSGPACK : ENCODING_JSON;
	bool other = wanted != own && entry->has_other;
	const struct entry_form *form = other ? &tail->other : &tail->own;
	struct span bytes = form->stored;

	if (form_is_compressed(form))
		bytes = squeeze_inflate(&cache->squeeze, form->stored, form->plain_len);
	return (struct cache_value){bytes, other ? wanted : own, (uint32_t)form->id_at};
}

static const char *reason_of(const struct entry *entry, enum cache_state state)
{
	if (state == CACHE_FRESH)
		return "fresh";
	return entry->is_soft ? "invalidated" : "expired";
}

void cache_look(struct cache *cache, struct span key, enum encoding wanted, bool touch,
		uint64_t now_us, struct cache_hit *out)
{
	struct digest digest = digest_of_key(key);
	struct entry_tail tail;
	uint32_t id = cache_find(cache, key, digest, &tail);
	uint64_t now_ms = now_us / 1000;
	enum ghost_reason why;
	struct ghost_memory memory;
	struct entry *entry;

	if (id == INDEX_NONE) {
		bool known = ghost_find(&cache->ghost, digest_hash(digest, cache->seed), &memory);

		look_at_nothing(cache, touch, known ? reasons[memory.reason] : "absent", out);
		return;
	}
	if (!cache_check(cache, id, now_ms, &why)) {
		look_at_nothing(cache, touch, reasons[why], out);
		return;
	}
	entry = cache_entry(cache, id);
	*out = (struct cache_hit){
		.state = cache_state_of(entry, now_ms),
		.age_us = (now_ms - entry->loaded_ms) * 1000,
		.ttl_us = number_unpack(entry->ttl) * 1000,
		.soft = entry->is_soft,
	};
	out->reason = reason_of(entry, out->state);
	if (touch)
		use(cache, id, out);
	out->hits = entry->uses;
	out->value = value_of(cache, entry, &tail, wanted);
}
