/* broker/journal/pending.h: own events on their way into the log: those that have been sent and are
 * not acknowledged, and those that wait because Redis is away or cannot keep up.
 *
 * What waits is merged: an event that names nothing that is not named by one that waits already
 * is dropped, and of others only what is new is kept. Too many become one flush. Sent events stay
 * as they are, so that sending them again is known for what it is. Pure. */
#ifndef WSB_BROKER_JOURNAL_PENDING_H
#define WSB_BROKER_JOURNAL_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/list.h"
#include "proto/event.h"

struct pending;

#define PENDING_EVENTS_MAX 100000
#define PENDING_BYTES_MAX  ((size_t)64 << 20)

struct pending_event {
	struct list_node link;
	uint64_t serial; /* rises with each event; for those who wait for it */
	/* What it is known by when it is sent again; larger than that of any sent before. 0: not
	 * sent yet. */
	uint64_t number;
	struct event event;	 /* with memory of its own */
	struct span inbox_entry; /* that caused it; absent: none */
	bool indexed;		 /* its names are among those that wait */
	size_t bytes;
};

struct pending_counts {
	size_t waiting, sent;
	size_t bytes; /* of those that wait */
	uint64_t merged;
	uint64_t overflows;
};

enum wsb_err pending_create(struct pending **out, size_t events_max, size_t bytes_max,
			    uint64_t seed) WSB_CHECKED;
void pending_destroy(struct pending *pending); /* NULL is allowed */

/* Copies the event. inbox_entry: absent, or such a one is never merged. merge: it is going to wait.
 * WSB_ENOMEM: it is not among them. */
enum wsb_err pending_add(struct pending *pending, const struct event *event,
			 struct span inbox_entry, bool merge) WSB_CHECKED;

/* The next one to be sent, which counts as sent with this; NULL: none waits. Its number is one more
 * than that of the one before, also when both are sent again. */
const struct pending_event *pending_next(struct pending *pending);
/* So many are there to be sent. */
size_t pending_due(const struct pending *pending);

/* The one sent longest ago that is not acknowledged is in the log. */
void pending_logged(struct pending *pending);
/* It is not: it will be sent anew, under another number. */
void pending_refused(struct pending *pending);

/* The connection is lost: what is not acknowledged comes again, in its order, under its numbers. */
void pending_rewind(struct pending *pending);

/* The serial of the last event that was added; 0: none. Every event up to pending_settled is in the
 * log. */
uint64_t pending_serial(const struct pending *pending);
uint64_t pending_settled(const struct pending *pending);
const struct pending_counts *pending_counts(const struct pending *pending);

#endif
