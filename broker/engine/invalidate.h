/* broker/engine/invalidate.h: the one door for invalidations. Whatever causes one, it is applied to
 * the cache of this broker at once, becomes an event, goes into the log, and is told to all who
 * follow. */
#ifndef WSB_BROKER_ENGINE_INVALIDATE_H
#define WSB_BROKER_ENGINE_INVALIDATE_H

#include "broker/engine/state.h"
#include "proto/event.h"

enum wsb_err invalidate_init(struct engine *engine) WSB_CHECKED;
void invalidate_fini(struct engine *engine);
/* What was held back for its merge is told when its time has come. */
void invalidate_tick(struct engine *engine, uint64_t now_us);
/* All of it is told now: the broker is going to stop. */
void invalidate_hurry(struct engine *engine);

/* This broker causes it. Returns how many entries of its cache were hit; when it returns nothing
 * older is served here. engine->invalidations.latest is its place in the log, where it is known. */
size_t invalidate(struct engine *engine, const struct invalidation *what, enum event_cause cause,
		  uint64_t now_us);
/* The same; but equal ones within merge_us (0: none) of the first become one event, which is told
 * at the end of that time. Each of them is applied here at once. */
size_t invalidate_merged(struct engine *engine, const struct invalidation *what,
			 enum event_cause cause, uint64_t merge_us, uint64_t now_us);

/* An event of the log, in its order: applied unless it is this broker's own, kept and told. What is
 * a duplicate or of a later version is passed over and counted. */
void invalidate_arrived(struct engine *engine, const struct event *event, uint64_t now_us);
/* One that was logged before this broker came, the latest first: kept for those who ask for it,
 * never applied. False: no more of them can be kept. */
bool invalidate_past(struct engine *engine, const struct event *event);
/* Said by a script to whoever hears it: applied, and neither logged nor told. */
void invalidate_heard(struct engine *engine, const struct invalidation *what, uint64_t now_us);
/* The log of the bus is found for the first time; it goes on behind `at`. */
void invalidate_joined(struct engine *engine, struct position at, uint64_t now_us);
/* Events may be missing (why is a stable word): what is cached becomes stale, all who follow are
 * told, and the log goes on behind `at`. */
void invalidate_resync(struct engine *engine, const char *why, struct position at, uint64_t now_us);

/* Appends a resync for one follower that may have missed something. Its position is the end of the
 * log: what comes after it is whole again. WSB_ENOMEM. */
enum wsb_err invalidate_missed(struct engine *engine, enum encoding encoding,
			       struct strbuf *out) WSB_CHECKED;

#endif
