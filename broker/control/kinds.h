/* broker/control/kinds.h: what is counted, by how it ended and why, each with its name in metrics,
 * logs and answers. */
#ifndef WSB_BROKER_CONTROL_KINDS_H
#define WSB_BROKER_CONTROL_KINDS_H

#include <stdint.h>

/* How requests end; every accepted one ends in exactly one of these. */
enum request_result {
	RESULT_OK,    /* the upstream's success */
	RESULT_ERROR, /* the upstream's error answer, passed on */
	RESULT_UNAVAILABLE,
	RESULT_UPSTREAM_LOST,
	RESULT_TIMEOUT,
	RESULT_OVERLOADED,
	RESULT_RATE_LIMITED,
	RESULT_NO_ROUTE,
	RESULT_METHOD_DENIED,
	RESULT_PARSE_ERROR,
	RESULT_INVALID,
	RESULT_NOT_CACHED,
	RESULT_CACHED,	  /* answered out of the cache */
	RESULT_LOCAL,	  /* answered by the broker: wsbroker.*, respond */
	RESULT_DROPPED,	  /* by a route that says so: the only ones without an answer */
	RESULT_ABANDONED, /* its client has gone */
	RESULT_COUNT,
};
const char *request_result_name(enum request_result result); /* "ok", "error", "unavailable", ... */

/* Which side a message or a close came from. */
enum wire_side { SIDE_CLIENT, SIDE_UPSTREAM, SIDES };

/* Closes are counted by these codes; every other one as "other". */
enum close_class {
	CLOSE_NONE, /* the socket went without a close frame */
	CLOSE_1000,
	CLOSE_1001,
	CLOSE_1002,
	CLOSE_1003,
	CLOSE_1007,
	CLOSE_1008,
	CLOSE_1009,
	CLOSE_1011,
	CLOSE_1012,
	CLOSE_1013,
	CLOSE_OTHER,
	CLOSE_CLASSES,
};
const char *close_class_name(enum close_class close_class);
enum close_class close_class_of(uint16_t code); /* 0: none */

/* Upgrades and posts refused before they began, by reason. */
enum refusal_kind {
	REFUSAL_BAD_REQUEST,
	REFUSAL_UNAUTHORIZED,
	REFUSAL_ORIGIN,
	REFUSAL_NOT_FOUND,
	REFUSAL_RATE,
	REFUSAL_FULL,
	REFUSAL_DRAINING,
	REFUSAL_TOO_LARGE,
	REFUSAL_UNAVAILABLE, /* no upstream for a client of a session listener */
	REFUSAL_UPSTREAM,    /* it would not have that client */
	REFUSAL_KINDS,
};
const char *refusal_name(enum refusal_kind kind);

/* Why an upstream message went to nobody, or a client was cut. */
enum oddity {
	ODD_UNREADABLE,	  /* not JSON, not MessagePack */
	ODD_UNKNOWN_ID,	  /* an answer to a question never asked there */
	ODD_LATE,	  /* an answer to a request that has ended */
	ODD_PUSH,	  /* a push that no rule forwards */
	ODD_ORPHAN_ERROR, /* an error with id null */
	ODD_NOT_TRANSCODABLE,
	ODD_TOO_BIG,	 /* longer than any client's send buffer */
	ODD_SLOW_READER, /* a client cut because it does not read */
	ODD_CLIENT_UNREADABLE,
	ODD_NOTIFICATION_EXPIRED,
	ODDITIES,
};
const char *oddity_name(enum oddity oddity);

/* Why a subscriber may miss events. */
enum gap_reason {
	GAP_UPSTREAM_LOST,
	GAP_MOVED,	      /* its connection was drained; mostly nothing is missing */
	GAP_NOT_TRANSCODABLE, /* an event that its encoding cannot carry */
	GAP_OVERFLOW,	      /* too many events came before its batch was answered */
	GAP_UNAVAILABLE,      /* it could not be restored: the subscription has ended */
	GAP_POOL_REMOVED,     /* it has ended with its pool */
	GAP_REASONS,
};
const char *gap_reason_name(enum gap_reason reason);

/* Why an event of the log is passed over. */
enum event_flaw {
	EVENT_FLAW_DUPLICATE, /* its source and id have been seen, or its position is no news */
	EVENT_FLAW_UNKNOWN,   /* of a type that this version does not know */
	EVENT_FLAWS,
};
const char *event_flaw_name(enum event_flaw flaw);

/* Whose word changes a size that follows the load. */
#define AUTOSCALER "autoscaler"

#endif
