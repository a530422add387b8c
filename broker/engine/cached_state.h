/* broker/engine/cached_state.h: the cache and what the engine needs beside it. */
#ifndef WSB_BROKER_ENGINE_CACHED_STATE_H
#define WSB_BROKER_ENGINE_CACHED_STATE_H

#include "broker/cache/cache.h"
#include "broker/control/cache_counts.h"
#include "broker/control/config.h"
#include "broker/engine/refresh_pace.h"
#include "broker/exchange/claim.h"
#include "broker/exchange/flight.h"
#include "broker/route/cache_key.h"
#include "broker/route/cache_plan.h"
#include "broker/route/fingerprint.h"
#include "broker/route/tag_template.h"
#include "common/strbuf.h"
#include "common/timerq.h"

struct prefetch;

/* A key whose refresh has come to nothing, by its hash: it is left in peace for a while. */
struct cached_rest {
	uint64_t hash;
	uint64_t until_us;
};
#define CACHED_RESTS 1024

struct cached {
	struct cache *cache;
	struct flights flights;
	uint64_t longest_us; /* so long what was invalidated is remembered: no load may take longer
			      */
	uint64_t stale_us;   /* so long what is stale may be served, at least; 0: not at all */
	struct timerq slow;  /* of flights */
	struct refresh_pace pace;
	struct cached_rest rests[CACHED_RESTS];
	uint64_t suspect_us;	   /* since when events of others may be missing; 0: none are */
	struct claims claims;	   /* of applications that load values themselves */
	struct prefetch *prefetch; /* NULL: nothing is foreseen */
	uint64_t prefetch_bytes;   /* that it may take */
	double guess_tokens;	   /* guesses that the budget allows now */
	uint64_t follow_us;	   /* when the rate of requests was looked at last */
	uint64_t follow_asked;	   /* requests since then */
	uint64_t follow_every;	   /* one of so many clients is learnt from; at least 1 */
	struct fingerprint key;
	struct tag_list tags;
	struct strbuf value;  /* an answer without its id */
	struct strbuf turned; /* the same in the other encoding */
	struct strbuf text;   /* why, in the other encoding */
	struct cached_stats stats;
};

#endif
