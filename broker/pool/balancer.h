/* broker/pool/balancer.h: picks the connection that carries the next message.
 * Pure; allocates nothing. */
#ifndef WSB_BROKER_POOL_BALANCER_H
#define WSB_BROKER_POOL_BALANCER_H

#include <stddef.h>
#include <stdint.h>
#include "broker/pool/connection.h"
#include "common/rng.h"

/* Above this many candidates least-connections and peak-ewma look at two random ones
 * (M. Mitzenmacher, "The Power of Two Choices", 2001) instead of at all. */
#define BALANCER_SCAN_MAX 16

/* peak-ewma: cost = ewma x (in flight + 1); a sample above the average replaces it, one below
 * decays into it over this time (the rule of Finagle's balancer). */
#define BALANCER_EWMA_TAU_US UINT64_C(10000000)

const char *balancer_name(enum balancer_kind kind);
/* False: there is none of this name, *out is untouched. NULL is no name. */
bool balancer_kind_named(const char *name, enum balancer_kind *out);

/* Picks among ready[0..count): connections that are not full, see connection_is_full, and not in
 * avoid[0..avoid_count). The connections of one endpoint stand side by side, all endpoint->ready of
 * them. rotor is the caller's running number that breaks ties in turn. Returns NULL when none
 * qualifies. Counts are of messages, so load levels out at once when the set changes.
 * round-robin: smooth weighted over endpoints, in turn within one.
 * least-connections: fewest in flight; weights already shape how many connections an endpoint has.
 * random: endpoint by weight, any connection of it.
 * peak-ewma: lowest cost; a connection without history is tried first while it is idle, and costs
 * more than any other once it has requests in flight. */
struct connection *balancer_pick(enum balancer_kind kind, struct connection *const *ready,
				 size_t count, const struct connection *const *avoid,
				 size_t avoid_count, struct rng *rng, uint64_t *rotor,
				 uint64_t now_us);

/* The same for a client that will stay on its connection: the clients that do so already are
 * counted instead of requests in flight, and always over all connections. */
struct connection *balancer_pick_for_client(enum balancer_kind kind,
					    struct connection *const *ready, size_t count,
					    struct rng *rng, uint64_t *rotor, uint64_t now_us);

/* At max_in_flight, notifications included that may not have been read yet, or its peer does not
 * read: more than CONNECTION_STALL_BYTES wait in its outbox.
 */
#define CONNECTION_STALL_BYTES (1U << 20)
bool connection_is_full(const struct connection *connection);

/* Feeds one answer time into the connection's average. */
void balancer_observe(struct connection *connection, uint64_t latency_us, uint64_t now_us);

#endif
