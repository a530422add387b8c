/* broker/pool/connection.h: one upstream WebSocket. Its state is the list it stands on. */
#ifndef WSB_BROKER_POOL_CONNECTION_H
#define WSB_BROKER_POOL_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/pool/endpoint.h"
#include "broker/pool/greeting.h"
#include "common/inbox.h"
#include "common/list.h"
#include "common/outbox.h"

enum connection_state {
	CONNECTION_DIALING, /* resolving, TCP, TLS, upgrade */
	CONNECTION_WARMING, /* upgraded; greeting and first probe under way */
	CONNECTION_READY,
	CONNECTION_DRAINING, /* gets nothing new; closed when empty */
	CONNECTION_CLOSED,   /* forgotten at the next pool_reap */
	CONNECTION_STATES,
};

const char *connection_state_name(enum connection_state state);

/* Counted since the connection began. */
struct connection_stats {
	uint64_t requests;
	uint64_t bytes_in;
	uint64_t bytes_out;
};

/* A connection that lasts as long as this after it was ready ends its endpoint's back-off. */
#define CONNECTION_PROVEN_US UINT64_C(1000000)

struct connection {
	struct list_node state_link;
	enum connection_state state;
	struct pool *pool;
	struct endpoint *endpoint;
	uint64_t id;	 /* unique in the process, never reused */
	void *transport; /* io's side; NULL before it is open and after it has closed */
	struct outbox outbox;
	struct inbox inbox;
	struct list attempts; /* the engine's: what was sent on it and waits for an answer */
	/* The engine's, where clients stay on one connection: who does, who of them waits for a
	 * place on it, and the notifications that wait in its outbox. */
	struct list clients;
	struct list waiting;
	struct list notifications;
	struct list doubts; /* the engine's: writes that may be done yet, and nobody waits for */
	struct list feeds;  /* the engine's: what it is subscribed to, or asks to be */
	uint32_t feeds_max; /* as many as it was seen to take; 0: it has refused none yet */
	struct greeting greeting;
	struct handover *handover; /* it gives the role of the source away or gets it; else NULL */
	uint64_t greeting_end;	   /* position in the outbox behind what greeted it */
	uint64_t calls_begin;	   /* the same around what was sent to it as the source of pushes */
	uint64_t calls_end;
	uint32_t in_flight;	/* leases out */
	uint32_t unread;	/* notifications written that no pong has shown to be read yet */
	uint32_t pinged;	/* of these, before the ping that is out */
	uint32_t max_in_flight; /* as many as it may carry */
	bool standby;		/* of a higher tier: not counted by size */
	bool dedicated;		/* carries pushes and nothing else: not counted by size */
	bool push_source;	/* its pushes count, see pool_push_counts */
	bool carries;		/* is one of those that the balancer chooses from */
	bool stale;		/* to be replaced: make before break */
	uint32_t handicap;	/* of HANDICAP_UNIT: what is missing from its full share */
	bool ping_waits;	/* a ping is out */
	bool first_pong;	/* the first ping was answered */
	bool first_call;	/* the first call was, as expected */
	uint64_t ping_position; /* of the latest one in the outbox */
	uint64_t call_id;	/* of the latest call on it; 0: none */
	uint64_t call_us;	/* when the first one was sent */
	/* Why we gave it up, a reason for pool_connection_lost; NULL: we have not. */
	const char *doom;
	/* Why it shall go of our own wish, once nothing is in flight; NULL: it need not. */
	const char *farewell;
	uint64_t ping_at_us;  /* when the ping under way was sent, else when the next is due */
	uint64_t ping_rtt_us; /* of the last one; 0: none yet */
	uint64_t since_us;    /* of the present state */
	uint64_t ready_at_us; /* 0: never was */
	uint64_t ramp_us;     /* slow start: when it joined; 0: it has its full share */
	uint64_t stale_us;    /* when max_age makes it stale; 0: never */
	uint16_t close_code;  /* from the peer's close frame; 0: there was none */
	bool proven;	      /* was ready for CONNECTION_PROVEN_US */
	double ewma_us;	      /* peak-sensitive average of answer times; 0: none yet */
	uint64_t ewma_at_us;
	struct connection_stats stats;
};

#endif
