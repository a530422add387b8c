/* broker/subscription/subscription.h: one upstream subscription for all clients that ask the same.
 *
 * A subscription is known by a key (the route's and the request's fingerprint) and has members, the
 * clients' ends, and feeds, the upstreams' ends: one, or two while it moves. Clients, connections
 * and waiting requests are opaque here: their owner says when one of them goes. Pure: the time is
 * handed in, and what is to be done is asked for, not done. */
#ifndef WSB_BROKER_SUBSCRIPTION_SUBSCRIPTION_H
#define WSB_BROKER_SUBSCRIPTION_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/subscription/look.h"
#include "broker/subscription/overlap.h"
#include "common/err.h"
#include "common/list.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/strbuf.h"

struct feed;
struct map;
struct plan;

enum subscription_state {
	SUBSCRIPTION_ASKING,	/* the upstream has not said yes yet, for the first time */
	SUBSCRIPTION_LIVE,	/* events come */
	SUBSCRIPTION_LOST,	/* its connection has gone; it is asked for anew */
	SUBSCRIPTION_LINGERING, /* live, without a member; the next one finds it warm */
	SUBSCRIPTION_ENDED,	/* freed by subscriptions_reap */
	SUBSCRIPTION_STATES,
};

/* One client's end. */
struct member {
	struct list_node link;	      /* on subscription->members */
	struct list_node client_link; /* on its client's list */
	struct list *client_members;
	struct subscription *subscription;
	void *client;
	void *waiter; /* the request that waits for the first answer; NULL: answered */
	void *batch;  /* what its answer waits in; NULL: it has been sent, so that events may follow
		       */
	struct strbuf backlog; /* events that wait for that */
	bool overflowed;       /* more came than that holds */
	uint64_t names;	       /* which of the subscription's names it listens to, one bit each */
	struct own_token own;  /* empty where events carry no id */
};

#define SUBSCRIPTION_NAMES_MAX	  32
#define SUBSCRIPTION_REFUSALS_MAX 3

/* A connection that would not take one more, and how many it carried then. */
struct feed_refusal {
	uint64_t connection;
	uint32_t feeds;
};

struct subscription {
	struct list_node state_link;
	struct list_node moving_link; /* on subscriptions.moving, while it moves */
	enum subscription_state state;
	struct span key;   /* into memory */
	struct plan *plan; /* how it is subscribed to; held */
	struct list members;
	struct feed *feed; /* that its events come from, or shall come from */
	struct feed *next; /* that it moves to; NULL: it does not move */
	struct overlap_past past;
	struct overlap *overlap; /* while both bring events, and a while after */
	uint64_t overlap_until_us;
	struct feed_refusal refusals[SUBSCRIPTION_REFUSALS_MAX];
	size_t refusal_count;
	uint64_t ask_until_us; /* then those who wait for its first answer are told that none is */
	/* The request as it came, without the broker's own parts. */
	struct span request; /* into memory */
	uint32_t id_at, id_len;
	enum encoding encoding;
	bool jsonrpc;
	/* By which events without an id are known; into memory. */
	struct span names[SUBSCRIPTION_NAMES_MAX];
	size_t name_count;
	/* The upstream's first answer, in its encoding, and where the subscription's id stands in
	 * it (length 0: nowhere). */
	char *answer;
	size_t answer_len;
	uint32_t own_at, own_len;
	enum encoding answer_encoding;
	struct look look;
	uint64_t lost_at_us;
	uint64_t retry_at_us;
	uint32_t retries; /* in vain, since it was lost */
	uint64_t linger_until_us;
	char memory[];
};

struct subscriptions {
	struct log *log;
	struct list states[SUBSCRIPTION_STATES];
	struct list moving;
	struct list leaving;
	struct list gone;
	struct map *by_key;
	struct map *feeds; /* by feed->key */
	struct mint mint;
	size_t bytes; /* of all that is held here */
	size_t members;
	struct plan *(*hold)(struct plan *plan);
	void (*release)(struct plan *plan);
};

/* hold is called for the plan of each subscription and feed, and release when it is freed. */
enum wsb_err subscriptions_init(struct subscriptions *subscriptions, struct log *log,
				struct plan *(*hold)(struct plan *plan),
				void (*release)(struct plan *plan), struct rng *rng) WSB_CHECKED;
/* Frees all that is left, also after a failed init. */
void subscriptions_fini(struct subscriptions *subscriptions);
/* Frees what has ended. Only called when nobody holds one. */
void subscriptions_reap(struct subscriptions *subscriptions);

/* What a new subscription is made of; all is copied. */
struct subscription_origin {
	struct span key;
	struct plan *plan;
	struct span request;
	uint32_t id_at, id_len;
	enum encoding encoding;
	bool jsonrpc;
	const struct span *names;
	size_t name_count;
};

/* The one with this key that has not ended; NULL: none. */
struct subscription *subscription_find(const struct subscriptions *subscriptions, struct span key);
/* In state asking, without member or feed. WSB_ENOMEM. */
enum wsb_err subscription_create(struct subscription **out, struct subscriptions *subscriptions,
				 const struct subscription_origin *origin) WSB_CHECKED;
/* The one way from state to state; logs the step. Ended: it is found no more. */
void subscription_enter(struct subscriptions *subscriptions, struct subscription *subscription,
			enum subscription_state state, const char *reason);

/* A new member, on its client's list too. Takes up a lingering subscription again. WSB_ENOMEM. */
enum wsb_err member_create(struct member **out, struct subscriptions *subscriptions,
			   struct subscription *subscription, void *client,
			   struct list *client_members) WSB_CHECKED;
/* Takes it off both lists and frees it. When it was the last: a live subscription lingers until
 * linger_until_us, a lost one ends, one that is asked for waits for its answer. */
void member_destroy(struct subscriptions *subscriptions, struct member *member,
		    uint64_t linger_until_us);

/* Keeps the upstream's first answer for members that come later. own: where the id stands in it;
 * absent: nowhere. WSB_ENOMEM. */
enum wsb_err subscription_keep_answer(struct subscriptions *subscriptions,
				      struct subscription *subscription, enum encoding encoding,
				      struct span answer, struct span own) WSB_CHECKED;

/* Events come on two ways from now on. One that has not ended goes on. False: no memory; they are
 * handed on as they come. */
bool subscription_begin_overlap(struct subscriptions *subscriptions,
				struct subscription *subscription);
/* Whether its one way, to which it has moved, may still repeat what came the way before. */
static inline bool subscription_is_behind(const struct subscription *subscription, uint64_t now_us)
{
	return subscription->overlap && now_us < subscription->overlap_until_us &&
	       overlap_is_pending(subscription->overlap);
}
/* They do not any more; what waited is gone. */
void subscription_end_overlap(struct subscriptions *subscriptions,
			      struct subscription *subscription);

/* When to ask again after this many vain tries: exponential with full jitter, 100 ms to 30 s. */
uint64_t subscription_retry_us(uint32_t retries, struct rng *rng);

#endif
