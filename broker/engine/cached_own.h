/* broker/engine/cached_own.h: loads that nobody waits for: what is stale, or about to be. */
#ifndef WSB_BROKER_ENGINE_CACHED_OWN_H
#define WSB_BROKER_ENGINE_CACHED_OWN_H

#include "broker/engine/cached.h"

/* What `explain` tells, where it is also asked for. */
extern const char CACHED_REFRESHED[];
extern const char CACHED_JOINED[];

/* Looks whether the bus is suspect, and since when. */
void cached_watch_bus(struct engine *engine, uint64_t now_us);

/* Whether the entry may be served as what it is: always, but for the time that the bus is suspect.
 * Then it has not been known to be true since that began, or since it was loaded. */
static inline bool cached_trusts(struct engine *engine, enum cache_trust trust,
				 const struct cache_hit *hit, uint64_t now_us)
{
	const struct cached *cached = &engine->cached;
	uint64_t unknown_us;

	/* A request may be the first thing that is read after a standstill. */
	if (engine->bus)
		cached_watch_bus(engine, now_us);
	if (cached->suspect_us == 0 || trust == TRUST_TTL)
		return true;
	unknown_us = now_us - cached->suspect_us;
	if (hit->age_us < unknown_us)
		unknown_us = hit->age_us;
	return trust == TRUST_BRIEFLY && unknown_us <= TRUST_BRIEFLY_US;
}

/* Whether somebody has begun already what would do for this key. */
bool cached_is_loading(const struct engine *engine, struct span key);
/* Repeats this request for nobody, if there is a free place for it now. */
bool cached_own_load(struct engine *engine, const struct route_settings *route,
		     struct message *message, struct span key, enum flight_purpose purpose,
		     uint64_t now_us);

/* A load of the broker's own ends and has stored nothing: the next one of this key has to wait, or
 * an upstream that fails fast would be asked again with each request. */
void cached_let_rest(struct engine *engine, const struct flight *flight);

/* The entry has been served to this request: it is loaded again if it is stale, or old for one that
 * is asked for again and again. */
void cached_renew(struct engine *engine, struct message *message,
		  const struct route_settings *route, const struct cached_look *look,
		  const struct cache_hit *hit, uint64_t now_us);

#endif
