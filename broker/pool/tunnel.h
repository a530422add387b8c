/* broker/pool/tunnel.h: upstream connections that belong to one client each (session listeners):
 * which endpoint each goes to, how many there are, what their failures say of the endpoints.
 *
 * A pool serves tunnels or requests, never both (pool_settings.tunnels). A pool of tunnels holds no
 * idle connection: its `size` is the most tunnels at once, and all that it dials of its own accord
 * is an endpoint that is down, to find out when it is back. */
#ifndef WSB_BROKER_POOL_TUNNEL_H
#define WSB_BROKER_POOL_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/pool/pool.h"

/* So many endpoints are tried for one client. */
#define TUNNEL_TRIES_MAX 8

struct tunnel {
	struct list_node link; /* of pool->tunnels */
	struct pool *pool;
	struct endpoint *endpoint; /* dialled, or carrying it; NULL: neither (yet, or any more) */
	void *client;		   /* the engine's: whose it is */
	uint64_t id;		   /* of its connection: the latest one that was dialled */
	bool open;		   /* the upgrade was granted */
	uint64_t since_us;	   /* of the dial, or of its being open */
	uint64_t open_until_us;	   /* the engine's: it must be open by then */
	size_t tries;
	/* Compared, never followed. */
	const struct endpoint *tried[TUNNEL_TRIES_MAX];
	uint32_t suspects; /* a bit for each of these that was reached and broke the upgrade off */
	uint64_t bytes_up; /* carried to the upstream */
	uint64_t bytes_down;
	uint64_t moved_us;   /* the engine's: when something was last carried */
	uint64_t held_bytes; /* the engine's: on their way in our memory */
};

/* Whether one more may begin. */
static inline bool pool_has_tunnel_room(const struct pool *pool)
{
	return pool->tunnels.count < pool->size;
}

/* A tunnel that goes nowhere yet. WSB_ELIMIT: there are `size` of them; WSB_ENOMEM. */
enum wsb_err pool_tunnel_begin(struct tunnel **out, struct pool *pool, void *client) WSB_CHECKED;

/* Chooses where to dial, by the pool's balancer with tunnels counted instead of requests: an
 * endpoint on trial, if there is one; those that are up and well, lower tiers before higher ones;
 * those that are ejected; then those that are down and whose back-off has passed; none twice.
 * False: there is nobody (more) to try. */
bool pool_tunnel_dial(struct tunnel *tunnel, uint64_t now_us);
/* Whether pool_tunnel_dial would find another one. */
bool pool_tunnel_may_dial(const struct tunnel *tunnel, uint64_t now_us);

/* What became of the dial. failed: reason as of pool_connection_lost; "asked" counts against
 * nobody. declined: the endpoint answered, and would not have it; that is alive. unable: ... since
 * it cannot serve anybody now. An upgrade that is broken off may be the client's fault: it counts
 * against the health of the endpoint once another one has answered the same client. */
void pool_tunnel_opened(struct tunnel *tunnel, uint64_t now_us);
void pool_tunnel_failed(struct tunnel *tunnel, const char *reason, const char *text,
			uint64_t now_us);
void pool_tunnel_declined(struct tunnel *tunnel, bool unable, uint64_t now_us);

/* Frees it, in any state. */
void pool_tunnel_end(struct tunnel *tunnel, uint64_t now_us);

/* A dial of the pool's own has found the endpoint alive, though it wanted no WebSocket of ours;
 * pool_connection_lost follows. */
void pool_trial_answered(struct connection *connection, uint64_t now_us);

/* Whether an endpoint can be expected to let a client in. */
bool endpoint_takes_tunnels(const struct endpoint *endpoint, uint64_t now_us);
size_t pool_tunnel_endpoints(const struct pool *pool, uint64_t now_us); /* how many can */

#endif
