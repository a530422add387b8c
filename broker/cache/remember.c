#include "broker/cache/state.h"

static void forget_before(struct cache *cache, uint64_t clock)
{
	if (clock > cache->forgotten)
		cache->forgotten = clock;
}

/* Whatever cannot be remembered is held against all loads that have begun. */
void cache_remember_key(struct cache *cache, struct digest digest, uint64_t clock, uint64_t now_ms)
{
	if (!cache_make_room(cache, budget_cost(sizeof(struct key_clock)), now_ms) ||
	    !key_clocks_note(&cache->keys, digest, clock, now_ms))
		forget_before(cache, clock);
}

void cache_remember_pattern(struct cache *cache, const struct pattern *made)
{
	if (cache_make_room(cache, budget_cost(pattern_size(&made->globs)), made->told_ms) &&
	    patterns_add(&cache->patterns, made, cache->sweep.met))
		return;
	/* Entries need it too: then all of them go. */
	forget_before(cache, made->clock);
	if (!made->is_met) {
		cache->tags.all_hard = made->clock;
		cache->stats.entries = 0;
	}
}

static bool forget_pattern(struct cache *cache, uint64_t now_ms, bool must)
{
	const struct pattern *pattern = cache->patterns.count > 0 ? cache->patterns.at[0] : NULL;

	if (!pattern || (!must && pattern->told_ms + cache->longest_load_ms >= now_ms))
		return false;
	if (!pattern->is_met && pattern->clock > cache->sweep.met)
		return false;
	forget_before(cache, patterns_forget_oldest(&cache->patterns));
	return true;
}

static bool forget_key(struct cache *cache, uint64_t now_ms, bool must)
{
	const struct key_clock *clock = key_clocks_oldest(&cache->keys);

	if (!clock || (!must && clock->told_ms + cache->longest_load_ms >= now_ms))
		return false;
	forget_before(cache, key_clocks_forget_oldest(&cache->keys));
	return true;
}

static bool forget_tag(struct cache *cache, uint64_t now_ms, bool must)
{
	uint32_t id = cache->tags.oldest_idle;

	if (id == INDEX_NONE ||
	    (!must && tag_at(&cache->tags, id)->idle_ms + cache->longest_load_ms >= now_ms))
		return false;
	forget_before(cache, tags_forget(&cache->tags, id));
	return true;
}

void cache_forget(struct cache *cache, uint64_t now_ms, uint32_t steps)
{
	uint64_t most = cache->budget.limit / CACHE_REMEMBERED_SHARE;

	for (; steps > 0; steps--) {
		bool tags_must = cache->tags.idle_bytes > most / 2;
		bool keys_must = cache->keys.bytes > most / 2;
		bool done = forget_key(cache, now_ms, keys_must);

		done |= forget_tag(cache, now_ms, tags_must);
		done |= forget_pattern(cache, now_ms, cache->patterns.bytes > most / 2);
		if (!done)
			return;
	}
}

static bool tag_is_outdated(const struct cache *cache, bool is_method, struct span text,
			    uint64_t clock)
{
	uint32_t id = tags_find(&cache->tags, is_method, text);
	const struct tag *tag;

	if (id == INDEX_NONE)
		return false;
	tag = tag_at(&cache->tags, id);
	return tag->hard > clock || tag->soft > clock;
}

static bool pattern_is_outdated(const struct cache *cache, const struct cache_fill *fill)
{
	for (uint32_t i = cache->patterns.count; i > 0; i--) {
		const struct pattern *pattern = cache->patterns.at[i - 1];

		if (pattern->clock <= fill->clock)
			return false;
		if (pattern_hits(&pattern->globs, fill->method, fill->tags, fill->tag_count))
			return true;
	}
	return false;
}

bool cache_is_outdated(const struct cache *cache, const struct cache_fill *fill,
		       struct digest digest)
{
	if (fill->clock == cache->clock)
		return false;
	if (cache->forgotten > fill->clock || cache->tags.all_hard > fill->clock ||
	    cache->all_soft > fill->clock || key_clocks_find(&cache->keys, digest) > fill->clock)
		return true;
	if (fill->method.len > 0 && tag_is_outdated(cache, true, fill->method, fill->clock))
		return true;
	for (size_t i = 0; i < fill->tag_count; i++)
		if (tag_is_outdated(cache, false, fill->tags[i], fill->clock))
			return true;
	return pattern_is_outdated(cache, fill);
}
