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

/* Whom the balancer chooses from: all ready connections of all endpoints in use, those of one
 * endpoint side by side. */
struct balancer_set {
	struct connection *const *ready;
	size_t count;
	bool uneven; /* some of them may have a handicap */
};

/* What is passed over: these connections, and where endpoints is not NULL also those of these
 * endpoints. Compared, never followed. */
struct balancer_avoid {
	const struct connection *const *connections;
	const struct endpoint *const *endpoints;
	size_t count; /* of each */
};

/* Picks among those that are not full, see connection_is_full, and not to be avoided (NULL: none
 * is). rotor is the caller's running number that breaks ties in turn. Returns NULL when none
 * qualifies. Counts are of messages, so load levels out at once when the set changes; only who has
 * a handicap gets less than its share by that much, unless nobody else has room.
 * round-robin: smooth weighted over endpoints, in turn within one.
 * least-connections: fewest in flight; weights already shape how many connections an endpoint has.
 * random: endpoint by weight, any connection of it.
 * peak-ewma: lowest cost; a connection without history is tried first while it is idle, and costs
 * more than any other once it has requests in flight. */
struct connection *balancer_pick(enum balancer_kind kind, const struct balancer_set *set,
				 const struct balancer_avoid *avoid, struct rng *rng,
				 uint64_t *rotor, uint64_t now_us);

/* Whether it has room and is not among those to be avoided (NULL: none is). */
bool balancer_may_pick(const struct connection *connection, const struct balancer_avoid *avoid);

/* The same for a client that will stay on its connection: the clients that do so already are
 * counted instead of requests in flight, and always over all connections. */
struct connection *balancer_pick_for_client(enum balancer_kind kind, const struct balancer_set *set,
					    struct rng *rng, uint64_t *rotor, uint64_t now_us);

/* At max_in_flight, notifications included that may not have been read yet, or its peer does not
 * read: more than CONNECTION_STALL_BYTES wait in its outbox.
 */
#define CONNECTION_STALL_BYTES (1U << 20)
bool connection_is_full(const struct connection *connection);

/* Feeds one answer time into the connection's average. */
void balancer_observe(struct connection *connection, uint64_t latency_us, uint64_t now_us);

#endif
