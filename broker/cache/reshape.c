/* New settings while it runs: they count at once, and come into force step by step. */
#include "broker/cache/state.h"

static bool reserve(struct cache *cache, uint64_t most)
{
	return index_reserve(&cache->entries, most) && index_reserve(&cache->tags.index, most) &&
	       index_reserve(&cache->keys.index, most / CACHE_REMEMBERED_SHARE) &&
	       policy_reserve(&cache->policies[0], most) &&
	       policy_reserve(&cache->policies[1], most);
}

/* What that takes at most, for a moment beside what there is. */
static size_t reserve_needs(uint64_t most)
{
	size_t row = budget_cost((most / INDEX_CHUNK + 2) * sizeof(void *));

	return 8 * row;
}

/* While the ids of those that stay reach far up, the table that leads from them to entries would
 * take the room of entries: then those with the last ids leave. */
static uint32_t next_to_leave(struct cache *cache)
{
	const struct index *entries = &cache->entries;
	uint32_t id = entries->used;

	if (entries->cells.count * entries->cells.bytes <= cache_limit_of(&cache->settings) / 8)
		return cache_victim(cache);
	while (id > 0 && !index_item(entries, id - 1))
		id--;
	return id > 0 ? id - 1 : INDEX_NONE;
}

/* False: there is nobody left who could leave. */
static bool evict_down_to(struct cache *cache, uint64_t bytes, uint64_t now_ms, uint32_t steps)
{
	for (; steps > 0 && cache->budget.used > bytes; steps--) {
		uint32_t id = next_to_leave(cache);

		if (id == INDEX_NONE)
			return false;
		cache->stats.evictions++;
		cache_drop(cache, id, GHOST_EVICTED, POLICY_EVICTED, now_ms);
	}
	return true;
}

/* Who is empty has no need of what it remembers for loads, nor of tools. */
static void forget_all(struct cache *cache)
{
	uint64_t now_ms = cache->latest_ms + cache->longest_load_ms + 1;

	cache_forget(cache, now_ms, UINT32_MAX);
	if (cache->stats.compressed == 0)
		squeeze_empty(&cache->squeeze);
}

static void come_down(struct cache *cache, uint64_t spare)
{
	uint64_t goal = cache_limit_of(&cache->settings);
	uint64_t least = cache->budget.used + spare;

	cache->budget.limit = least > goal ? least : goal;
}

void cache_shrink(struct cache *cache, uint64_t now_ms, uint32_t steps)
{
	uint64_t goal = cache_limit_of(&cache->settings);
	uint64_t most = goal / CACHE_ENTRY_BYTES_LEAST;
	uint64_t spare = 2 * CACHE_SLACK_BYTES + reserve_needs(most);

	if (cache->budget.limit <= goal)
		return;
	if (!evict_down_to(cache, goal > spare ? goal - spare : 0, now_ms, steps))
		forget_all(cache);
	come_down(cache, spare);
	/* Tables for as many as there may be from now on. */
	if ((cache->budget.limit == goal || cache->entries.count == 0) && reserve(cache, most))
		come_down(cache, 2 * CACHE_SLACK_BYTES);
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

static void leave_former(struct cache *cache)
{
	policy_fini(&cache->policies[!cache->side]);
	cache->policies[!cache->side] = (struct policy){.budget = NULL};
}

/* The entry goes to the policy in force; where that has no memory for it, it leaves. */
static void move(struct cache *cache, uint32_t id, uint64_t now_ms)
{
	struct policy *former = cache_policy_of(cache, id);
	struct entry *entry = cache_entry(cache, id);
	uint8_t memory = policy_frequency(former, id, POLICY_REPLACED);

	if (!policy_prepare(cache_policy(cache), cache_policy(cache)->count + 1)) {
		cache_drop(cache, id, GHOST_EVICTED, POLICY_EVICTED, now_ms);
		return;
	}
	policy_remove(former, id);
	entry->side = cache->side & 1u;
	if (!policy_add(cache_policy(cache), id, memory))
		assert(false && "room was made");
}

void cache_move(struct cache *cache, uint64_t now_ms, uint32_t steps)
{
	const struct policy *former = &cache->policies[!cache->side];

	if (!former->budget)
		return;
	for (; steps > 0 && former->count > 0; steps--) {
		uint32_t id = cache->side_at++;

		if (id >= cache->entries.used)
			cache->side_at = 0;
		else if (index_item(&cache->entries, id) &&
			 cache_entry(cache, id)->side != cache->side)
			move(cache, id, now_ms);
	}
	if (former->count == 0)
		leave_former(cache);
}

/* Entries move later; where they still do from another change, they turn back. */
static enum wsb_err change_policy(struct cache *cache, enum cache_policy_kind kind)
{
	uint64_t most = cache->budget.limit / CACHE_ENTRY_BYTES_LEAST;
	struct policy *next = &cache->policies[!cache->side];

	if (!next->budget && (!cache_make_room(cache, policy_needs(kind, most), cache->latest_ms) ||
			      !policy_init(next, kind, &cache->entries, &cache->budget, most))) {
		leave_former(cache);
		return WSB_ENOMEM;
	}
	assert(next->kind == kind);
	cache->side = !cache->side;
	cache->side_at = 0;
	duel_init(&cache->duel, kind);
	cache_move(cache, cache->latest_ms, 0);
	return WSB_OK;
}

enum wsb_err cache_configure(struct cache *cache, const struct cache_settings *settings)
{
	struct cache_settings next;
	enum wsb_err err = WSB_OK;

	if (!cache_settings_are_good(settings))
		return WSB_EINVAL;
	next = cache_settings_within_reason(settings);
	if (cache_limit_of(&next) > cache->budget.limit)
		err = grow(cache, cache_limit_of(&next));
	if (err == WSB_OK && next.policy != cache_policy(cache)->kind)
		err = change_policy(cache, next.policy);
	if (err != WSB_OK)
		return err;
	cache->settings = next;
	cache->ghost.window_bytes = cache_limit_of(&next);
	cache_shrink(cache, cache->latest_ms, CACHE_EVICT_MOST);
	return WSB_OK;
}
