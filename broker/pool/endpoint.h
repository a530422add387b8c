/* broker/pool/endpoint.h: one upstream URL and what is known of it. */
#ifndef WSB_BROKER_POOL_ENDPOINT_H
#define WSB_BROKER_POOL_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/pool/backoff.h"
#include "broker/pool/settings.h"

struct pool;

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
	uint32_t open;	/* connections dialing, warming or ready: what the spread counts */
	uint32_t ready; /* of these, ready */
	uint32_t in_flight;
	uint32_t desired;     /* connections the spread wants now */
	int64_t turn;	      /* current weight of the smooth weighted round robin */
	uint32_t next;	      /* and which of its ready connections is next in turn */
	size_t place;	      /* scratch: where its next connection goes in the pool's array */
	bool down;	      /* the last dial failed and no connection is ready */
	uint64_t since_us;    /* of the last change of down */
	char last_error[128]; /* "" when there was none */
	uint32_t unanswered;  /* attempts in a row, the last ones, that ended without an answer */
	struct endpoint_stats stats;
};

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
