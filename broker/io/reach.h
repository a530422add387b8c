/* broker/io/reach.h: the way to a server: its name is looked up, its addresses are tried one after
 * the other, TLS is begun where it is wanted; in the end a stream stands. */
#ifndef WSB_BROKER_IO_REACH_H
#define WSB_BROKER_IO_REACH_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/io/resolver.h"
#include "broker/io/stream.h"
#include "broker/io/ws_context.h"
#include "common/list.h"

/* Where to. Borrowed for as long as it takes. */
struct ws_target {
	const char *unix_path; /* NULL: host and port */
	const char *host;      /* a name or an address, without brackets */
	const char *address;   /* where the host is; NULL: it is looked up */
	uint16_t port;
	bool tls;
	const char *path; /* with the query; at least "/" */
};

struct reach;

struct reach_events {
	/* The stream stands, and is watched for nothing; whoever owns it says who is told of it
	 * from now on, see stream_hand. */
	void (*done)(struct reach *reach);
	/* cause: dns, connect or tls. The stream may have to be closed. */
	void (*failed)(struct reach *reach, const char *cause, const char *text);
};

struct reach {
	const struct reach_events *events;
	struct ws_context *context;
	struct list *steps;    /* the owner's: see reach_turn */
	struct stream *stream; /* the owner's */
	const struct ws_target *target;
	void *ssl_context; /* held while it is under way; used where target->tls */
	bool verify;
	struct list_node step;
	enum reach_stage {
		REACH_IDLE,
		REACH_RESOLVING,
		REACH_CONNECTING, /* TCP or a Unix socket */
		REACH_SECURING,	  /* TLS */
	} stage;
	size_t address_at;	      /* the one being tried */
	int error;		      /* errno of the last one that failed; 0: unknown */
	struct resolver_query *query; /* under way, or NULL */
	struct resolver_answer answer;
};

/* Nothing is under way. Borrows all it is given. */
void reach_init(struct reach *reach, struct ws_context *context, const struct reach_events *events,
		struct list *steps, struct stream *stream);

/* Begins; nothing is told before this returns. The stream is closed. */
void reach_begin(struct reach *reach, const struct ws_target *target, void *ssl_context,
		 bool verify);

/* Nothing is told any more; the stream is the owner's to close. May be called at any time. */
void reach_give_up(struct reach *reach);

/* What failed when patience ended now. */
const char *reach_cause(const struct reach *reach);

/* Goes on with what could not be done inside a callback. Call once per turn. */
void reach_turn(struct list *steps);

#endif
