/* broker/session/session.h: one client: a WebSocket, or one HTTP request.
 * Its state is the list it stands on; the engine owns the lists. */
#ifndef WSB_BROKER_SESSION_SESSION_H
#define WSB_BROKER_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/session/quota.h"
#include "broker/session/settings.h"
#include "common/cacheline.h"
#include "common/err.h"
#include "common/inbox.h"
#include "common/list.h"
#include "common/outbox.h"
#include "common/timerq.h"
#include "proto/codec.h"

enum session_kind {
	SESSION_WEBSOCKET,
	SESSION_HTTP,
	SESSION_TUNNEL, /* a WebSocket whose bytes are carried untouched */
};

enum session_state {
	SESSION_OPEN,
	SESSION_DRAINING, /* a close has been asked for; nothing more is read or answered */
	SESSION_CLOSED,	  /* its transport is gone; freed at the end of the event */
	SESSION_STATES,
};

/* Lists of sessions, one for each state. */
struct session_lists {
	struct list states[SESSION_STATES];
	uint64_t next_id;
	size_t gathered_bytes; /* held for messages of which only a part has come */
};

/* What each message needs stands together, before what few need: with thousands of clients each
 * line of the cache that is touched is a miss. */
struct session {
	enum session_state state;
	enum session_kind kind;
	bool paused;		/* not read, because too much of it is under way */
	bool ping_waits;	/* a ping is out */
	bool unreadable;	/* has sent a message that nobody can read: said once */
	bool may_publish;	/* it may call wsbroker.invalidate and wsbroker.cache.put */
	bool encoding_chosen;	/* by its subprotocol, once and for all */
	enum encoding encoding; /* of what it is told unasked: that of its last message */
	uint32_t in_flight;	/* requests that wait for an answer, and notifications to be sent */
	void *transport;	/* io's side; NULL once it is gone */
	uint64_t heard_us;	/* last sign of life */
	uint64_t message_us;	/* last message */
	struct quota *quota;	/* own_quota, or one shared with others; used as messages come in */
	struct quota own_quota;
	struct outbox outbox;
	struct list exchanges; /* the engine's: its requests under way */
	struct inbox inbox;

	size_t inflating_bytes; /* io holds them for such a message; part of gathered_bytes */
	struct list_node state_link;
	struct list_node ping_link; /* those alive longest without a sign first */
	uint32_t listener;	    /* index in the configuration */
	uint64_t id;		    /* unique in the process, never reused */
	char *identity;		    /* name or subject of its token; NULL: anonymous */
	char *peer;		    /* its address; NULL: unknown */
	struct timer expiry;	    /* the engine's: when its credential ends */
	struct list batches;	    /* the engine's: its batches under way */
	struct list members;	    /* the engine's: its ends of subscriptions */
	struct list watches;	    /* the engine's: what it asked for with wsbroker.subscribe */
	void *seats;	     /* the engine's: its places in the pools; NULL until it needs one */
	uint64_t opened_us;  /* when it came */
	void *tunnel;	     /* the engine's: the upstream connection of its own */
	uint64_t ping_at_us; /* when the ping under way was sent */
	uint64_t looked_us;  /* when its signs of life were looked at last */
};

/* Asks for what a message needs of it, before there is one. */
static inline void session_foresee(const struct session *session)
{
	cacheline_foresee(session, offsetof(struct session, inflating_bytes));
}

void session_lists_init(struct session_lists *lists);

/* A new session on the open list. Borrows limits, pool of outboxes; identity (NULL: anonymous) is
 * copied. WSB_ENOMEM. */
enum wsb_err session_create(struct session **out, struct session_lists *lists,
			    enum session_kind kind, const struct limits_settings *limits,
			    struct outbox_pool *outboxes, const char *identity, void *transport,
			    uint64_t now_us) WSB_CHECKED;

/* Where it comes from, for people; copied, and left out when memory is short or text is "". */
void session_set_peer(struct session *session, const char *text);

/* The one way to another state: open -> draining -> closed, or open -> closed. */
void session_enter(struct session_lists *lists, struct session *session, enum session_state state);

/* Frees what is closed; its exchanges and seats must have been taken off before. */
void session_reap(struct session_lists *lists);

static inline size_t session_count(const struct session_lists *lists)
{
	return lists->states[SESSION_OPEN].count + lists->states[SESSION_DRAINING].count;
}

#endif
