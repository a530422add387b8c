/* broker/pool/pool.h: the connections to a set of endpoints: how many, where, in which state.
 *
 * The pool decides and remembers; it opens nothing. Its owner dials what pool_next_dial names,
 * reports what became of it, closes what pool_next_surplus names, and calls pool_upkeep now and
 * then. */
#ifndef WSB_BROKER_POOL_POOL_H
#define WSB_BROKER_POOL_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/pool/balancer.h"
#include "broker/pool/connection.h"
#include "broker/pool/report.h"
#include "common/err.h"
#include "common/log.h"

struct spread_row;

struct pool {
	const struct pool_settings *settings;
	struct log *log;
	const struct pool_watcher *watcher; /* NULL: nobody watches */
	struct report_stats reports;
	struct outbox_pool *outboxes;
	struct rng rng;
	struct endpoint **endpoints; /* in the order in which they joined */
	size_t endpoint_count;
	size_t endpoint_capacity; /* of endpoints and spread */
	size_t removing;	  /* endpoints that are to go */
	struct list states[CONNECTION_STATES];
	size_t connections; /* on all lists together */
	/* Pushes. Their source may have been deaf before it was lost, and until another hears them
	 * nobody does. */
	bool hears_pushes;  /* somebody wants them: whose role it is to hear them hands it over */
	bool deaf;	    /* a source was lost, and no other has heard anything yet */
	uint64_t push_gaps; /* times at which some may have been missed until then */
	struct list handovers; /* see handover.h */
	struct list tunnels;   /* see tunnel.h */
	/* Ready connections of the tier in use, grouped by endpoint, as an array for the balancer;
	 * rebuilt when one comes or goes. */
	struct connection **ready;
	size_t ready_count;
	size_t ready_capacity; /* at least connections: the rebuilding allocates nothing */
	bool ready_stale;      /* one came or went since it was built */
	uint64_t rotor;
	uint32_t size; /* target */
	enum balancer_kind balancer;
	/* In use: the lowest with an endpoint that is well and has a ready connection; while none
	 * is, the lowest with any ready connection, else the lowest of all. */
	uint32_t tier;
	bool panic;   /* fewer than half of the endpoints of that tier are well: all are used */
	bool running; /* whoever joins now starts slowly */
	bool shares_uneven; /* somebody has a handicap, or had one */
	bool renewing;	    /* some of the ready connections are stale */
	bool rescue;	    /* an endpoint has been ejected: the engine moves what it can */
	uint32_t trials;    /* endpoints on trial, as of the last tick */
	uint64_t panics;    /* since the start */
	uint64_t
		first_ready_us; /* since when it carries requests without a break; 0: it does not */
	uint64_t answered_us;	/* when the last answer came */
	uint32_t in_flight;
	double dial_tokens; /* of connect_rate */
	uint64_t dial_tokens_at_us;
	uint64_t *next_connection_id; /* shared by the pools of one engine */
	struct spread_row *spread;    /* one for each endpoint; scratch of pool_upkeep */
	uint32_t aliases;	      /* names that have been given away */
};

/* Borrows settings, log, outboxes and next_connection_id. Dials nothing yet. */
enum wsb_err pool_create(struct pool **out, const struct pool_settings *settings, struct log *log,
			 struct outbox_pool *outboxes, uint64_t *next_connection_id, uint64_t seed,
			 uint64_t now_us) WSB_CHECKED;
/* Every connection must have lost its transport before. NULL is allowed. */
void pool_destroy(struct pool *pool);

/* Joins the pool; connections follow as the spread wants them. Copies settings. WSB_EEXIST: its
 * name is taken; WSB_ENOMEM. */
enum wsb_err pool_add_endpoint(struct pool *pool, const struct endpoint_settings *settings,
			       uint64_t now_us) WSB_CHECKED;
/* NULL: there is none of this name. */
struct endpoint *pool_find_endpoint(const struct pool *pool, const char *name);
/* words: an operator's reason, or NULL. */
void pool_set_wish(struct endpoint *endpoint, enum endpoint_wish wish, const char *words,
		   uint64_t now_us);
void pool_set_weight(struct endpoint *endpoint, uint32_t weight, uint64_t now_us);
/* Whether another endpoint could serve alone. */
bool pool_can_do_without(const struct endpoint *endpoint);
/* Endpoints that are not about to be removed. */
size_t pool_members(const struct pool *pool);

/* reason: a stable word. */
void pool_set_balancer(struct pool *pool, enum balancer_kind kind, const char *reason,
		       uint64_t now_us);

/* Sets the number of connections to aim at. reason: a stable word; detail: more of it. */
void pool_resize(struct pool *pool, uint32_t size, const char *reason, const char *detail,
		 uint64_t now_us);

/* Recomputes the spread: `size` over the endpoints that are up and well in the lowest tier that has
 * one, by largest remainder of the weights, at least one each while size allows; one standby for
 * each endpoint of a higher tier; one connection for one that is not well, one try at a time for
 * one that is down; what is drained keeps what it has; and one more where a connection is to be
 * replaced. An endpoint whose last connection was just lost counts as up until dialling it anew has
 * failed: a short loss moves nothing. Reports where endpoints stand, if that has changed. Called by
 * everything below that changes a count. */
void pool_upkeep(struct pool *pool, uint64_t now_us);

/* A new connection in state dialing that its owner must dial now; NULL when none is wanted, the
 * rate is used up, every candidate is backing off or memory has run out. Call until NULL. Endpoints
 * without a connection come first, then lower tiers, then who has the least of its share.
 * The pace: at most max(1, connect_rate / 10) at once, and no second sees more than connect_rate.
 */
struct connection *pool_next_dial(struct pool *pool, uint64_t now_us);

/* A ready connection that the spread no longer wants (the least loaded one of an endpoint with too
 * many, of equals the youngest), already moved to draining; NULL when there is none. Make before
 * break: none goes before `size` others carry the traffic. Call until NULL. */
struct connection *pool_next_surplus(struct pool *pool, uint64_t now_us);

/* A connection that is not ready yet and that the spread no longer wants: to be given up. NULL:
 * there is none. Call until NULL. It counts as gone at once, and its end must follow. */
struct connection *pool_next_excess(struct pool *pool);

/* What became of a connection. Each moves it to its next list and logs the step; a step that is not
 * allowed is our own mistake (assert). opened: dialing -> warming, transport is set, the greeting
 * begins. made_ready: warming -> ready. drain: ready -> draining; with doom set that is the loss of
 * the connection, and its end brings no further one; else farewell says why, or "asked". */
void pool_connection_opened(struct connection *connection, void *transport, uint64_t now_us);
void pool_connection_made_ready(struct connection *connection, uint64_t now_us);
void pool_connection_drain(struct connection *connection, uint64_t now_us);

/* Any state -> closed. reason is a stable word: dns, connect, tls, upgrade, greeting, probe, eof,
 * protocol, close_1012, asked, ...; text says more and may be empty. A dial that failed, and a
 * connection that was ready for less than a second, make the endpoint back off, and take it down
 * when it has no other that is ready; `asked` (our own wish) and the end of a draining one never
 * do. Failures while a back-off is running belong to the same blow and do not lengthen it. The
 * engine must have taken its attempts off and returned its leases before pool_reap. */
void pool_connection_lost(struct connection *connection, const char *reason, const char *text,
			  uint64_t now_us);

/* All its connections become stale: each is replaced, one after the other of an endpoint, make
 * before break. */
void pool_renew(struct pool *pool, uint64_t now_us);

/* Whether pool_reap would find anything. */
bool pool_has_waste(const struct pool *pool);
/* Frees what is closed and has no transport any more, and the endpoints that are to be removed once
 * they have no connection. Only called outside of any callback that may still hold one. */
void pool_reap(struct pool *pool, uint64_t now_us);

enum lease_verdict { LEASE_OK, LEASE_NONE_READY, LEASE_ALL_FULL };

/* What a request asks of its lease. */
struct lease_wish {
	struct balancer_avoid avoid;
	bool spare; /* it may fail without harm, so it may try an endpoint that was ejected */
};

/* The balancer's choice, not among what is to be avoided (wish NULL: anything will do); or an
 * endpoint on trial. LEASE_OK: *out carries one lease more. When only avoided ones have room the
 * verdict is LEASE_ALL_FULL. */
enum lease_verdict pool_lease(struct pool *pool, const struct lease_wish *wish, uint64_t now_us,
			      struct connection **out);

/* For a client that will stay on it: the connection with room that carries the fewest clients, or
 * as the balancer has it, clients counted instead of requests. NULL: none has room. */
struct connection *pool_choose_for_client(struct pool *pool, uint64_t now_us);

/* One lease more of this connection. LEASE_NONE_READY: it does not carry requests (any more). */
enum lease_verdict pool_lease_on(struct connection *connection, uint64_t now_us);

/* The same for a subscription: of those that carry fewer than `most` of them (0: any number), and
 * fewer than they were seen to take, the one that carries the fewest; one that seems sick only when
 * there is no other. */
enum lease_verdict pool_lease_quietest(struct pool *pool, const struct connection *const *avoid,
				       size_t avoid_count, uint32_t most, uint64_t now_us,
				       struct connection **out);

/* A lease of this connection even where it gets nothing new any more. False: it is full. */
bool pool_lease_draining(struct connection *connection, uint64_t now_us);

/* Ends a lease, in any state of the connection. latency_us: of the answer, fed to the balancer; 0:
 * there was none. */
void pool_return(struct connection *connection, uint64_t latency_us, uint64_t now_us);

/* An attempt that is given up after age_us took at least as long, which the balancer may learn
 * from.
 */
void pool_note_late(struct connection *connection, uint64_t age_us, uint64_t now_us);
/* Gives a lease back that was not used. */
void pool_unlease(struct connection *connection, uint64_t now_us);

/* Whether a lease could succeed now. */
bool pool_has_room(const struct pool *pool);

#endif
