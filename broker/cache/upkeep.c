#include "broker/cache/state.h"

/* In one slice: about a millisecond at worst. What comes later has what is left, and a little in
 * any case. */
#define SLICE	      1024
#define SLICE_LEAST   256
#define SLICE_ROOM    256
#define SLICE_FORGET  512
#define SLICE_REWEIGH 1024
#define SLICE_GHOST   512
#define SLICE_SHRINK  512
#define SLICE_MOVE    256

/* The ghost grows while the cache fills; later on, only where that costs few entries. */
static void fit_ghost(struct cache *cache, uint64_t now_ms)
{
	uint32_t keys = cache->entries.count;

	if (ghost_fits(&cache->ghost, keys) || ghost_size(keys) > cache->budget.limit / 16 ||
	    !cache_make_room_in(cache, (size_t)SLICE_GHOST * GHOST_SET_BYTES, now_ms, SLICE_ROOM))
		return;
	ghost_fit(&cache->ghost, keys, SLICE_GHOST);
}

/* While nobody has to leave, it is of no account who would; but those who fight it out are to be
 * full when the cache is. */
static void choose(struct cache *cache)
{
	const struct budget *budget = &cache->budget;
	struct policy *policy = cache_policy(cache);
	double full = (double)budget->limit / (double)budget->used * cache->entries.count;

	if (budget->used > budget->limit / 4)
		duel_fit(&cache->duel, (uint64_t)full, budget->limit);
	policy_go_by(policy, cache->duel.prefers_recency);
	policy_upkeep(policy, SLICE_REWEIGH);
}

static void keep_room(struct cache *cache, uint64_t now_ms)
{
	struct cache_room *room = &cache->room;

	if (now_ms >= room->until_ms)
		room->wanted = 0;
	if (room->wanted > 0)
		cache_make_room_in(cache, room->wanted, now_ms, SLICE_ROOM);
}

void cache_upkeep(struct cache *cache, uint64_t now_us)
{
	uint64_t now_ms = now_us / 1000;
	uint32_t steps = SLICE;

	cache->latest_ms = now_ms;
	cache->walk = CACHE_WALK;
	cache->moves = CACHE_MOVES;
	cache->tag_walk = CACHE_TAG_WALK;
	cache->tag_look = CACHE_TAG_LOOK;
	cache_expire(cache, now_ms, &steps);
	cache_sweep(cache, now_ms, steps > SLICE_LEAST ? steps : SLICE_LEAST);
	cache_forget(cache, now_ms, SLICE_FORGET);
	fit_ghost(cache, now_ms);
	cache_shrink(cache, now_ms, SLICE_SHRINK);
	cache_move(cache, now_ms, SLICE_MOVE);
	keep_room(cache, now_ms);
	choose(cache);
}
