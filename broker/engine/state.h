/* broker/engine/state.h: the parts that one instance owns. Nothing outside broker/engine includes
 * this but the simulator, which checks it. */
#ifndef WSB_BROKER_ENGINE_STATE_H
#define WSB_BROKER_ENGINE_STATE_H

#include "broker/control/history.h"
#include "broker/control/operation.h"
#include "broker/control/requests.h"
#include "broker/engine/cached_state.h"
#include "broker/engine/engine.h"
#include "broker/engine/invalidate_state.h"
#include "broker/engine/publish_state.h"
#include "broker/engine/visitors.h"
#include "broker/exchange/exchange.h"
#include "broker/exchange/fairqueue.h"
#include "broker/exchange/retry.h"
#include "broker/pool/pool.h"
#include "broker/pool/scaler.h"
#include "broker/route/route.h"
#include "common/clock.h"
#include "common/recent.h"
#include "common/strbuf.h"
#include "common/timerq.h"
#include "common/wsframe.h"
#include "proto/transcode.h"
#include "proto/reply.h"
#include "proto/envelope.h"

/* What a route that hedges knows of its answers. */
struct hedge {
	const struct route_settings *route;
	struct recent answers;
	uint64_t after_us; /* 0: too few are known */
};

struct hedges {
	struct hedge *of;
	size_t count;
	uint64_t look_us; /* when they are looked at next */
};

#define LANE_WHY_MAX 192

/* A pool with what waits for it and what is counted of it. It stays where it is for as long as
 * anything points at it, so that pools can come and go. */
struct lane {
	struct pool *pool;
	struct fairqueue queue;
	struct fairparty orphans; /* what waits without a client: moved notifications */
	struct retry_budget retries;
	uint64_t push_gaps; /* of the pool's, that have been dealt with */
	struct traffic_stats traffic;
	bool paused; /* new requests wait, see pause.h */
	uint64_t paused_at_us;
	uint64_t pause_until_us; /* nothing may be in flight by then; 0: no such time */
	bool pinned;		 /* an operator has set the size: it does not follow the load */
	uint32_t size_min;	 /* bounds of the size; an operator has to keep to the upper one */
	uint32_t size_max;
	struct scaler scaler;
	uint64_t scaled_up;
	uint64_t scaled_down;
	uint32_t scaled_size; /* that it has chosen last; 0: none yet */
	uint64_t scaled_wall_us;
	char scaled_why[LANE_WHY_MAX];
	bool retiring;		     /* its pool is not configured any more: gets nothing new */
	const struct config *config; /* that the pool's settings stand in; held */
};

#define MASK_POOL_BYTES 4096

/* The rules for pushes, compiled. */
struct push_rules {
	struct push_rule *rules;
	size_t count;
};

/* What becomes of pushes, and who asked for some. */
struct pushes {
	struct push_rules rules; /* of the present configuration, into which they point */
	struct list watches;
	size_t bytes;	    /* of watches */
	struct strbuf text; /* a push in the encoding that it did not come in */
};

/* See doubts.h. */
struct doubts {
	struct list all;
	struct timerq timers;
	size_t bytes;
	uint32_t left; /* so many may be invalidated for in this turn */
};

/* Pings carry a few bytes, so that a trace shows whose they are. */
#define PING_PAYLOAD span_of("wsb", 3)

/* Clients refused for one reason. */
struct refusal_told {
	uint64_t wall_us; /* when it was told last */
	uint64_t count;	  /* since */
};

struct engine {
	const struct config *config;
	const struct ports *ports;
	struct log *log;
	struct envelope *envelope;
	struct route_table *routes;
	struct rng rng;
	struct outbox_pool client_outboxes;
	struct outbox_pool connection_outboxes;
	struct session_lists sessions;
	struct visitors visitors;
	struct hedges hedges;
	struct list pings; /* open WebSocket sessions, the one to look at next first */
	struct exchange_slab exchanges;
	struct publish publish;
	struct pushes pushes;
	struct invalidations invalidations;
	struct doubts doubts;
	struct bus *bus;		 /* NULL: invalidations stay in the process */
	const struct config *bus_config; /* that its settings stand in; held */
	struct cached cached;
	struct timerq timers;
	struct timerq expiries;	       /* of clients' credentials */
	char subject[JWT_SUBJECT_MAX]; /* of the token judged last */
	struct lane **lanes;	       /* in the order of config->pools; those that retire follow */
	size_t lane_count;
	uint64_t next_connection_id;
	uint64_t probe_calls;  /* made so far */
	uint64_t look_ups;     /* of names, begun so far */
	uint64_t tunnel_bytes; /* of clients of session listeners, on their way */
	struct engine_stats stats;
	struct refusal_told refused[REFUSAL_KINDS];
	struct pool_watcher watcher; /* of all pools */
	struct history *history;
	struct requests requests;
	struct operations operations;
	const char *actor; /* on whose word things happen now; NULL: the broker's own */
	const char *words; /* and the reason that was given; NULL: none */
	uint8_t masks[MASK_POOL_BYTES]; /* unpredictable, used once each */
	size_t mask_at;
	struct strbuf scratch;	/* a message being put together or transcoded */
	struct strbuf scratch2; /* and what is made of it */
	struct strbuf story;	/* what `explain` tells */
	struct strbuf body;	/* an HTTP answer */
	struct strbuf joined;	/* a batch's answers */
	uint64_t started_us;
	uint64_t ticked_us;
	bool upstreams_paused; /* buffers exceed limits.memory */
	uint64_t paused_us;    /* since when */
	uint64_t resumed_us;   /* when upstreams could be heard again after a standstill or pause */
	bool draining;
	uint64_t drain_at_us;
	size_t drain_clients; /* open when it began */
	size_t drain_closed;  /* of these, told to go */
	bool drain_expired;   /* drain.timeout has passed */
	bool goodbye; /* upstream connections are being closed; nothing is dialled any more */
	uint64_t goodbye_at_us;
};

/* The exchange obeys this route of the present configuration, which stays for as long. */
static inline void engine_bind_route(struct engine *engine, struct exchange *exchange,
				     const struct route_settings *route)
{
	exchange->route = route;
	exchange->config = config_hold(engine->config);
}

/* What limits.memory counts. */
uint64_t engine_buffer_bytes(const struct engine *engine);

struct lane *engine_lane_of_pool(struct engine *engine, const struct pool *pool);

#endif
