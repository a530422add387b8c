#include "broker/cache/state.h"

uint32_t cache_find(const struct cache *cache, struct span key, struct digest digest,
		    struct entry_tail *tail)
{
	uint32_t id = index_first(&cache->entries, digest_hash(digest, cache->seed));

	for (; id != INDEX_NONE; id = index_next(&cache->entries, id)) {
		entry_read_tail(cache_entry(cache, id), tail);
		if (span_equal(tail->key, key))
			return id;
	}
	return INDEX_NONE;
}

enum cache_state cache_state_of(const struct entry *entry, uint64_t now_ms)
{
	uint64_t expiry = entry_expiry_ms(entry);

	if (now_ms < expiry)
		return CACHE_FRESH;
	if (now_ms < expiry + number_unpack(entry->swr))
		return CACHE_STALE;
	return now_ms < expiry + number_unpack(entry->sie) ? CACHE_GRACE : CACHE_ABSENT;
}

void cache_soften(struct cache *cache, uint32_t id, uint64_t at_ms)
{
	struct entry *entry = cache_entry(cache, id);

	entry->is_soft = true;
	if (at_ms < entry->loaded_ms)
		at_ms = entry->loaded_ms;
	if (at_ms >= entry_expiry_ms(entry))
		return;
	entry->ttl = number_pack(at_ms - entry->loaded_ms);
	/* Otherwise the wheel finds it late. */
	if (cache->moves == 0)
		return;
	cache->moves--;
	wheel_remove(&cache->wheel, id);
	wheel_add(&cache->wheel, id, entry_expiry_ms(entry));
}

void cache_tag_texts(struct cache *cache, const struct entry *entry)
{
	for (uint32_t i = 0; i < entry->tag_count; i++)
		cache->spans[i] = tag_text(tag_at(&cache->tags, entry->links[i].tag));
}

/* What the parts of a check find out. */
struct finding {
	bool is_hard;
	uint64_t softened_ms; /* UINT64_MAX: it was not */
};

static void soften_from(struct finding *finding, uint64_t at_ms)
{
	if (at_ms < finding->softened_ms)
		finding->softened_ms = at_ms;
}

static void hold_against_tag(const struct cache *cache, uint32_t id, uint64_t clock,
			     struct finding *finding)
{
	const struct tag *tag = tag_at(&cache->tags, id);

	if (tag->hard > clock)
		finding->is_hard = true;
	if (tag->soft > clock)
		soften_from(finding, tag->softened_ms);
}

static void hold_against_patterns(struct cache *cache, const struct entry *entry, uint32_t method,
				  struct finding *finding)
{
	uint64_t met = entry->clock > cache->sweep.met ? entry->clock : cache->sweep.met;
	struct span name = span_of("", 0);
	bool has_texts = false;

	for (uint32_t i = cache->patterns.count; i > 0; i--) {
		const struct pattern *pattern = cache->patterns.at[i - 1];

		if (pattern->clock <= met)
			break;
		if (pattern->is_met)
			continue;
		if (!has_texts) {
			cache_tag_texts(cache, entry);
			if (method != INDEX_NONE)
				name = tag_text(tag_at(&cache->tags, method));
			has_texts = true;
		}
		if (!pattern_hits(&pattern->globs, name, cache->spans, entry->tag_count))
			continue;
		if (pattern->mode == INVALIDATE_HARD)
			finding->is_hard = true;
		else
			soften_from(finding, pattern->first_ms);
	}
}

static bool check_clocks(struct cache *cache, uint32_t id, uint64_t now_ms, enum ghost_reason *why)
{
	struct entry *entry = cache_entry(cache, id);
	struct finding finding = {.softened_ms = UINT64_MAX};
	struct entry_tail tail;

	*why = GHOST_FLUSHED;
	if (cache->tags.all_hard > entry->clock)
		return false;
	*why = GHOST_INVALIDATED;
	if (cache->all_soft > entry->clock)
		soften_from(&finding, cache->all_softened_ms);
	for (uint32_t i = 0; i < entry->tag_count && !finding.is_hard; i++)
		hold_against_tag(cache, entry->links[i].tag, entry->clock, &finding);
	entry_read_tail(entry, &tail);
	if (tail.method != INDEX_NONE)
		hold_against_tag(cache, tail.method, entry->clock, &finding);
	hold_against_patterns(cache, entry, tail.method, &finding);
	if (finding.is_hard)
		return false;
	if (finding.softened_ms != UINT64_MAX)
		cache_soften(cache, id,
			     finding.softened_ms < now_ms ? finding.softened_ms : now_ms);
	entry->clock = ENTRY_CLOCK(cache->clock);
	return true;
}

bool cache_stands(struct cache *cache, uint32_t id, uint64_t now_ms, enum ghost_reason *why)
{
	const struct entry *entry = cache_entry(cache, id);

	*why = GHOST_INVALIDATED;
	if (entry->is_dead ||
	    (entry->clock < cache->clock && !check_clocks(cache, id, now_ms, why)))
		return false;
	if (now_ms < entry_end_ms(entry))
		return true;
	*why = GHOST_EXPIRED;
	cache->stats.expirations++;
	return false;
}

bool cache_check(struct cache *cache, uint32_t id, uint64_t now_ms, enum ghost_reason *why)
{
	if (cache_stands(cache, id, now_ms, why))
		return true;
	cache_drop(cache, id, *why, POLICY_GONE, now_ms);
	return false;
}
