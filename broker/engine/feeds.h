/* broker/engine/feeds.h: subscriptions, as upstreams see them: asked for on the quietest
 * connection, asked for again when that is lost, moved before it goes, and left when nobody
 * listens. */
#ifndef WSB_BROKER_ENGINE_FEEDS_H
#define WSB_BROKER_ENGINE_FEEDS_H

#include "broker/engine/state.h"

/* Everything that is due: asks, retries, moves, leaves. Call with each tick. */
void feeds_tick(struct engine *engine, uint64_t now_us);
/* The lane's pool is not configured any more: its subscriptions end. */
void feeds_retire(struct engine *engine, const struct lane *lane, uint64_t now_us);
/* Asks for this new one now if it can. */
void feeds_begin(struct engine *engine, struct subscription *subscription, uint64_t now_us);

/* What became of a request of the broker's own. Each ends the exchange, or puts its end off. */
void feeds_answer(struct engine *engine, struct exchange *exchange, const struct message *answer,
		  struct connection *connection, uint64_t upstream_us, uint64_t now_us);
void feeds_attempt_lost(struct engine *engine, struct exchange *exchange, uint64_t now_us);
void feeds_timed_out(struct engine *engine, struct exchange *exchange, uint64_t now_us);

/* The connection has gone, and its requests have been dealt with. */
void feeds_connection_lost(struct engine *engine, struct connection *connection, uint64_t now_us);

/* Begins to move what it is subscribed to elsewhere: make before break. May be called again and
 * again. */
void publish_move_away(struct engine *engine, struct connection *connection, uint64_t now_us);
/* Whether nothing is subscribed to on it any more. */
bool publish_is_clear(const struct connection *connection);

/* A subscription that moves leaves the old way: the new one is the only one from now on. none:
 * provably nothing is missing. */
void feeds_switch(struct engine *engine, struct subscription *subscription, enum gap_reason reason,
		  bool none, uint64_t now_us);

/* The key of a feed's events: of an id's token, or of a request's number (token absent). False: no
 * such value is an id. Valid until the fingerprint is used again. */
bool feeds_key(struct engine *engine, const struct connection *connection, enum encoding encoding,
	       struct span token, uint64_t request, struct span *key);

#endif
