/* broker/pool/settings.h: what an operator says of a pool. Filled by the option table,
 * immutable afterwards, owned by the configuration. */
#ifndef WSB_BROKER_POOL_SETTINGS_H
#define WSB_BROKER_POOL_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "proto/codec.h"

enum balancer_kind {
	BALANCER_ROUND_ROBIN,
	BALANCER_LEAST_CONNECTIONS,
	BALANCER_RANDOM,
	BALANCER_PEAK_EWMA,
};

/* Which connection a client's messages take. */
enum affinity {
	AFFINITY_NONE,	 /* each the balancer's choice */
	AFFINITY_CLIENT, /* all of them the same one */
};

#define ENDPOINT_WEIGHT_MAX 1000
#define ENDPOINT_TIER_MAX   10

/* As many endpoints a pool may have. */
#define POOL_ENDPOINTS_MAX 1000
/* What the operator wants of an endpoint. */
enum endpoint_wish {
	WISH_SERVE,
	WISH_DRAIN,  /* gets no new request; its connections stay and are probed */
	WISH_MAINT,  /* drained, then closed and not dialled */
	WISH_REMOVE, /* the same, then forgotten; never in a file */
};

struct endpoint_settings {
	const char *name; /* unique in the pool; default host:port */
	const char *url;  /* as written; never shown, it may hold a secret */
	bool tls;	  /* wss:// */
	const char *host; /* a name or an address, without brackets */
	uint16_t port;
	const char *path;    /* with the query; at least "/" */
	const char *address; /* dialled instead of the host; NULL: the host is looked up */
	struct {
		bool all;	      /* each address of the host is an endpoint */
		uint64_t interval_us; /* between look-ups then; 0: only at the start */
	} resolve;
	uint32_t weight; /* 1..1000 */
	uint32_t tier;	 /* 1..10; the lowest with a healthy endpoint carries the traffic */
	enum endpoint_wish wish;
};

/* One step of the greeting: a message to send, and what must come back. */
struct greeting_step {
	const char *send; /* JSON text; NULL: only wait */
	json_t *expect;	  /* partial object; NULL: nothing is waited for */
	json_t *reject;	  /* partial object that ends the greeting at once; NULL: none */
	uint64_t timeout_us;
	bool push_source; /* only on the connection whose pushes count */
};

/* Whose pushes count. */
enum push_source {
	PUSH_SOURCE_POOL,      /* one connection's: all receive the same */
	PUSH_SOURCE_ENDPOINT,  /* one of each endpoint */
	PUSH_SOURCE_DEDICATED, /* those of one more connection, which carries no client's message */
};

struct header_setting {
	const char *name;
	const char *value;
};

struct pool_tls_settings {
	const char *ca;		 /* file; NULL: the system's */
	const char *certificate; /* of the client; NULL: none */
	const char *key;
	bool verify;
};

/* When an endpoint's failures take it out of balancing. */
struct ejection_settings {
	uint32_t consecutive;  /* failures in a row; 0: never for these */
	double ratio;	       /* of failures in the window; 0: never for these */
	uint32_t min_requests; /* in the window, before the ratio says anything */
	uint64_t window_us;
	uint64_t base_us; /* out for this, times the ejections in a row */
	uint64_t max_us;
	double max_ejected;  /* share of the endpoints; one of two always may */
	const char **errors; /* codes of error answers that are failures */
	size_t error_count;
};

struct probe_settings {
	uint64_t interval_us; /* between pings, and between calls; 0: neither */
	uint64_t timeout_us;  /* for the pong, and for the answer */
	uint32_t fall;	      /* calls in a row that fail before the endpoint is unhealthy */
	uint32_t rise;	      /* ... and that pass before it is healthy again */
	const char *method;   /* NULL: no calls */
	json_t *params;	      /* NULL: none */
	json_t *expect;	      /* partial object of the result; NULL: any result will do */
};

/* The size follows the load. */
struct autoscale_settings {
	bool enabled; /* the section is there */
	bool pinned;  /* an operator has set the size, which stays so until he says otherwise */
	uint32_t min;
	uint32_t max;
	double target; /* in flight by capacity */
	uint64_t cool_down_us;
};

/* As many connections a pool may have. */
#define POOL_SIZE_MAX 1000

struct pool_settings {
	const char *name;
	struct endpoint_settings *endpoints;
	size_t endpoint_count; /* at least 1 */
	enum encoding encoding;
	uint32_t size;		/* connections, or tunnels at once; 1..1000 */
	bool tunnels;		/* a session listener's: one connection per client */
	uint32_t max_in_flight; /* requests per connection */
	uint32_t connect_rate;	/* dials per second, over all endpoints; 0: no limit */
	enum balancer_kind balancer;
	struct autoscale_settings autoscale;
	enum affinity affinity;
	enum push_source push_source;
	struct greeting_step *on_connect;
	size_t on_connect_count;
	struct {
		double budget;	     /* retries allowed per request, 0..1 */
		uint32_t per_second; /* and these on top */
	} retry;
	struct {
		uint32_t requests;
		uint64_t bytes;
		uint64_t age_us;
	} queue;
	struct probe_settings probe;
	struct ejection_settings ejection;
	uint64_t slow_start_us;	 /* in which a newcomer comes up to its share; 0: at once */
	uint64_t max_age_us;	 /* after which a connection is replaced; 0: never */
	const char *subprotocol; /* NULL: none */
	struct header_setting *headers;
	size_t header_count;
	struct pool_tls_settings tls;
};

#endif
