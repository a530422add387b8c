/* broker/cache/state.h: what one cache consists of, for the files of this folder. */
#ifndef WSB_BROKER_CACHE_STATE_H
#define WSB_BROKER_CACHE_STATE_H

#include "broker/cache/cache.h"
#include "broker/cache/duel.h"
#include "broker/cache/entry.h"
#include "broker/cache/ghost.h"
#include "broker/cache/key_clocks.h"
#include "broker/cache/patterns.h"
#include "broker/cache/policy.h"
#include "broker/cache/squeeze.h"
#include "broker/cache/tags.h"
#include "broker/cache/wheel.h"
#include "common/rng.h"

/* Kept free for tables that grow by a piece, so that an entry for which there is room gets in. */
#define CACHE_SLACK_BYTES ((size_t)64 * 1024)

/* A smaller cache compresses nothing. */
#define CACHE_COMPRESS_MEMORY ((uint64_t)8 * 1024 * 1024)

/* Longer payloads are kept as they are: the event loop would wait too long for each hit. */
#define CACHE_COMPRESS_MOST ((size_t)1024 * 1024)

/* Who needs more room than that many leave has to come again; it is made by then. */
#define CACHE_EVICT_MOST 1024
#define CACHE_ROOM_MS	 10000

/* What is remembered for loads under way may take this share of the memory. */
#define CACHE_REMEMBERED_SHARE 16

/* One round over all entries: afterwards each has been held against all up to goal. */
struct sweep {
	uint32_t at; /* the next entry */
	bool runs;
	uint64_t goal;
	uint64_t met;	 /* the clock of the last round that came to its end */
	uint64_t wanted; /* the latest invalidation that left something to do */
};

/* Large values for which there was no room at once find it the next time. */
struct cache_room {
	size_t wanted;
	uint64_t until_ms;
};

struct cache {
	struct budget budget; /* its limit comes down to that of the settings step by step */
	struct cache_settings settings;
	struct index entries;
	struct tags tags;
	struct key_clocks keys;
	struct patterns patterns;
	struct wheel wheel;
	struct ghost ghost;
	struct policy policies[2]; /* entries move from the one that was to the one that is */
	uint8_t side;		   /* which that is */
	uint32_t side_at;	   /* the next entry to move */
	struct duel duel;
	struct squeeze squeeze;
	struct sweep sweep;
	struct cache_room room;
	struct rng rng;
	uint64_t seed;
	uint64_t clock;
	uint64_t all_soft; /* the clock when everything was last invalidated soft; hard: in tags */
	uint64_t all_softened_ms;
	uint64_t forgotten; /* loads that began before it may not be stored */
	uint64_t longest_load_ms;
	uint64_t latest_ms; /* of upkeep */
	double jitter;
	uint32_t walk;	   /* entries that invalidations may still walk in this turn */
	uint32_t moves;	   /* entries that they may free or put elsewhere */
	uint32_t tag_walk; /* tags that globs may hit */
	uint32_t tag_look; /* tags that they may look at, to count */
	uint32_t serial;
	struct span *spans; /* CACHE_TAGS_MAX of them, for the texts of an entry's tags */
	uint32_t *ids;	    /* as many, for the tags of a fill */
	struct cache_stats stats;
};

#define CACHE_MOVES    512
#define CACHE_TAG_WALK 8192
#define CACHE_TAG_LOOK 65536

/* No entry, tag or remembered key takes less. */
#define CACHE_ENTRY_BYTES_LEAST 64

/* cache.c */
/* What the cache itself may take. */
uint64_t cache_limit_of(const struct cache_settings *settings);
bool cache_settings_are_good(const struct cache_settings *settings);
/* One entry may be no larger than all. */
struct cache_settings cache_settings_within_reason(const struct cache_settings *settings);

/* forms.c */
/* The form becomes a shorter one where that is worth it. It lies in memory that is used again. */
void cache_compress(struct cache *cache, struct entry_form *form, uint64_t now_ms);

/* drop.c: entries leave. */
void cache_drop(struct cache *cache, uint32_t id, enum ghost_reason reason, enum policy_leave how,
		uint64_t now_ms);
/* Who leaves when somebody has to; INDEX_NONE: there is nobody. */
uint32_t cache_victim(struct cache *cache);
/* Frees until so many bytes could be taken: what has expired or is dead first. False: it can not
 * be, or not at once. */
bool cache_make_room(struct cache *cache, size_t bytes, uint64_t now_ms);
/* The same in at most so many steps, and without another time. */
bool cache_make_room_in(struct cache *cache, size_t bytes, uint64_t now_ms, uint32_t steps);
/* Deals with what the wheel says, in at most *steps. */
void cache_expire(struct cache *cache, uint64_t now_ms, uint32_t *steps);

/* check.c: whether an entry still stands. */
/* *tail is set when there is one. */
uint32_t cache_find(const struct cache *cache, struct span key, struct digest digest,
		    struct entry_tail *tail);
/* Holds it against what was invalidated since it was last looked at. False: it may not be served
 * in any way, and has been dropped. */
bool cache_check(struct cache *cache, uint32_t id, uint64_t now_ms, enum ghost_reason *why);
/* The same, but nothing is dropped. */
bool cache_stands(struct cache *cache, uint32_t id, uint64_t now_ms, enum ghost_reason *why);
/* It was invalidated soft, then: it is stale from that time on. */
void cache_soften(struct cache *cache, uint32_t id, uint64_t at_ms);
/* The texts of its tags, in cache->spans. */
void cache_tag_texts(struct cache *cache, const struct entry *entry);
enum cache_state cache_state_of(const struct entry *entry, uint64_t now_ms);

/* sweep.c */
/* Goes on with the round that what was invalidated makes necessary, for so many entries. */
void cache_sweep(struct cache *cache, uint64_t now_ms, uint32_t steps);

/* reshape.c: new settings come into force step by step. */
void cache_shrink(struct cache *cache, uint64_t now_ms, uint32_t steps);
void cache_move(struct cache *cache, uint64_t now_ms, uint32_t steps);

/* remember.c: what loads under way must be told. */
void cache_remember_key(struct cache *cache, struct digest digest, uint64_t clock, uint64_t now_ms);
void cache_remember_pattern(struct cache *cache, const struct pattern *made);
/* Within the bound; and what no load can have begun before, in at most so many steps. */
void cache_forget(struct cache *cache, uint64_t now_ms, uint32_t steps);
/* Whether what a load would store was invalidated after its clock. */
bool cache_is_outdated(const struct cache *cache, const struct cache_fill *fill,
		       struct digest digest);

static inline struct entry *cache_entry(const struct cache *cache, uint32_t id)
{
	return entry_at(&cache->entries, id);
}

/* That which is in force. */
static inline struct policy *cache_policy(struct cache *cache)
{
	return &cache->policies[cache->side];
}

/* That which has the entry. */
static inline struct policy *cache_policy_of(struct cache *cache, uint32_t id)
{
	return &cache->policies[cache_entry(cache, id)->side];
}

#endif
