/* broker/control/command.h: what an operator may ask of a running instance, as plain data, and
 * what came of it. engine_apply carries commands out. */
#ifndef WSB_BROKER_CONTROL_COMMAND_H
#define WSB_BROKER_CONTROL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/control/arena.h"
#include "common/err.h"
#include "proto/position.h"

struct endpoint_settings;
struct invalidation;

/* Behind each: the members beside pool, actor and reason that it looks at. */
enum command_kind {
	COMMAND_POOL_RESIZE,   /* number: the new size. An operation; pins the size */
	COMMAND_POOL_BOUNDS,   /* min, max: those of autoscale; COMMAND_KEEP: as it is */
	COMMAND_POOL_UNPIN,    /* the autoscaler may change the size again */
	COMMAND_POOL_BALANCER, /* text: its name */
	COMMAND_POOL_PAUSE,    /* timeout_us. An operation, done when nothing is in flight */
	COMMAND_POOL_RESUME,
	COMMAND_POOL_RECONNECT,	 /* an operation: each connection is replaced */
	COMMAND_ENDPOINT_ADD,	 /* add; an operation, done when it has a ready connection */
	COMMAND_ENDPOINT_REMOVE, /* endpoint, force; an operation */
	COMMAND_ENDPOINT_DRAIN,	 /* endpoint, force; an operation */
	COMMAND_ENDPOINT_MAINT,	 /* endpoint, force; an operation */
	COMMAND_ENDPOINT_READY,	 /* endpoint; an operation, done when it has a ready connection */
	COMMAND_ENDPOINT_WEIGHT, /* endpoint, number */
	COMMAND_CLIENT_KICK,	 /* number: the client's id. No pool */
	/* what; with timeout_us an operation, done when every live broker has applied it. No pool
	 */
	COMMAND_INVALIDATE,
	COMMAND_DRAIN, /* the whole broker, as on SIGTERM. No pool */
	COMMAND_KINDS,
};

/* "pool resize", "endpoint drain", "client kick", "drain": as it is typed. */
const char *command_name(enum command_kind kind);
/* Whether it is about one endpoint of a pool. */
bool command_has_endpoint(enum command_kind kind);

#define COMMAND_KEEP (-1) /* leaves this one of the bounds as it is */

struct command {
	enum command_kind kind;
	const char *pool;
	const char *endpoint;
	int64_t number;
	int64_t min;
	int64_t max; /* of a rehearsed resize: what it will be; 0 or less: as it is */
	const char *text;
	struct {
		const char *url;
		const char *name; /* NULL: host:port */
		int64_t weight;	  /* 0: 1 */
		int64_t tier;	  /* 0: 1 */
	} add;
	const struct invalidation *what;
	bool rehearsal;	     /* only says whether it could be done now; changes nothing */
	bool force;	     /* even where no healthy endpoint is left */
	uint64_t timeout_us; /* 0: none */
	const char *actor;   /* name of a token, "uid 1000"; NULL: "broker" */
	const char *reason;  /* an operator's words; NULL or "": none */
};

enum outcome_kind {
	OUTCOME_DONE,	   /* at once */
	OUTCOME_ACCEPTED,  /* goes on as an operation */
	OUTCOME_NOT_FOUND, /* no such pool, endpoint or client */
	OUTCOME_INVALID,   /* never possible so */
	OUTCOME_CONFLICT,  /* not possible now */
	OUTCOME_NO_MEMORY,
};

struct outcome {
	enum outcome_kind kind;
	uint64_t operation; /* its id when accepted; 0: none */
	/* Of an invalidation: how many entries it hit, and its place in the log; not set: the bus
	 * has not numbered it yet. */
	uint64_t invalidated;
	struct position position;
	char detail[256]; /* one sentence for people: what was done, or why not */
};

/* The settings that command->add describes, checked as those of a file are; the texts live in the
 * arena. WSB_EINVAL: *why is a sentence that shows nothing of the URL, which may hold a secret;
 * WSB_ENOMEM. */
enum wsb_err command_read_endpoint(struct arena *arena, const struct command *command,
				   struct endpoint_settings *out, const char **why) WSB_CHECKED;

#endif
