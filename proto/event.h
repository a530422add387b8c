/* proto/event.h: what the log of invalidations is made of: CloudEvents 1.0 (structured mode), in
 * JSON or as the same map in MessagePack. */
#ifndef WSB_PROTO_EVENT_H
#define WSB_PROTO_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/codec.h"
#include "proto/invalidation.h"
#include "proto/invalidation_read.h"
#include "proto/position.h"

enum event_type {
	EVENT_INVALIDATED, /* wsbroker.cache.invalidated.v1 */
	EVENT_FLUSHED,	   /* wsbroker.cache.flushed.v1: what.all */
	EVENT_RESYNC,	   /* wsbroker.cache.resync.v1: events may be missing */
	EVENT_HEARTBEAT,   /* wsbroker.heartbeat.v1 */
	EVENT_OTHER,	   /* of a later version: to be passed over */
};

const char *event_type_name(enum event_type type); /* as above; "" for EVENT_OTHER */

/* Who caused an invalidation; its word stands in data.cause and in the metric's label. */
enum event_cause {
	CAUSE_PUSH,   /* a rule for pushes */
	CAUSE_WRITE,  /* a route's own write */
	CAUSE_CALL,   /* wsbroker.invalidate */
	CAUSE_ADMIN,  /* the admin API and its commands */
	CAUSE_INBOX,  /* a script, through the inbox on Redis */
	CAUSE_SCRIPT, /* a script, by PUBLISH: unsequenced */
	CAUSE_BUS,    /* it came from another broker */
	CAUSE_RESYNC, /* events may be missing */
	CAUSE_COUNT,
};
const char *event_cause_name(enum event_cause cause);

/* What a broker says of itself. position is the one that it has applied. */
struct event_heartbeat {
	struct span node, version;
	uint64_t clients;
	double score; /* below 0: there is none */
};

/* Spans belong to whoever made the event, or to the event_held that it was read into. */
struct event {
	enum event_type type;
	struct span source, id;	  /* together unlike those of any other event */
	uint64_t time_us;	  /* since 1970, for people; 0: unknown */
	struct position position; /* not set: it has not been numbered */
	struct invalidation what; /* of a resync: everything, soft */
	struct span cause;
	struct event_heartbeat heartbeat;
	struct span
		json; /* what event_write makes of it, where that is at hand; absent: it is not */
};

/* Appends the event, in at most EVENT_BYTES_MAX for what invalidation_next_part made. A position
 * that is not set is null. WSB_ENOMEM: out has been written to. */
enum wsb_err event_write(enum encoding encoding, const struct event *event,
			 struct strbuf *out) WSB_CHECKED;

/* The same for one who numbers it later: without the token of the position (a JSON string with its
 * quotes, a str of MessagePack), which belongs at *gap, counted from the start of out. WSB_ENOMEM.
 */
enum wsb_err event_write_around(enum encoding encoding, const struct event *event,
				struct strbuf *out, size_t *gap) WSB_CHECKED;

/* An event with the memory of what it says, as far as that does not stand in the text. */
struct event_held {
	struct event event;
	json_t *tree;
	struct span *spans;
};

/* Reads one, which text must outlive; the caller finishes *out. Every byte may be hostile.
 * WSB_EPARSE: no CloudEvent, or one of our types whose data is not what it must be; WSB_ELIMIT:
 * longer than EVENT_BYTES_MAX, or too many names; WSB_ENOMEM. *out is empty then. */
enum wsb_err event_read(enum encoding encoding, struct span text,
			struct event_held *out) WSB_CHECKED;
void event_held_fini(struct event_held *held);

/* It stands at this place of the log; a text that says otherwise is not its own. */
void event_place(struct event *event, struct position at);

/* Whether a reader that asked for tags like these (globs, count may be 0: for everything) is to be
 * told of it: what names such a tag, or a glob that may mean one, and what concerns everything. */
bool event_concerns(const struct event *event, const struct span *globs, size_t count);

#endif
