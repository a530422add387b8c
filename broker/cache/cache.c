#include "broker/cache/cache.h"

#include <stdlib.h>
#include "broker/cache/state.h"

#define MEMORY_MIN	(UINT64_C(1) << 20)
#define LONGEST_LOAD_MS 60000
#define TTL_JITTER	0.05

uint64_t cache_limit_of(const struct cache_settings *settings)
{
	return settings->memory_bytes - settings->set_aside_bytes;
}

bool cache_settings_are_good(const struct cache_settings *settings)
{
	return settings->memory_bytes >= MEMORY_MIN &&
	       settings->set_aside_bytes <= settings->memory_bytes / 2 && settings->max_tags > 0 &&
	       settings->max_tags <= CACHE_TAGS_MAX;
}

/* What one entry may take at most leaves the cache room for others. */
struct cache_settings cache_settings_within_reason(const struct cache_settings *settings)
{
	struct cache_settings taken = *settings;

	if (taken.max_entry_bytes > cache_limit_of(settings))
		taken.max_entry_bytes = cache_limit_of(settings);
	return taken;
}

static bool build(struct cache *cache)
{
	struct budget *budget = &cache->budget;
	uint64_t most = cache->budget.limit / CACHE_ENTRY_BYTES_LEAST;

	if (!index_init(&cache->entries, budget, most) ||
	    !tags_init(&cache->tags, &cache->entries, budget, most, rng_next(&cache->rng)) ||
	    !key_clocks_init(&cache->keys, budget, most / CACHE_REMEMBERED_SHARE,
			     rng_next(&cache->rng)))
		return false;
	patterns_init(&cache->patterns, budget);
	duel_init(&cache->duel, cache->settings.policy);
	squeeze_init(&cache->squeeze, budget);
	wheel_init(&cache->wheel, &cache->entries, 0);
	if (!ghost_init(&cache->ghost, budget, cache->budget.limit) ||
	    !policy_init(cache_policy(cache), cache->settings.policy, &cache->entries, budget,
			 most))
		return false;
	cache->spans = budget_take(budget, CACHE_TAGS_MAX * sizeof(*cache->spans));
	cache->ids = budget_take(budget, CACHE_TAGS_MAX * sizeof(*cache->ids));
	return cache->spans && cache->ids;
}

enum wsb_err cache_create(struct cache **out, const struct cache_settings *settings, uint64_t seed)
{
	struct cache *cache;

	*out = NULL;
	if (!cache_settings_are_good(settings))
		return WSB_EINVAL;
	cache = calloc(1, sizeof(*cache));
	if (!cache)
		return WSB_ENOMEM;
	cache->settings = cache_settings_within_reason(settings);
	cache->budget = (struct budget){cache_limit_of(settings), budget_cost_of(cache)};
	rng_init(&cache->rng, seed);
	cache->seed = rng_next(&cache->rng);
	cache->longest_load_ms = LONGEST_LOAD_MS;
	cache->jitter = TTL_JITTER;
	cache->walk = CACHE_WALK;
	cache->moves = CACHE_MOVES;
	cache->tag_walk = CACHE_TAG_WALK;
	cache->tag_look = CACHE_TAG_LOOK;
	if (!build(cache)) {
		cache_destroy(cache);
		return WSB_ENOMEM;
	}
	*out = cache;
	return WSB_OK;
}

static void free_entries(struct cache *cache)
{
	for (uint32_t id = 0; id < cache->entries.used; id++)
		budget_give(&cache->budget, index_item(&cache->entries, id));
	index_fini(&cache->entries);
}

void cache_destroy(struct cache *cache)
{
	if (!cache)
		return;
	if (cache->patterns.budget)
		patterns_fini(&cache->patterns);
	squeeze_fini(&cache->squeeze);
	policy_fini(&cache->policies[0]);
	policy_fini(&cache->policies[1]);
	ghost_fini(&cache->ghost);
	key_clocks_fini(&cache->keys);
	tags_fini(&cache->tags);
	free_entries(cache);
	budget_give(&cache->budget, cache->spans);
	budget_give(&cache->budget, cache->ids);
	free(cache);
}

void cache_set_longest_load(struct cache *cache, uint64_t us)
{
	cache->longest_load_ms = us / 1000 + 1;
}

void cache_set_jitter(struct cache *cache, double share)
{
	cache->jitter = share;
}

uint64_t cache_clock(const struct cache *cache)
{
	return cache->clock;
}

void cache_read_stats(const struct cache *cache, struct cache_stats *out)
{
	*out = cache->stats;
	out->memory_bytes = cache->settings.memory_bytes;
	out->bytes = cache->budget.used;
	out->tag_bytes += cache->tags.bytes;
	out->overhead_bytes = out->bytes - out->payload_bytes - out->key_bytes - out->tag_bytes;
	out->tags = cache->tags.index.count;
	out->remembered = cache->keys.index.count + cache->tags.idle_count + cache->patterns.count;
	out->clock = cache->clock;
}
