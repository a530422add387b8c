/* broker/engine/affinity.h: clients that stay on one connection of a pool (pools.affinity).
 *
 * A client takes its seat with its first request and keeps it until it leaves or the connection no
 * longer carries requests. All it sends goes there, in order; when there is no room it waits there,
 * while others go on. When a seat is lost, what had not been written moves to the next one, in
 * order; when the connection is only being drained, the client moves once its requests there have
 * ended. */
#ifndef WSB_BROKER_ENGINE_AFFINITY_H
#define WSB_BROKER_ENGINE_AFFINITY_H

#include "broker/engine/client.h"

static inline bool affinity_rules(const struct lane *lane)
{
	return lane->pool->settings->affinity == AFFINITY_CLIENT;
}

/* A place on the connection of the exchange's client, which gets a seat if it has none.
 * LEASE_ALL_FULL: it has to wait, be it for a moment. */
enum lease_verdict affinity_lease(struct engine *engine, struct lane *lane,
				  struct exchange *exchange, uint64_t now_us,
				  struct connection **out);
/* Whether nobody who waits would have to go before a new message of this client. */
bool affinity_is_next(struct lane *lane, const struct exchange *exchange);

/* An attempt of the client of this exchange has been put on its connection; or has left it. */
void affinity_sent(const struct exchange *exchange, const struct connection *connection);
void affinity_ended(const struct exchange *exchange, const struct connection *connection);

/* Ends the leases of notifications that have begun to leave: until then they may have to move. */
void affinity_sweep(struct engine *engine, struct connection *connection, uint64_t now_us);
/* Before those who wait are served: whoever may leave a connection that is drained does. */
void affinity_let_go(struct engine *engine, struct lane *lane, uint64_t now_us);

/* The connection has gone: its clients have no seat any more. */
void affinity_lose(struct lane *lane, struct connection *connection);
/* The client has gone. */
void affinity_forget_client(struct session *session);

#endif
