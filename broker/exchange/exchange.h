/* broker/exchange/exchange.h: one request in flight, from the client's message to its one answer.
 *
 * Exchanges live in a slab. The id that an upstream sees is made of the place in the slab and a
 * generation, so an answer finds its exchange without a search and a late one finds nobody. */
#ifndef WSB_BROKER_EXCHANGE_EXCHANGE_H
#define WSB_BROKER_EXCHANGE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/exchange/fairqueue.h"
#include "common/cacheline.h"
#include "common/err.h"
#include "common/list.h"
#include "common/span.h"
#include "common/timerq.h"
#include "proto/codec.h"

/* Opaque to this column; the engine joins them. */
struct batch;
struct config;
struct connection;
struct endpoint;
struct feed;
struct flight;
struct lane;
struct member;
struct route_settings;
struct session;

#define EXCHANGE_INLINE_BYTES	  408
#define EXCHANGE_ATTEMPTS_AT_ONCE 2
#define EXCHANGE_ATTEMPTS_MAX	  5
/* Those that were written and lost with their connection: a request that kills its server shall not
 * kill them all. */
#define EXCHANGE_LOSSES_MAX 3
/* At most 2^20 - 1 at a time: the last place stays free, so that ids which are whole multiples of
 * 2^20 are never a request's. */
#define EXCHANGE_INDEX_BITS	 20
#define EXCHANGE_GENERATION_MASK ((UINT64_C(1) << (53 - EXCHANGE_INDEX_BITS)) - 1)

enum exchange_state {
	EXCHANGE_FREE,
	EXCHANGE_ACCEPTED, /* on its way to one of the next two, within one event */
	EXCHANGE_QUEUED,   /* waits for a connection */
	EXCHANGE_SENT,	   /* at least one attempt is out */
	EXCHANGE_SHARED,   /* waits for what another one brings */
};

/* What `explain` tells of the client's connection, where clients stay on one. */
enum affinity_story { STORY_NONE, STORY_ASSIGNED, STORY_KEPT, STORY_MOVED };

/* One sending of the request upstream. */
struct attempt {
	struct connection *connection; /* NULL: this place is free */
	struct list_node link;	       /* on connection->attempts or notifications */
	struct exchange *exchange;
	uint64_t position; /* of its first byte in the connection's outbox */
	uint64_t sent_us;
	bool hedge; /* sent because the first one took longer than most do */
};

/* With thousands in flight each line of the cache that a request touches is a miss. So what each
 * needs stands together, in the order of the members below, from item.party to the beginning of its
 * text, and at last where the second attempt would be; what few need stands around it. */
struct exchange {
	/* The latest attempts; compared, never followed. */
	const struct connection *tried[EXCHANGE_ATTEMPTS_MAX];
	uint64_t queue_until_us;      /* end of the queue's patience, while queued */
	uint64_t lost_us;	      /* when one that had been written was last lost */
	uint64_t hedge_from_us;	      /* when what it hedges was sent */
	enum affinity_story affinity; /* of the latest attempt */
	struct fairitem item;

	enum exchange_state state;
	uint32_t index;
	uint64_t generation;
	struct session *session; /* NULL: the client has gone, or it is a notification on its own */
	struct list_node session_link;
	struct lane *lane; /* of the pool that it goes to */
	const struct route_settings *route;

	const struct config *config; /* that the route stands in; held */
	struct timer timer;
	uint64_t arrived_us;
	uint64_t deadline_us;
	/* The client's message without its `wsbroker` member. */
	char *text; /* inline_text, or on the heap */

	uint32_t len;
	uint32_t id_at;	 /* where its id token stands */
	uint32_t id_len; /* 0: none */
	enum encoding encoding;
	uint32_t attempts_made;
	uint32_t attempts_lost; /* of these, written and ended without an answer */
	uint32_t batch_slot;
	struct batch *batch;   /* NULL: stands alone */
	struct feed *feed;     /* what the broker itself asks for; NULL: it is a client's */
	struct member *member; /* the subscriber that waits with it; NULL: none */
	struct flight *flight; /* the load that it leads, or waits for; NULL: none */

	const char *cache;	  /* what the cache had to do with it, for `explain` */
	const char *cache_reason; /* and why; NULL: it had nothing to do with it */
	uint64_t waited_us;	  /* in the queue, in all */
	uint64_t latest_us;	  /* when the latest attempt was sent */
	bool second_made;	  /* the attempt after attempt_timeout has been made, or refused */
	bool hedge_tried;	  /* a hedge has been made, or refused */
	bool hedged;		  /* one was sent, and has not won (yet) */
	bool notification;	  /* nobody waits for an answer */
	bool jsonrpc;
	bool explain;
	bool leads; /* of a flight: its answer is what the others wait for */
	bool own;   /* the broker's own idea: nobody has asked, and nothing is counted of it */
	char inline_text[EXCHANGE_INLINE_BYTES];

	_Alignas(CACHE_LINE) struct attempt attempts[EXCHANGE_ATTEMPTS_AT_ONCE];
	struct list_node flight_link;
	const struct endpoint *tried_endpoints[EXCHANGE_ATTEMPTS_MAX]; /* where they stand */
};

_Static_assert(offsetof(struct exchange, item.party) % CACHE_LINE == 0 &&
		       offsetof(struct exchange, timer) / CACHE_LINE ==
			       offsetof(struct exchange, text) / CACHE_LINE,
	       "what each request needs stands in as few lines as it can");

struct exchange_slab {
	struct exchange **chunks;
	size_t chunk_count;
	struct list free;
	size_t used;
	size_t text_bytes; /* on the heap for long messages */
};

void exchange_slab_init(struct exchange_slab *slab);
void exchange_slab_fini(struct exchange_slab *slab); /* none may be in use */

/* Asks for the lines of one that is about to be used; attempt is its first one. */
static inline void exchange_foresee(const struct attempt *attempt)
{
	const char *exchange = (const char *)attempt - offsetof(struct exchange, attempts);

	cacheline_foresee(exchange + offsetof(struct exchange, item.party),
			  offsetof(struct exchange, inline_text) + CACHE_LINE -
				  offsetof(struct exchange, item.party));
	cacheline_foresee(attempt, sizeof(*attempt));
}

/* A fresh exchange in state accepted, with room for text_len bytes at text.
 * WSB_ELIMIT: 2^20 - 1 are in flight; WSB_ENOMEM. */
enum wsb_err exchange_create(struct exchange **out, struct exchange_slab *slab,
			     size_t text_len) WSB_CHECKED;
/* It must be on no list, queue or timer, and have no attempt out. Its id is never seen again. */
void exchange_destroy(struct exchange_slab *slab, struct exchange *exchange);

/* The id that upstreams see: 1 .. 2^53. */
uint64_t exchange_id(const struct exchange *exchange);

enum exchange_found { EXCHANGE_IS_LIVE, EXCHANGE_HAS_ENDED, EXCHANGE_UNKNOWN };
/* Who has this id. *out is set only for EXCHANGE_IS_LIVE. */
enum exchange_found exchange_find(const struct exchange_slab *slab, uint64_t id,
				  struct exchange **out);

/* The client's id token; absent when there was none. */
static inline struct span exchange_client_id(const struct exchange *exchange)
{
	if (exchange->id_len == 0)
		return span_of(NULL, 0);
	return span_of(exchange->text + exchange->id_at, exchange->id_len);
}

/* A free place for one more attempt; NULL when two are out. */
struct attempt *exchange_attempt_free(struct exchange *exchange);
/* The attempt that is out on this connection; NULL: none. */
struct attempt *exchange_attempt_on(struct exchange *exchange, const struct connection *connection);
size_t exchange_attempts_out(const struct exchange *exchange);

#endif
