#include "broker/cache/state.h"

/* In one slice: about half a millisecond at worst. */
#define SLICE_EXPIRE  1024
#define SLICE_SWEEP   1024
#define SLICE_FORGET  1024
#define SLICE_REWEIGH 1024

static void start_round(struct sweep *sweep, uint64_t clock)
{
	if (sweep->runs || sweep->wanted <= sweep->met)
		return;
	sweep->runs = true;
	sweep->at = 0;
	sweep->goal = clock;
}

static void sweep_on(struct cache *cache, uint64_t now_ms)
{
	struct sweep *sweep = &cache->sweep;
	enum ghost_reason why;

	start_round(sweep, cache->clock);
	for (uint32_t i = 0; i < SLICE_SWEEP && sweep->runs; i++) {
		if (sweep->at >= cache->entries.used) {
			sweep->runs = false;
			sweep->met = sweep->goal;
			return;
		}
		if (index_item(&cache->entries, sweep->at))
			cache_check(cache, sweep->at, now_ms, &why);
		sweep->at++;
	}
}

/* The ghost grows while the cache fills; later on, only where that costs few entries. */
static void fit_ghost(struct cache *cache, uint64_t now_ms)
{
	size_t needs = ghost_needs(&cache->ghost, cache->entries.count);

	if (needs == 0 || needs > cache->budget.limit / 16 ||
	    !cache_make_room(cache, needs, now_ms))
		return;
	ghost_fit(&cache->ghost, cache->entries.count);
}

/* While nobody has to leave, it is of no account who would; but those who fight it out are to be
 * full when the cache is. */
static void choose(struct cache *cache)
{
	const struct budget *budget = &cache->budget;
	double full = (double)budget->limit / (double)budget->used * cache->entries.count;

	if (budget->used > budget->limit / 4)
		duel_fit(&cache->duel, (uint64_t)full, budget->limit);
	policy_go_by(&cache->policy, cache->duel.prefers_recency);
	policy_upkeep(&cache->policy, SLICE_REWEIGH);
}

void cache_upkeep(struct cache *cache, uint64_t now_us)
{
	uint64_t now_ms = now_us / 1000;
	uint32_t steps = SLICE_EXPIRE;

	cache->latest_ms = now_ms;
	cache->walk = CACHE_WALK;
	cache->tag_walk = CACHE_TAG_WALK;
	cache_expire(cache, now_ms, &steps);
	sweep_on(cache, now_ms);
	cache_forget(cache, now_ms, SLICE_FORGET);
	fit_ghost(cache, now_ms);
	choose(cache);
}
