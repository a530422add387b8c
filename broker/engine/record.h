/* broker/engine/record.h: what the engine keeps of the past: events and ended requests. */
#ifndef WSB_BROKER_ENGINE_RECORD_H
#define WSB_BROKER_ENGINE_RECORD_H

#include "broker/engine/settle.h"

/* Makes history, requests and operations, and the watcher that pools are given. */
enum wsb_err record_init(struct engine *engine) WSB_CHECKED;
void record_fini(struct engine *engine);

/* Adds to the history, with the wall's time, the actor on whose word things happen now, unless the
 * event names one, and the reason that was given for it, if one was. */
void record_event(struct engine *engine, const struct history_event *event);

/* A request that reached a pool has ended: with all that is explained of it, whose exchange still
 * has all its parts. */
void record_request(struct engine *engine, const struct explanation *why,
		    enum request_result result, const char *limit, uint64_t now_us);
/* One that the cache has answered at once. */
void record_hit(struct engine *engine, const struct caller *caller, const struct explanation *why,
		enum request_result result);
/* One that was refused before. lane may be NULL. */
void record_refusal(struct engine *engine, const struct caller *caller, const struct lane *lane,
		    enum request_result result, const char *reason, const char *limit);

#endif
