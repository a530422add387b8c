#include "broker/cache/state.h"
#include "common/glob.h"

/* One call of cache_invalidate. Its clock becomes the cache's at the end: until then entries are
 * held against all that came before it, and those that it hit soft carry it already. */
struct blow {
	struct cache *cache;
	enum invalidation_mode mode;
	uint64_t clock;
	uint64_t now_ms;
	size_t hit;
	enum ghost_reason why;
};

/* Entries are left that the sweep must find. */
static void leave_rest(struct blow *blow)
{
	blow->cache->sweep.wanted = blow->clock;
}

/* Freed at once, as far as the turn's share goes. */
static void put_away(struct blow *blow, uint32_t id, enum ghost_reason why)
{
	struct cache *cache = blow->cache;
	struct entry *entry = cache_entry(cache, id);

	if (cache->moves > 0) {
		cache->moves--;
		cache_drop(cache, id, why, POLICY_GONE, blow->now_ms);
		return;
	}
	if (entry->clock >= cache->tags.all_hard)
		cache->stats.entries--;
	entry->is_dead = true;
	leave_rest(blow);
}

static void hit_entry(struct blow *blow, uint32_t id)
{
	struct cache *cache = blow->cache;
	const struct entry *entry = cache_entry(cache, id);
	enum ghost_reason why;

	if (entry->clock == blow->clock || entry->is_dead)
		return;
	if (!cache_stands(cache, id, blow->now_ms, &why)) {
		put_away(blow, id, why);
		return;
	}
	blow->hit++;
	if (blow->mode == INVALIDATE_HARD) {
		put_away(blow, id, blow->why);
		return;
	}
	cache_soften(cache, id, blow->now_ms);
	cache_entry(cache, id)->clock = ENTRY_CLOCK(blow->clock);
}

/* Whether all entries can be walked at once. */
static bool can_walk_all(const struct cache *cache)
{
	return cache->entries.used <= cache->walk;
}

static void walk_all(struct blow *blow, bool (*wants)(const struct blow *, uint32_t, const void *),
		     const void *what)
{
	struct cache *cache = blow->cache;

	cache->walk -= cache->entries.used;
	for (uint32_t id = 0; id < cache->entries.used; id++)
		if (index_item(&cache->entries, id) && (!wants || wants(blow, id, what)))
			hit_entry(blow, id);
}

static void set_clock(struct blow *blow, uint32_t id)
{
	struct tag *tag = tags_current(&blow->cache->tags, id);

	if (blow->mode == INVALIDATE_HARD) {
		tag->hard = blow->clock;
		tag->live = 0;
	} else {
		if (tag->soft <= blow->cache->sweep.met)
			tag->softened_ms = blow->now_ms;
		tag->soft = blow->clock;
	}
	tags_idle(&blow->cache->tags, id, blow->now_ms);
}

static bool has_method(const struct blow *blow, uint32_t id, const void *tag)
{
	struct entry_tail tail;

	entry_read_tail(cache_entry(blow->cache, id), &tail);
	return tail.method == *(const uint32_t *)tag;
}

/* Of the carriers of a method there is no list. The tag is pinned, lest it go with the last. */
static void hit_method(struct blow *blow, uint32_t id)
{
	struct tag *tag = tags_current(&blow->cache->tags, id);

	tag->count++;
	if (can_walk_all(blow->cache)) {
		walk_all(blow, has_method, &id);
	} else {
		blow->hit += tag->live;
		leave_rest(blow);
	}
	tag->count--;
	set_clock(blow, id);
}

static void hit_carriers(struct blow *blow, uint32_t id)
{
	struct cache *cache = blow->cache;
	struct tag *tag = tags_current(&cache->tags, id);
	uint32_t entry = tag->head;
	uint32_t kept = 0;

	tag->count++;
	while (entry != INDEX_NONE && cache->walk > 0) {
		uint32_t next = tags_next(&cache->tags, id, entry);

		hit_entry(blow, entry);
		kept += index_item(&cache->entries, entry) != NULL;
		cache->walk--;
		entry = next;
	}
	tag->count--;
	if (entry != INDEX_NONE) {
		blow->hit += tag->live > kept ? tag->live - kept : 0;
		leave_rest(blow);
	}
	set_clock(blow, id);
}

static void hit_tag(struct blow *blow, uint32_t id)
{
	if (tag_at(&blow->cache->tags, id)->is_method)
		hit_method(blow, id);
	else
		hit_carriers(blow, id);
}

/* Made if there is none: a load under way may bring it. */
static void hit_text(struct blow *blow, bool is_method, struct span text)
{
	struct cache *cache = blow->cache;
	uint32_t id = INDEX_NONE;

	if (text.len > CACHE_TAG_BYTES)
		return;
	if (cache_make_room(cache, tags_cost(text.len), blow->now_ms))
		id = tags_intern(&cache->tags, is_method, text);
	if (id != INDEX_NONE)
		hit_tag(blow, id);
	else
		cache->forgotten = blow->clock;
}

static struct pattern pattern_of(const struct blow *blow, struct pattern_globs globs)
{
	return (struct pattern){
		.clock = blow->clock,
		.first_ms = blow->now_ms,
		.told_ms = blow->now_ms,
		.mode = blow->mode,
		.globs = globs,
	};
}

/* Tags lie anywhere in memory: those that come next are on their way meanwhile. */
#define TAGS_AHEAD 8

static bool glob_hits_tag(const struct cache *cache, uint32_t id, bool is_method, struct span glob)
{
	const struct tag *tag = tag_at(&cache->tags, id);

	__builtin_prefetch(tag_at(&cache->tags, id + TAGS_AHEAD));
	return tag && tag->count > 0 && (tag->is_method || !is_method) &&
	       glob_match(glob, tag_text(tag));
}

/* All tags that match, as far as the turn's share goes; the rest is for the sweep. */
static void hit_glob(struct blow *blow, bool is_method, struct span glob)
{
	struct cache *cache = blow->cache;
	struct pattern made = pattern_of(blow, (struct pattern_globs){&glob, 1, is_method});
	uint32_t id = 0;

	for (; id < cache->tags.index.used && cache->tag_walk > 0; id++) {
		cache->tag_walk--;
		if (glob_hits_tag(cache, id, is_method, glob))
			hit_tag(blow, id);
	}
	made.is_met = id >= cache->tags.index.used;
	if (!made.is_met)
		leave_rest(blow);
	for (; id < cache->tags.index.used && cache->tag_look > 0; id++) {
		cache->tag_look--;
		if (glob_hits_tag(cache, id, is_method, glob))
			blow->hit += tags_current(&cache->tags, id)->live;
	}
	cache_remember_pattern(cache, &made);
}

static void hit_any(struct blow *blow, bool is_method, struct span glob)
{
	char buf[CACHE_TAG_BYTES];
	struct span text = glob_literal(glob, buf, sizeof(buf));

	if (!text.at) {
		hit_glob(blow, is_method, glob);
		return;
	}
	hit_text(blow, true, text);
	if (!is_method)
		hit_text(blow, false, text);
}

static bool matches_all(const struct blow *blow, uint32_t id, const void *what)
{
	struct cache *cache = blow->cache;
	const struct entry *entry = cache_entry(cache, id);
	struct span method = span_of("", 0);
	struct entry_tail tail;

	entry_read_tail(entry, &tail);
	if (tail.method != INDEX_NONE)
		method = tag_text(tag_at(&cache->tags, tail.method));
	cache_tag_texts(cache, entry);
	return pattern_hits(what, method, cache->spans, entry->tag_count);
}

/* The tag among these whose list is the shortest; INDEX_NONE: none of them has one, and *nobody
 * says whether one is such that no entry can have it. */
static uint32_t shortest(const struct cache *cache, const struct span *globs, size_t count,
			 bool *nobody)
{
	uint32_t best = INDEX_NONE;

	*nobody = false;
	for (size_t i = 0; i < count; i++) {
		char buf[CACHE_TAG_BYTES];
		struct span text = glob_literal(globs[i], buf, sizeof(buf));
		uint32_t id, method;

		if (!text.at)
			continue;
		id = tags_find(&cache->tags, false, text);
		method = tags_find(&cache->tags, true, text);
		if (method != INDEX_NONE && tag_at(&cache->tags, method)->count > 0)
			continue;
		if (id == INDEX_NONE || tag_at(&cache->tags, id)->count == 0)
			*nobody = true;
		else if (best == INDEX_NONE ||
			 tag_at(&cache->tags, id)->count < tag_at(&cache->tags, best)->count)
			best = id;
	}
	return best;
}

/* False: the turn's share is used up. */
static bool walk_carriers(struct blow *blow, uint32_t id, const struct pattern_globs *globs)
{
	struct cache *cache = blow->cache;
	struct tag *tag = tag_at(&cache->tags, id);
	uint32_t entry = tag->head;

	tag->count++;
	while (entry != INDEX_NONE && cache->walk > 0) {
		uint32_t next = tags_next(&cache->tags, id, entry);

		if (matches_all(blow, entry, globs))
			hit_entry(blow, entry);
		cache->walk--;
		entry = next;
	}
	tag->count--;
	tags_release(&cache->tags, id, blow->now_ms);
	return entry == INDEX_NONE;
}

/* Whether all that it may hit were walked. */
static bool walk_all_of(struct blow *blow, const struct pattern_globs *globs)
{
	bool nobody;
	uint32_t id = shortest(blow->cache, globs->at, globs->count, &nobody);

	if (nobody)
		return true;
	if (id != INDEX_NONE)
		return walk_carriers(blow, id, globs);
	if (!can_walk_all(blow->cache))
		return false;
	walk_all(blow, matches_all, globs);
	return true;
}

static void hit_all_of(struct blow *blow, const struct span *globs, size_t count)
{
	struct cache *cache = blow->cache;
	struct pattern made = pattern_of(blow, (struct pattern_globs){globs, count, false});

	made.is_met = walk_all_of(blow, &made.globs);
	if (!made.is_met)
		leave_rest(blow);
	cache_remember_pattern(cache, &made);
}

static void hit_name(struct blow *blow, struct span name)
{
	struct cache *cache = blow->cache;
	struct digest digests[DIGESTS_OF_NAME];
	size_t count = digests_of_name(name, digests);

	for (size_t i = 0; i < count; i++) {
		uint32_t id = index_first(&cache->entries, digest_hash(digests[i], cache->seed));

		while (id != INDEX_NONE) {
			uint32_t next = index_next(&cache->entries, id);
			struct entry_tail tail;

			entry_read_tail(cache_entry(cache, id), &tail);
			if (digest_equal(digest_of_key(tail.key), digests[i]))
				hit_entry(blow, id);
			id = next;
		}
		cache_remember_key(cache, digests[i], blow->clock, blow->now_ms);
	}
}

static void hit_everything(struct blow *blow)
{
	struct cache *cache = blow->cache;

	blow->why = GHOST_FLUSHED;
	if (can_walk_all(cache)) {
		walk_all(blow, NULL, NULL);
	} else {
		blow->hit += cache->stats.entries;
		leave_rest(blow);
	}
	if (blow->mode == INVALIDATE_HARD) {
		cache->tags.all_hard = blow->clock;
		cache->stats.entries = 0;
		return;
	}
	if (cache->all_soft <= cache->sweep.met)
		cache->all_softened_ms = blow->now_ms;
	cache->all_soft = blow->clock;
}

size_t cache_invalidate(struct cache *cache, const struct invalidation *what, uint64_t now_us)
{
	struct blow blow = {
		.cache = cache,
		.mode = what->mode,
		.clock = cache->clock + 1,
		.now_ms = now_us / 1000,
		.why = GHOST_INVALIDATED,
	};

	if (what->all)
		hit_everything(&blow);
	for (size_t i = 0; i < what->key_count && !what->all; i++)
		hit_name(&blow, what->keys[i]);
	for (size_t i = 0; i < what->method_count && !what->all; i++)
		hit_any(&blow, true, what->methods[i]);
	if (what->match == MATCH_ALL && what->tag_count > 1 && !what->all)
		hit_all_of(&blow, what->tags, what->tag_count);
	else
		for (size_t i = 0; i < what->tag_count && !what->all; i++)
			hit_any(&blow, false, what->tags[i]);
	cache->clock = blow.clock;
	cache->stats.invalidations++;
	cache->stats.invalidated += blow.hit;
	return blow.hit;
}
