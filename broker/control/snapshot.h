/* broker/control/snapshot.h: one instance's picture at one moment, as plain data for admin. */
#ifndef WSB_BROKER_CONTROL_SNAPSHOT_H
#define WSB_BROKER_CONTROL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/control/bus_view.h"
#include "broker/control/cache_view.h"
#include "broker/control/config_stats.h"
#include "broker/control/kinds.h"
#include "broker/control/endpoint_view.h"
#include "common/err.h"
#include "common/histogram.h"
#include "common/recent.h"
#include "proto/event.h"

/* Counters of everything that is not a pool's. */
struct engine_stats {
	uint64_t clients_total;
	uint64_t results[RESULT_COUNT]; /* of requests that reached no pool */
	uint64_t refusals[REFUSAL_KINDS];
	uint64_t oddities[ODDITIES];
	uint64_t closes[SIDES][CLOSE_CLASSES];
	uint64_t messages_in[SIDES];
	uint64_t messages_out[SIDES];
	uint64_t bytes_in[SIDES];
	uint64_t bytes_out[SIDES];
	uint64_t notifications;
	uint64_t batches;
	uint64_t invalidations[CAUSE_COUNT];
	uint64_t invalidations_broad[CAUSE_COUNT]; /* of these, for messages that named too much */
	uint64_t event_flaws[EVENT_FLAWS];
	uint64_t loop_lag_us; /* of the latest tick: how late it came */
};

/* Counters of one pool. duration: accepted to answered; attempt: sent to answered; queue_wait: of
 * those that waited. */
struct traffic_stats {
	uint64_t results[RESULT_COUNT];
	uint64_t attempts;
	uint64_t retries_unsent;      /* moved before they were written */
	uint64_t retries_written;     /* sent again after they were written */
	uint64_t second_attempts;     /* after attempt_timeout */
	uint64_t retries_refused;     /* after an error that ejection.errors lists */
	uint64_t retries_over_budget; /* refused by the budget */
	uint64_t hedges_won;	      /* second attempts of `hedge` that were answered first */
	uint64_t hedges_lost;	      /* ... and that were not */
	uint64_t seats_taken;	      /* clients that came to stay on a connection */
	uint64_t seats_moved;	      /* and that had to go to another one */
	uint64_t gaps[GAP_REASONS];   /* notices, one for each subscription or subscriber */
	uint64_t events;	      /* of subscriptions */
	uint64_t events_delivered;    /* to subscribers: an event to ten counts ten */
	uint64_t events_repeated;     /* came a second time while their subscription moved */
	uint64_t events_late;	      /* of subscriptions that had ended, or were never known */
	uint64_t tunnels_opened;      /* of session listeners */
	uint64_t tunnels_full;	      /* refused, because there were `size` */
	uint64_t tunnels_unavailable; /* because no endpoint could be reached */
	uint64_t tunnels_declined;    /* by the endpoint itself */
	uint64_t tunnel_bytes_up;
	uint64_t tunnel_bytes_down;
	uint64_t pushes_forwarded; /* to whom their rules say, perhaps to nobody there */
	uint64_t pushes_dropped;   /* as their rules say */
	uint64_t pushes_elsewhere; /* on connections that are not the source */
	struct recent lately;	   /* duration, over the last 10 to 20 s */
	struct histogram duration;
	struct histogram attempt;
	struct histogram queue_wait;
};

struct connection_view {
	uint64_t id;
	const char *pool;
	const char *endpoint;
	const char *state;
	bool standby;
	uint32_t clients; /* that stay on it (affinity) */
	uint64_t client;  /* whose own it is (session listeners); 0: nobody's */
	uint32_t in_flight;
	uint64_t since_us; /* how long it has been in this state */
	uint64_t ping_rtt_us;
	uint64_t requests;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t outbox_bytes;
	uint32_t subscriptions; /* upstream ones that it carries */
};

struct report_stats;

struct pool_view {
	const char *name;
	const char *balancer;
	const char *encoding;
	uint32_t size;	    /* target; of tunnels: the most at once */
	bool tunnels;	    /* one connection per client, see pool/tunnel.h */
	uint32_t sessions;  /* and how many clients have theirs */
	uint32_t states[8]; /* connections by enum connection_state */
	uint32_t ready;	    /* that requests may go to; of tunnels: all that are open */
	uint32_t max_in_flight;
	uint32_t in_flight;
	uint32_t tier;
	bool panic; /* fewer than half of its endpoints are well: all are used */
	uint64_t panics;
	size_t queued;
	size_t queued_bytes;
	uint64_t oldest_wait_us;
	size_t subscriptions; /* upstream ones, of as many equal requests as you like */
	size_t subscribers;   /* clients' ends of them */
	bool paused;	      /* new requests wait for `pool resume` */
	uint64_t paused_us;   /* for how long */
	bool autoscaled;      /* the size follows the load, unless it is pinned */
	bool pinned;	      /* an operator has set the size */
	uint32_t size_min;
	uint32_t size_max;  /* as many as an operator may ask for */
	double utilisation; /* in flight and waiting by size x max_in_flight */
	uint64_t scaled_up;
	uint64_t scaled_down;
	const char *scaled_why; /* the size is the autoscaler's: by what it went; NULL: it is not */
	uint64_t scaled_wall_us; /* and when, since 1970 */
	const struct traffic_stats *traffic;
	const struct report_stats *reports;
	struct endpoint_view *endpoints;
	size_t endpoint_count;
};

struct client_view {
	uint64_t id;
	const char *identity; /* name of its token; NULL: anonymous */
	const char *peer;     /* its address; NULL: unknown */
	const char *listener; /* the address that it came to */
	const char *kind;     /* "websocket", "http", "session" */
	const char *state;    /* "open", "draining" */
	bool paused;	      /* not read, because too much of it is under way */
	uint32_t in_flight;
	uint64_t since_us; /* how long it has been here */
	uint64_t idle_us;  /* since its last message */
	/* Of a session listener: its upstream connection. 0 and NULL: it has none of its own. */
	uint64_t connection;
	const char *pool;
	const char *endpoint;
	uint64_t bytes_in; /* of a session listener */
	uint64_t bytes_out;
	uint64_t outbox_bytes;
};

/* How much a snapshot shows: the instance and its pools, and one of the long lists. */
enum snapshot_extent { SNAPSHOT_POOLS, SNAPSHOT_CONNECTIONS, SNAPSHOT_CLIENTS, SNAPSHOT_BROKERS };

struct history;
struct operations;
struct requests;

/* Everything points into the instance or into the snapshot's own memory: use it before the loop
 * turns. */
struct snapshot {
	const char *node;
	const char *version;
	uint64_t uptime_us;
	bool ready;
	bool draining;
	char ready_reasons[512]; /* why not, one a line; "" when ready */
	size_t clients;
	size_t clients_max;
	size_t requests_in_flight;
	size_t followers; /* clients that follow the invalidations */
	uint64_t buffer_bytes;
	uint64_t buffer_bytes_max;
	const struct engine_stats *engine;
	struct cache_view cache;
	struct config_stats config;
	struct bus_view bus;
	struct broker_view *brokers; /* NULL unless asked for; the first is this one */
	size_t broker_count;
	struct pool_view *pools;
	size_t pool_count;
	struct connection_view *connections; /* NULL unless asked for */
	size_t connection_count;
	struct client_view *client_list; /* NULL unless asked for */
	size_t client_count;
	/* What is kept of the past, see history.h, requests.h and operation.h. */
	const struct history *history;
	const struct requests *requests;
	const struct operations *operations;
	void *memory; /* of the arrays */
};

/* memory is one block from malloc, or NULL. */
void snapshot_fini(struct snapshot *snapshot);

#endif
