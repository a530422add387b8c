#include "broker/cache/state.h"

/* An entry that has to be held against so many patterns counts twice. */
#define PATTERNS_A_STEP 8

static void start_round(struct sweep *sweep, uint64_t clock)
{
	if (sweep->runs || sweep->wanted <= sweep->met)
		return;
	sweep->runs = true;
	sweep->at = 0;
	sweep->goal = clock;
}

/* Patterns that entries are to be held against. */
static uint32_t count_patterns(const struct cache *cache)
{
	uint32_t count = 0;

	for (uint32_t i = cache->patterns.count; i > 0; i--) {
		const struct pattern *pattern = cache->patterns.at[i - 1];

		if (pattern->clock <= cache->sweep.met)
			break;
		count += !pattern->is_met;
	}
	return count;
}

void cache_sweep(struct cache *cache, uint64_t now_ms, uint32_t steps)
{
	struct sweep *sweep = &cache->sweep;
	enum ghost_reason why;
	uint32_t each;

	start_round(sweep, cache->clock);
	if (!sweep->runs)
		return;
	each = 1 + count_patterns(cache) / PATTERNS_A_STEP;
	for (; steps > 0; steps -= each < steps ? each : steps) {
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
