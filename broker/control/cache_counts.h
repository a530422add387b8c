/* broker/control/cache_counts.h: what the cache has done for requests. */
#ifndef WSB_BROKER_CONTROL_CACHE_COUNTS_H
#define WSB_BROKER_CONTROL_CACHE_COUNTS_H

#include <stdint.h>

/* Why an answer was not stored. */
/* clang-format off */
#define NOT_STORED(X)                                                                              \
	X(ERROR, "error")                   /* it is one */                                        \
	X(NULL_RESULT, "null")              /* and the route does not allow_null */                \
	X(TAG_MISSING, "tag_missing")       /* a template found nothing */                         \
	X(TOO_MANY_TAGS, "too_many_tags")                                                          \
	X(TOO_LARGE, "too_large")           /* cache.max_entry */                                  \
	X(INVALIDATED, "invalidated")       /* since the load began */                             \
	X(OUTDATED, "outdated")             /* a load that began later has been stored */          \
	X(RELOADED, "reloaded")             /* its route is not the present configuration's */     \
	X(NO_ROOM, "no_room")
/* clang-format on */

enum not_stored {
#define X(name, text) NOT_STORED_##name,
	NOT_STORED(X)
#undef X
		NOT_STORED_REASONS
};

/* Loads that nobody waits for, by what they are for. */
enum own_load { OWN_LOAD_STALE, OWN_LOAD_AHEAD, OWN_LOAD_PREFETCH, OWN_LOADS };

struct cached_stats {
	uint64_t hits;	      /* answered with a fresh entry */
	uint64_t stale;	      /* answered with a stale one, which is refreshed meanwhile */
	uint64_t stale_error; /* answered with a stale one because the upstream failed */
	uint64_t misses;      /* nothing was there, or nothing that may be served */
	uint64_t joined;      /* of these, those that waited for another's load */
	uint64_t led_anew;    /* and then had to load for themselves */
	uint64_t refreshes;   /* loaded because the request says so */
	uint64_t bypasses;    /* asked to be kept out of it */
	uint64_t uncacheable; /* requests that have no key */
	uint64_t not_cached;  /* refused: only what is cached was wanted */
	uint64_t own_loads[OWN_LOADS];
	uint64_t
		paced; /* entries made stale that were not refreshed at once, because of the pace */
	uint64_t stored;
	uint64_t not_stored[NOT_STORED_REASONS];
	uint64_t leases;	 /* given to applications */
	uint64_t leases_waiting; /* told to come again: another loads */
	uint64_t puts;		 /* stored with a lease */
	uint64_t puts_refused;
};

const char *not_stored_name(enum not_stored reason);

/* Requests that upstreams were spared: those that were answered without one of their own, less the
 * loads that nobody waited for. Below 0 where refreshes and guesses cost more than they save. */
int64_t cached_saved(const struct cached_stats *stats);

#endif
