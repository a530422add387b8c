/* broker/cache/prefetch.h: what a client is likely to ask next.
 *
 * Two things are learnt from what one client asks after what. Which request follows which (the same
 * params after the same params), for all clients together. And which method follows which with
 * params that stand in the former's params or result (getUser {id: 7}, then getRights {user: 7}),
 * whatever the values: that also foresees what was never asked before.
 *
 * Each pair of methods is judged by what became of its guesses: when fewer than 60 of the last 100
 * were asked for within PREFETCH_WAIT_US, it rests, longer each time, and then tries 20 again.
 *
 * Pure: it sends nothing. The caller decides whether a guess is worth sending (the pool has room,
 * the budget lasts, it is not cached yet) and says when it has sent one. Memory is bounded. */
#ifndef WSB_BROKER_CACHE_PREFETCH_H
#define WSB_BROKER_CACHE_PREFETCH_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "proto/envelope.h"

#define PREFETCH_GUESSES 2
/* A guess that nobody has asked for by then was wasted. */
#define PREFETCH_WAIT_US   UINT64_C(30000000)
#define PREFETCH_BYTES_MIN (UINT64_C(256) << 10)

struct prefetch;

/* bytes: what it may take, at least PREFETCH_BYTES_MIN (less counts as that). */
enum wsb_err prefetch_create(struct prefetch **out, uint64_t bytes, uint64_t seed) WSB_CHECKED;
void prefetch_destroy(struct prefetch *prefetch); /* NULL is allowed */

/* A request of a cached route. */
struct prefetch_request {
	uint64_t client;    /* never that of another one that is there */
	struct span common; /* the part of its key that is the same for all (cache_key_common) */
	const struct message *message;
};

/* A request that may follow: the client's own message with another method and other params. It
 * still has that message's id and `wsbroker` member; route, key and scope are found as for any
 * other. */
struct prefetch_guess {
	struct span text; /* valid until the next call */
	enum encoding encoding;
	uint32_t rule; /* for prefetch_issued */
};

/* Takes note of a request that a client has sent, whether it is answered from the cache or not.
 * Returns how many guesses there are. */
size_t prefetch_note(struct prefetch *prefetch, const struct prefetch_request *request,
		     uint64_t now_us, struct prefetch_guess out[PREFETCH_GUESSES]);

/* The same of a success that answers a request which prefetch_note has seen: guesses that need the
 * result come now. */
size_t prefetch_answered(struct prefetch *prefetch, const struct prefetch_request *request,
			 const struct message *answer, uint64_t now_us,
			 struct prefetch_guess out[PREFETCH_GUESSES]);

/* A guess was sent; common is that of its own key. */
void prefetch_issued(struct prefetch *prefetch, uint32_t rule, struct span common, uint64_t now_us);

/* A slice of housekeeping: guesses whose time is up. Call with each tick. */
void prefetch_upkeep(struct prefetch *prefetch, uint64_t now_us);

struct prefetch_stats {
	uint64_t issued; /* = used + wasted + those that are waited for */
	uint64_t used;
	uint64_t wasted;
	uint64_t rests;	  /* times that a pair of methods has switched itself off */
	uint32_t methods; /* known */
	uint32_t resting; /* pairs of methods that are switched off now */
	uint64_t bytes;
};
void prefetch_stats(const struct prefetch *prefetch, uint64_t now_us, struct prefetch_stats *out);

#endif
