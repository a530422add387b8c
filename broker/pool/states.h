/* broker/pool/states.h: the life of a connection, for the pool's own files. */
#ifndef WSB_BROKER_POOL_STATES_H
#define WSB_BROKER_POOL_STATES_H

#include <stdint.h>
#include "broker/pool/pool.h"

/* A new connection in state dialing, counted with its endpoint and pool. NULL: out of memory. */
struct connection *connection_begin(struct endpoint *endpoint, bool dedicated, uint64_t now_us);

/* The only way from one state to the next: asserts that the step is allowed, moves the connection
 * to the list of its new state, keeps the counts of endpoint and pool, and reports the step. The
 * caller then calls pool_upkeep. */
void connection_enter(struct connection *connection, enum connection_state to, const char *reason,
		      const char *text, uint64_t now_us);

/* For dials that are no connection of the pool (see tunnel.h): one failed, for a reason as of
 * pool_connection_lost; or the endpoint is there. */
void endpoint_dial_failed(struct endpoint *endpoint, const char *reason, const char *text,
			  uint64_t now_us);
void endpoint_proved(struct endpoint *endpoint, const char *reason, uint64_t now_us);

/* Takes it off its list and frees it. It must have lost its transport. */
void connection_free(struct connection *connection);

/* Ends the back-off of the endpoint once the connection has been ready long enough to be believed.
 * Returns whether it is proven. */
bool connection_prove(struct connection *connection, uint64_t now_us);

#endif
