/* New settings while it runs. */
#include "broker/cache/state.h"

static bool reserve(struct cache *cache, uint64_t most)
{
	return index_reserve(&cache->entries, most) && index_reserve(&cache->tags.index, most) &&
	       index_reserve(&cache->keys.index, most / CACHE_REMEMBERED_SHARE) &&
	       policy_reserve(&cache->policy, most);
}

static void forget_all(struct cache *cache)
{
	uint64_t now_ms = cache->latest_ms + cache->longest_load_ms + 1;

	cache_forget(cache, now_ms, UINT32_MAX);
}

static bool fits(struct cache *cache)
{
	if (cache_make_room(cache, 0, cache->latest_ms))
		return true;
	forget_all(cache);
	return cache_make_room(cache, 0, cache->latest_ms);
}

/* Entries go first; then tables are made for as many as there may be from now on, which for a
 * moment takes both. */
static enum wsb_err shrink(struct cache *cache, uint64_t bytes)
{
	uint64_t before = cache->budget.limit;
	bool done;

	cache->budget.limit = bytes;
	fits(cache);
	cache->budget.limit = before;
	done = reserve(cache, bytes / CACHE_ENTRY_BYTES_LEAST);
	cache->budget.limit = bytes;
	if (done && fits(cache))
		return WSB_OK;
	cache->budget.limit = before;
	return WSB_ENOMEM;
}

static enum wsb_err grow(struct cache *cache, uint64_t bytes)
{
	uint64_t before = cache->budget.limit;

	cache->budget.limit = bytes;
	if (reserve(cache, bytes / CACHE_ENTRY_BYTES_LEAST))
		return WSB_OK;
	cache->budget.limit = before;
	return WSB_ENOMEM;
}

/* Everybody moves at once: what takes a while with millions of entries is not done daily. */
static enum wsb_err change_policy(struct cache *cache, enum cache_policy_kind kind)
{
	uint64_t most = cache->budget.limit / CACHE_ENTRY_BYTES_LEAST;
	struct policy next;

	if (!cache_make_room(cache, policy_needs(kind, most, cache->entries.count),
			     cache->latest_ms) ||
	    !policy_init(&next, kind, &cache->entries, &cache->budget, most))
		return WSB_ENOMEM;
	if (!policy_prepare(&next, cache->entries.count)) {
		policy_fini(&next);
		return WSB_ENOMEM;
	}
	for (uint32_t id = 0; id < cache->entries.used; id++) {
		uint8_t memory;

		if (!index_item(&cache->entries, id))
			continue;
		memory = policy_frequency(&cache->policy, id, POLICY_REPLACED);
		if (!policy_add(&next, id, memory))
			assert(false && "room was made for all");
	}
	policy_fini(&cache->policy);
	cache->policy = next;
	duel_init(&cache->duel, kind);
	return WSB_OK;
}

enum wsb_err cache_configure(struct cache *cache, const struct cache_settings *settings)
{
	struct cache_settings next;
	enum wsb_err err = WSB_OK;

	if (!cache_settings_are_good(settings))
		return WSB_EINVAL;
	next = cache_settings_within_reason(settings);
	if (next.memory_bytes < cache->budget.limit)
		err = shrink(cache, next.memory_bytes);
	else if (next.memory_bytes > cache->budget.limit)
		err = grow(cache, next.memory_bytes);
	if (err == WSB_OK) {
		cache->settings.memory_bytes = next.memory_bytes;
		cache->ghost.window_bytes = next.memory_bytes;
	}
	if (err == WSB_OK && next.policy != cache->policy.kind)
		err = change_policy(cache, next.policy);
	if (err == WSB_OK)
		cache->settings = next;
	return err;
}
