/* broker/pool/endpoint.h: one upstream URL and what is known of it. */
#ifndef WSB_BROKER_POOL_ENDPOINT_H
#define WSB_BROKER_POOL_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/pool/backoff.h"
#include "broker/pool/settings.h"

struct pool;

/* What the operator wants of an endpoint. */
enum endpoint_wish {
	WISH_SERVE,
	WISH_DRAIN,  /* gets no new request; its connections stay and are probed */
	WISH_MAINT,  /* drained, then closed and not dialled */
	WISH_REMOVE, /* the same, then forgotten */
};

/* Where it stands, for people. */
enum endpoint_state {
	ENDPOINT_CONNECTING,
	ENDPOINT_ACTIVE,
	ENDPOINT_STANDBY,  /* of a higher tier than the one in use */
	ENDPOINT_DOWN,	   /* the last dial failed and no connection is ready */
	ENDPOINT_DRAINING, /* what is in flight ends, or connections are still open */
	ENDPOINT_DRAINED,
	ENDPOINT_MAINT,
	ENDPOINT_STATES,
};
const char *endpoint_state_name(enum endpoint_state state);

/* Counted since the start. */
struct endpoint_stats {
	uint64_t dials;
	uint64_t dial_failures;
	uint64_t connections_lost; /* ready ones that ended without our asking */
	uint64_t requests;	   /* attempts: leases given out */
	uint64_t failures;	   /* attempts that ended without an answer */
};

struct endpoint {
	struct pool *pool;
	const struct endpoint_settings *settings; /* its own copy */
	size_t index;				  /* in pool->endpoints */
	uint32_t weight;			  /* begins as that of the settings */
	struct backoff backoff;
	enum endpoint_wish wish;
	enum endpoint_state state; /* as it was told last */
	const char *cause;	   /* why it changed last, a stable word */
	char words[128];	   /* of the operator who wished it; "" when there were none */
	uint32_t connections;	   /* in any state, closed ones that are not reaped included */
	uint32_t open;	/* connections dialing, warming or ready and not given up: what the spread
			   counts */
	uint32_t ready; /* of these, ready */
	uint32_t in_flight;
	uint32_t tunnels;     /* of one client each, under way or open */
	int64_t tunnel_turn;  /* and their smooth weighted round robin */
	double connect_us;    /* peak-sensitive average of the time to open one; 0: none yet */
	uint32_t desired;     /* connections the spread wants now */
	int64_t turn;	      /* current weight of the smooth weighted round robin */
	uint32_t next;	      /* and which of its ready connections is next in turn */
	size_t place;	      /* scratch: where its next connection goes in the pool's array */
	bool down;	      /* the last dial failed and no connection is ready */
	uint64_t since_us;    /* of its state */
	char last_error[128]; /* "" when there was none */
	uint32_t unanswered;  /* attempts in a row, the last ones, that ended without an answer */
	struct endpoint_stats stats;
};

static inline bool endpoint_serves(const struct endpoint *endpoint)
{
	return endpoint->wish == WISH_SERVE;
}

/* Nothing of it is open or under way. */
static inline bool endpoint_is_empty(const struct endpoint *endpoint)
{
	return endpoint->connections == 0 && endpoint->tunnels == 0;
}

/* Whether it could take a request now, or, in a pool of tunnels, be dialled with hope. */
bool endpoint_is_up(const struct endpoint *endpoint);

/* A copy of settings goes with it. NULL: no memory. */
struct endpoint *endpoint_create(struct pool *pool, const struct endpoint_settings *settings,
				 uint64_t now_us);
void endpoint_destroy(struct endpoint *endpoint); /* NULL is allowed */

/* The engine says so of each attempt: an answer came in time, or none did. */
static inline void endpoint_answered(struct endpoint *endpoint)
{
	endpoint->unanswered = 0;
}

static inline void endpoint_failed(struct endpoint *endpoint)
{
	endpoint->stats.failures++;
	if (endpoint->unanswered < UINT32_MAX)
		endpoint->unanswered++;
}

#endif
