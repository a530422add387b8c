/* broker/pool/source.h: which connection's pushes count, so that an event that all connections
 * receive is handled once. */
#ifndef WSB_BROKER_POOL_SOURCE_H
#define WSB_BROKER_POOL_SOURCE_H

#include "broker/pool/pool.h"
#include "common/span.h"

/* Where none counts as the source of pushes, or the one that does has to go, another one is chosen
 * and returned; it has yet to be sent the steps of on_connect that are for a source (a dedicated
 * one has had them). One that has to go hands over, make before break. Call until NULL, with each
 * tick and whenever a connection has ended. */
struct connection *pool_elect_source(struct pool *pool, uint64_t now_us);
/* Whether a push that has come on it, one message, is to be handled. */
bool pool_push_counts(struct connection *connection, struct span text, uint64_t now_us);
/* Whether it has to stay until another has taken over as the source. */
bool pool_source_is_awaited(const struct connection *connection);
/* Whether one of its connections has. */
bool endpoint_hands_over(const struct endpoint *endpoint);

/* It has ended, or been given up, and is heard no more: if it was the source it is so no more. */
void source_ended(struct connection *connection);

#endif
