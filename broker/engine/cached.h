/* broker/engine/cached.h: requests and answers of routes with `cache`, on their way by the cache.
 *
 * A request is looked up before it becomes an exchange: a hit is answered at once. A miss is a
 * load: its exchange leads a flight (see exchange/flight.h), or joins the one that is under way.
 * What a load brings is stored, unless something made it untrue since the load began. */
#ifndef WSB_BROKER_ENGINE_CACHED_H
#define WSB_BROKER_ENGINE_CACHED_H

#include "broker/engine/settle.h"

enum wsb_err cached_init(struct engine *engine) WSB_CHECKED;
void cached_fini(struct engine *engine);

/* Another configuration is in force: the cache takes its settings. */
void cached_configure(struct engine *engine);
/* Drops what was cached by rules that were in force before and are not now. */
void cached_review(struct engine *engine, const struct config *before, uint64_t now_us);

/* What the look-up says of a request that goes on to a pool. */
struct cached_look {
	const struct cache_plan *plan;
	struct span key;  /* valid until the next look-up */
	bool load;	  /* its answer is to be stored */
	bool anew;	  /* and it joins nobody */
	const char *word; /* for `explain`; see struct exchange */
	const char *reason;
};

/* Looks a request up whose route has `cache`. True: it has been answered. */
bool cached_answers(struct engine *engine, const struct caller *caller, struct message *message,
		    const struct route_settings *route, const struct request_options *options,
		    struct cached_look *look, uint64_t now_us);
/* Sends the request, or lets it wait for an equal one. */
void cached_load(struct engine *engine, struct exchange *exchange, const struct cached_look *look,
		 uint64_t now_us);

/* What becomes of a load. The exchange has a flight. */

/* It is being sent. */
void cached_sent(struct engine *engine, struct exchange *exchange, uint64_t now_us);
/* It has been answered: stored, and passed on to all who wait for it. False: the exchange itself is
 * still to be answered. */
bool cached_brought(struct engine *engine, struct exchange *exchange, const struct message *answer,
		    struct connection *connection, uint64_t upstream_us, uint64_t now_us);
/* It would end with this error. True: it has been answered with a stale entry instead, and so have
 * those who wait for it. */
bool cached_rescue(struct engine *engine, struct exchange *exchange, enum request_result result,
		   uint64_t now_us);
/* It ends, whatever has become of it. */
void cached_leave(struct engine *engine, struct exchange *exchange);

/* Loads that nobody leads any more are led anew. Call at the end of each event. */
void cached_lead(struct engine *engine, uint64_t now_us);
/* Slow loads, pace, upkeep. Call with each tick. */
void cached_tick(struct engine *engine, uint64_t now_us);

#endif
