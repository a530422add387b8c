/* broker/cache/cache.h: cached answers, and what makes them untrue.
 *
 * Pure: no socket, no clock of its own (now_us is monotonic), no JSON. There is one way in
 * (cache_store), and it refuses what was invalidated after its load began; whatever was invalidated
 * hard is unreachable from the same call on, however much of it is still in memory. All that is
 * allocated counts against settings.memory_bytes, which is never passed. No call takes much longer
 * because there is much in it. */
#ifndef WSB_BROKER_CACHE_CACHE_H
#define WSB_BROKER_CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/cache/settings.h"
#include "common/err.h"
#include "common/span.h"
#include "proto/codec.h"
#include "proto/invalidation.h"

struct cache;

/* Longest tag and longest name of an application's own entry, in bytes. */
#define CACHE_TAG_BYTES	 256
#define CACHE_NAME_BYTES 256

/* A key that begins with this is an application's own, and the text behind it is its name. No key
 * of a request begins so. */
#define CACHE_KEY_TEXT '@'

/* seed makes what strangers could foresee unforeseeable: places in tables, jitter.
 * WSB_EINVAL: less than 1 MiB of memory, more than half of it set aside, or no tags; WSB_ENOMEM. */
enum wsb_err cache_create(struct cache **out, const struct cache_settings *settings,
			  uint64_t seed) WSB_CHECKED;
void cache_destroy(struct cache *cache); /* NULL is allowed */

/* Takes new settings while it runs. With a smaller memory entries leave from one tick to the next
 * until it fits, another policy takes over what there is in the same way. WSB_EINVAL as above,
 * WSB_ENOMEM (of more memory, or another policy): then the old ones stay in force. */
enum wsb_err cache_configure(struct cache *cache,
			     const struct cache_settings *settings) WSB_CHECKED;

/* How long a load may run: what was invalidated is remembered for as long. Default: 60 s. */
void cache_set_longest_load(struct cache *cache, uint64_t us);
/* Spread of every ttl, as a share of it; default 0.05. */
void cache_set_jitter(struct cache *cache, double share);

/* The local invalidation clock: one more for each invalidation applied. A load notes it when it
 * BEGINS, before anything is asked of anybody. */
uint64_t cache_clock(const struct cache *cache);

enum cache_state {
	CACHE_ABSENT,
	CACHE_FRESH,
	CACHE_STALE, /* may be served while a refresh runs */
	CACHE_GRACE, /* may be served only where the upstream fails */
};

struct cache_value {
	struct span bytes; /* an answer without its id */
	enum encoding encoding;
	uint32_t id_at; /* where in bytes an id belongs; UINT32_MAX: nowhere */
};

struct cache_hit {
	enum cache_state state;
	/* Of anything but a fresh entry, a stable word: absent, evicted, expired, invalidated,
	 * flushed; of a missing one as far as is remembered. "fresh" otherwise. */
	const char *reason;
	/* All below is only of entries that are not absent; value is valid until the next call of
	 * the cache that is not const. */
	struct cache_value value;
	uint64_t age_us;
	uint64_t ttl_us; /* with its jitter; cut short where the entry was invalidated soft */
	uint32_t hits;	 /* looks with touch since it was stored, this one included; up to 16383 */
	bool soft;	 /* was invalidated soft */
	bool prefetched; /* this look with touch is the first use of what was prefetched */
};

/* key is canonical (route/cache_key.h). The value is in the encoding that is wanted where it is
 * kept in that, else in that of the fill. With touch it counts as a use. */
void cache_look(struct cache *cache, struct span key, enum encoding wanted, bool touch,
		uint64_t now_us, struct cache_hit *out);

/* value is what a look has just found, in the encoding that it was not kept in: from now on it is
 * kept in both, where there is room for that. They are one entry. */
void cache_keep_other(struct cache *cache, struct span key, const struct cache_value *value,
		      uint64_t now_us);

#define CACHE_FRAME_BYTES 1024

struct cache_fill {
	struct span key;
	struct span method;	 /* a tag of its own; empty: none */
	const struct span *tags; /* plain texts; the same one twice counts once */
	size_t tag_count;
	struct cache_value value;
	size_t frame_bytes; /* of the value, that stand around the result: max_entry is not about
			     * them, up to CACHE_FRAME_BYTES */
	uint64_t clock;	    /* cache_clock() when the load began */
	uint64_t ttl_us;    /* 0: it is never fresh */
	uint64_t stale_while_revalidate_us; /* both counted from the end of the ttl */
	uint64_t stale_if_error_us;
	uint64_t cost_us; /* what the load took */
	uint8_t weight;	  /* the priority: 1, 2, 4 or 8 */
	bool prefetched;
};

enum cache_verdict {
	CACHE_STORED,
	CACHE_INVALIDATED_SINCE,
	CACHE_TOO_LARGE, /* more than max_entry, or with s3-fifo than a tenth of the memory */
	CACHE_TOO_MANY_TAGS,
	CACHE_TAG_TOO_LONG,
	CACHE_NO_ROOM, /* not even an empty cache would hold it; or too many had to leave for it at
			  once, then there is room in a while; or too many keys share its hash */
};
#define CACHE_VERDICTS 6
const char *cache_verdict_text(enum cache_verdict verdict); /* stored, invalidated_since, … */

/* THE ONLY WAY IN. Refused when the key, one of the tags, the method or everything was invalidated,
 * hard or soft, after fill->clock. Takes the place of what the key had. */
enum cache_verdict cache_store(struct cache *cache, const struct cache_fill *fill, uint64_t now_us);

/* Applies it, clock + 1. Returns how many entries it hit: such as could be served before, fresh or
 * stale, each counted once. Exact up to CACHE_WALK entries a turn (from one upkeep to the next);
 * beyond, those that carry the tag or method and have not been hit through it before, so that one
 * which carries several counts several times. */
size_t cache_invalidate(struct cache *cache, const struct invalidation *what, uint64_t now_us);
#define CACHE_WALK 4096

/* A slice of housekeeping: what has expired or was invalidated is freed, what need not be
 * remembered is forgotten. Call with each tick; each slice is short. */
void cache_upkeep(struct cache *cache, uint64_t now_us);

/* The name that invalidations and lists know an entry by: the text of an application's own key,
 * borrowed from it, else the XXH3-128 of the key in 32 hex digits, written into buf. */
#define CACHE_DIGEST_TEXT 32
struct span cache_name(struct span key, char buf[CACHE_DIGEST_TEXT]);

struct cache_listed {
	struct span name;
	struct span method;
	const struct span *tags;
	size_t tag_count;
	size_t bytes;	    /* of the payload, as it is kept */
	size_t plain_bytes; /* of the payload, as it is served */
	uint64_t age_us;
	uint64_t ttl_us;
	uint32_t hits;
	enum cache_state state;
	bool soft;
};
/* Visits the entries that can be served, in no order. cursor is 0 at first, then what the call
 * before returned; 0 comes back at the end. visit returns false to stop behind that entry. At most
 * CACHE_WALK places are looked at in one call. Entries that are stored between two calls may be
 * passed over; none is visited twice, unless it was stored anew. */
uint64_t cache_each(struct cache *cache, uint64_t cursor, uint64_t now_us,
		    bool (*visit)(void *context, const struct cache_listed *entry), void *context);

/* The same of those alone that are known by this name: one, or two where an application's key reads
 * like the name of a request's. However many there are, it costs no more than a look. */
void cache_each_named(struct cache *cache, struct span name, uint64_t now_us,
		      bool (*visit)(void *context, const struct cache_listed *entry),
		      void *context);

struct cache_stats {
	uint64_t entries; /* that are not known to be dead */
	uint64_t memory_bytes;
	uint64_t bytes; /* all that is allocated here; what is set aside is not in it */
	uint64_t payload_bytes;
	uint64_t payload_plain_bytes; /* what the payload would be without compression */
	uint64_t key_bytes;
	uint64_t tag_bytes;	 /* tags, and the links between them and entries */
	uint64_t overhead_bytes; /* bytes without payload, keys and tags */
	uint64_t compressed;	 /* entries */
	uint64_t tags;
	uint64_t remembered; /* keys, tags and patterns that are kept for loads under way */
	uint64_t clock;
	/* Since it was created: */
	uint64_t fresh, stale, grace, misses; /* looks with touch */
	uint64_t verdicts[CACHE_VERDICTS];    /* of cache_store */
	uint64_t evictions;
	uint64_t expirations;
	uint64_t invalidations; /* calls */
	uint64_t invalidated;	/* entries hit */
};
void cache_read_stats(const struct cache *cache, struct cache_stats *out);

#endif
