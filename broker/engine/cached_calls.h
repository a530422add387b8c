/* broker/engine/cached_calls.h: `wsbroker.cache.get` and `wsbroker.cache.put`, for applications
 * that load values themselves. */
#ifndef WSB_BROKER_ENGINE_CACHED_CALLS_H
#define WSB_BROKER_ENGINE_CACHED_CALLS_H

#include "broker/engine/settle.h"

/* {key}: the value; or {lease}, with which whoever asks may put it; or {lease: null, retry_ms},
 * when another is at it, or the client may not put. */
void cached_call_get(struct engine *engine, const struct caller *caller,
		     const struct message *message, uint64_t now_us);
/* {key, lease, value, ttl?, tags?}: {stored: true}, or {stored: false, reason}. */
void cached_call_put(struct engine *engine, const struct caller *caller,
		     const struct message *message, uint64_t now_us);

#endif
