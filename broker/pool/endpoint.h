/* broker/pool/endpoint.h: one upstream URL and what is known of it. */
#ifndef WSB_BROKER_POOL_ENDPOINT_H
#define WSB_BROKER_POOL_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/pool/backoff.h"
#include "broker/pool/outlier.h"
#include "broker/pool/probe.h"
#include "broker/pool/settings.h"
#include "common/err.h"
#include "common/recent.h"

struct pool;

/* Where it stands, for people. */
enum endpoint_state {
	ENDPOINT_CONNECTING,
	ENDPOINT_ACTIVE,
	ENDPOINT_STANDBY,   /* of a higher tier than the one in use */
	ENDPOINT_DOWN,	    /* the last dial failed and no connection is ready */
	ENDPOINT_EJECTED,   /* its attempts fail: out for a while */
	ENDPOINT_TRIAL,	    /* was ejected; a few requests try it */
	ENDPOINT_UNHEALTHY, /* its probes fail */
	ENDPOINT_DRAINING,  /* what is in flight ends, or connections are still open */
	ENDPOINT_DRAINED,
	ENDPOINT_MAINT,
	ENDPOINT_STATES,
};
const char *endpoint_state_name(enum endpoint_state state);

/* Counted since the start. */
struct endpoint_stats {
	uint64_t dials;
	uint64_t dial_failures;
	uint64_t connections_lost;	   /* ready ones that ended without our asking */
	uint64_t requests;		   /* attempts: leases given out */
	uint64_t failures;		   /* attempts that ended without an answer */
	uint64_t by_kind[FAILURE_KINDS];   /* what went wrong, ends of connections included */
	uint64_t ejections[FAILURE_KINDS]; /* by what went wrong last */
};

/* A share is 1024 less the handicap: 0 is a full share. */
#define HANDICAP_UNIT 1024
/* What is left to one that seems sick, as long as others have room: one in 64, so that it can show
 * that it is well. */
#define HANDICAP_SICK (HANDICAP_UNIT - HANDICAP_UNIT / 64)

struct endpoint {
	struct pool *pool;
	const struct endpoint_settings *settings; /* its own copy */
	size_t index;				  /* in pool->endpoints */
	uint32_t weight;			  /* begins as that of the settings */
	struct backoff backoff;
	enum endpoint_wish wish;
	enum endpoint_state state; /* as it was told last */
	const char *cause;	   /* why it changed last, a stable word */
	char alias[80];		   /* its name once another endpoint goes by the first one */
	char words[128];	   /* of the operator who wished it; "" when there were none */
	char finding[128];	   /* what made it leave or join balancing; "" when nothing did */
	uint32_t connections;	   /* in any state, closed ones that are not reaped included */
	uint32_t open;	/* connections dialing, warming or ready and not given up: what the spread
			   counts */
	uint32_t ready; /* of these, ready */
	uint32_t in_flight;
	uint32_t tunnels;     /* of one client each, under way or open */
	int64_t tunnel_turn;  /* and their smooth weighted round robin */
	double connect_us;    /* peak-sensitive average of the time to open one; 0: none yet */
	uint32_t desired;     /* connections the spread wants now */
	uint32_t extra;	      /* wanted beyond desired, to replace one */
	int64_t turn;	      /* current weight of the smooth weighted round robin */
	uint32_t next;	      /* and which of its ready connections is next in turn */
	size_t place;	      /* scratch: where its next connection goes in the pool's array */
	bool down;	      /* the last dial failed and no connection is ready */
	uint64_t since_us;    /* of its state */
	char last_error[128]; /* "" when there was none */
	uint32_t unanswered;  /* attempts in a row, the last ones, that ended without an answer */
	/* The engine's: of one that stands for the addresses of a name, and of such an address. */
	uint64_t look_up;    /* number of the one under way; 0: none is */
	uint64_t look_up_us; /* when that began, else when the next is due; 0: there was none yet */
	bool leaving;	     /* the name has this address no more */
	uint64_t leaving_us; /* since when */
	char **refused;	     /* addresses that an operator removed, whatever the name has */
	size_t refused_count;
	/* Health. */
	uint32_t handicap; /* of HANDICAP_UNIT: what is missing from its full share */
	uint32_t asked;	   /* attempts given to it since its last answer */
	uint64_t asked_us; /* when the first of them was */
	bool silent;	   /* asked, and silent for so long that it may be a black hole */
	bool held;	   /* should be ejected, and max_ejected forbids it */
	bool unwell;	   /* the next answer changes something of what follows */
	uint64_t ramp_us;  /* slow start: when it came back; 0: it is not coming up */
	uint64_t blow_us;  /* when the end of a connection last counted as a failure */
	bool has_source;   /* scratch: the pushes of one of its connections count */
	bool deaf;	   /* pushes of its own have been missed since its source was lost */
	struct outlier outlier;
	struct probe probe;
	struct recent answers; /* how long they took lately */
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

/* What an operator has said of the addresses that the endpoint stands for. WSB_ENOMEM. */
enum wsb_err endpoint_refuse(struct endpoint *endpoint, const char *address) WSB_CHECKED;
bool endpoint_refuses(const struct endpoint *endpoint, const char *address);
/* False: it was not refused. */
bool endpoint_admit(struct endpoint *endpoint, const char *address);
void endpoint_admit_all(struct endpoint *endpoint);

#endif
