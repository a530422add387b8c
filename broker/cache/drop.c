#include "broker/cache/state.h"

static void uncount(struct cache *cache, const struct entry *entry, const struct entry_tail *tail)
{
	struct cache_stats *stats = &cache->stats;

	stats->payload_bytes -= tail->own.stored.len + tail->other.stored.len;
	stats->payload_plain_bytes -= tail->own.plain_len + tail->other.plain_len;
	stats->key_bytes -= tail->key.len;
	stats->tag_bytes -= entry->tag_count * sizeof(struct tag_link);
	stats->compressed -= tail_is_compressed(tail);
	/* What was found dead, or hit by a flush, has been left out of them then. */
	if (entry->clock >= cache->tags.all_hard && !entry->is_dead)
		stats->entries--;
}

void cache_drop(struct cache *cache, uint32_t id, enum ghost_reason reason, enum policy_leave how,
		uint64_t now_ms)
{
	struct entry *entry = cache_entry(cache, id);
	struct policy *policy = cache_policy_of(cache, id);
	struct entry_tail tail;

	if (how != POLICY_REPLACED) {
		struct ghost_memory memory = {policy_frequency(policy, id, how), reason};

		ghost_note(&cache->ghost, index_hash(&cache->entries, id), memory,
			   budget_cost_of(entry));
	}
	entry_read_tail(entry, &tail);
	uncount(cache, entry, &tail);
	policy_remove(policy, id);
	wheel_remove(&cache->wheel, id);
	tags_unlink(&cache->tags, id, now_ms);
	if (tail.method != INDEX_NONE)
		tags_unlink_method(&cache->tags, tail.method, entry, now_ms);
	index_remove(&cache->entries, id);
	budget_give(&cache->budget, entry);
}

static void age(struct cache *cache, uint32_t id, uint64_t now_ms)
{
	struct entry *entry = cache_entry(cache, id);
	uint64_t expiry = entry_expiry_ms(entry);

	if (now_ms >= entry_end_ms(entry)) {
		wheel_add(&cache->wheel, id, now_ms);
		cache->stats.expirations++;
		cache_drop(cache, id, GHOST_EXPIRED, POLICY_GONE, now_ms);
		return;
	}
	if (now_ms >= expiry && !entry->is_idle) {
		entry->is_idle = true;
		policy_weaken(cache_policy_of(cache, id), id);
	}
	if (now_ms >= expiry + number_unpack(entry->swr))
		policy_sink(cache_policy_of(cache, id), id);
	wheel_add(&cache->wheel, id, entry_next_ms(entry, now_ms));
}

void cache_expire(struct cache *cache, uint64_t now_ms, uint32_t *steps)
{
	for (;;) {
		uint32_t id = wheel_pop(&cache->wheel, now_ms, steps);

		if (id == INDEX_NONE)
			return;
		age(cache, id, now_ms);
	}
}

/* Whoever still lies with the policy that was goes before all others. */
uint32_t cache_victim(struct cache *cache)
{
	struct policy *former = &cache->policies[!cache->side];

	return policy_victim(former->count > 0 ? former : cache_policy(cache));
}

/* What nobody can be served goes first. False: nothing of the kind was found. */
static bool free_the_dead(struct cache *cache, uint64_t now_ms)
{
	uint64_t before = cache->budget.used;
	uint32_t steps = 64;

	cache_expire(cache, now_ms, &steps);
	if (cache->budget.used == before)
		cache_sweep(cache, now_ms, 4);
	return cache->budget.used < before;
}

bool cache_make_room_in(struct cache *cache, size_t bytes, uint64_t now_ms, uint32_t steps)
{
	const struct budget *budget = &cache->budget;

	for (; budget->used + bytes + CACHE_SLACK_BYTES > budget->limit; steps--) {
		uint32_t id;

		if (steps == 0)
			return false;
		if (free_the_dead(cache, now_ms))
			continue;
		id = cache_victim(cache);
		if (id == INDEX_NONE)
			return false;
		cache->stats.evictions++;
		cache_drop(cache, id, GHOST_EVICTED, POLICY_EVICTED, now_ms);
	}
	return true;
}

bool cache_make_room(struct cache *cache, size_t bytes, uint64_t now_ms)
{
	struct cache_room *room = &cache->room;

	/* Nor would an empty one hold it, with what it needs besides. */
	if (bytes > cache->budget.limit - cache->budget.limit / 16)
		return false;
	if (cache_make_room_in(cache, bytes, now_ms, CACHE_EVICT_MOST)) {
		if (room->wanted > 0 && bytes >= room->wanted / 2)
			room->until_ms = now_ms + CACHE_ROOM_MS;
		return true;
	}
	if (bytes > room->wanted)
		room->wanted = bytes;
	room->until_ms = now_ms + CACHE_ROOM_MS;
	return false;
}
