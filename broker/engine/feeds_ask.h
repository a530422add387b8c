/* broker/engine/feeds_ask.h: the broker's own requests to upstreams, for the two files that make
 * them. */
#ifndef WSB_BROKER_ENGINE_FEEDS_ASK_H
#define WSB_BROKER_ENGINE_FEEDS_ASK_H

#include "broker/engine/state.h"

/* Asks on the quietest connection but `left`; NULL: none takes it now. The subscription may have
 * ended instead. */
struct feed *feeds_ask(struct engine *engine, struct subscription *subscription,
		       const struct connection *left, uint64_t now_us);
/* Whoever waits for it has the patience of a request in the queue, from now on. */
void feeds_let_wait(struct subscription *subscription, uint64_t now_us);
/* A request for this feed; where its id stands is yet to be said. NULL: no memory. */
struct exchange *feeds_exchange(struct engine *engine, struct feed *feed, struct span text,
				enum encoding encoding, uint64_t now_us);
/* Sends on a connection that has been leased for it. The feed stands there from now on. False: the
 * lease has been given back. */
bool feeds_send(struct engine *engine, struct exchange *exchange, struct connection *connection,
		uint64_t now_us);
/* Nobody waits for it. */
void feeds_end_exchange(struct engine *engine, struct exchange *exchange, uint64_t now_us);

#endif
