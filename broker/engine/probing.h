/* broker/engine/probing.h: the calls that ask endpoints whether they are well (pools.probe.method).
 * They go out on the connections that carry requests, with ids that no request can have, and their
 * answers belong to nobody's exchange. */
#ifndef WSB_BROKER_ENGINE_PROBING_H
#define WSB_BROKER_ENGINE_PROBING_H

#include "broker/engine/state.h"

/* Whether a new connection has to answer a call before it is ready. */
static inline bool probing_is_wanted(const struct connection *connection)
{
	return probe_is_wanted(&connection->pool->settings->probe);
}

/* The first call on a new connection. */
void probing_first(struct engine *engine, struct connection *connection, uint64_t now_us);

/* Whether this id is that of a call; then its answer has been dealt with. */
bool probing_answered(struct engine *engine, struct connection *connection, uint64_t id,
		      const struct message *answer, uint64_t now_us);

/* Calls that are due, and answers that are late. Every tick. */
void probing_upkeep(struct engine *engine, struct pool *pool, uint64_t now_us);

/* The connection has gone, and the call that was out on it. */
void probing_forget(struct connection *connection, uint64_t now_us);

#endif
