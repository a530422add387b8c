/* broker/engine/dispatch.h: a request on its way to a connection, or into the queue. */
#ifndef WSB_BROKER_ENGINE_DISPATCH_H
#define WSB_BROKER_ENGINE_DISPATCH_H

#include "broker/engine/state.h"

/* To a connection, or into the queue, or settled with an error. `again`: it had been sent before
 * and goes ahead of its client's others. */
void dispatch_exchange(struct engine *engine, struct exchange *exchange, bool again,
		       uint64_t now_us);
/* Sends on this leased connection. False: it could not be, the lease has been returned and the
 * exchange settled. */
bool dispatch_send(struct engine *engine, struct exchange *exchange, struct connection *connection,
		   uint64_t now_us);
/* A place for this request: where it was not yet, else on another connection of an endpoint where
 * it was, and where no attempt is out any more even on one that had it. */
enum lease_verdict dispatch_lease(struct engine *engine, struct exchange *exchange, uint64_t now_us,
				  struct connection **out);
/* A place on an endpoint where it was not yet. */
enum lease_verdict dispatch_lease_elsewhere(struct exchange *exchange, uint64_t now_us,
					    struct connection **out);
/* How long an attempt of this request may take before it gets a second one. */
uint64_t dispatch_attempt_us(const struct exchange *exchange);
/* Arms the timer for when to look at this request again: at its deadline, or earlier for one more
 * attempt. */
void dispatch_watch(struct engine *engine, struct exchange *exchange);
/* One that is queued waits no longer, and how long it did is counted; who calls takes it out. */
void dispatch_waited(struct exchange *exchange, uint64_t now_us);
/* Serves who waits for as long as there is room. */
void dispatch_pump(struct engine *engine, struct lane *lane, uint64_t now_us);

#endif
