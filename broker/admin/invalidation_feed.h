/* broker/admin/invalidation_feed.h: invalidations as Server-Sent Events, from any position on.
 * Pure.
 */
#ifndef WSB_BROKER_ADMIN_INVALIDATION_FEED_H
#define WSB_BROKER_ADMIN_INVALIDATION_FEED_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/journal/journal.h"
#include "common/span.h"
#include "common/strbuf.h"

struct admin_backend;

#define INVALIDATION_FEED_TAGS	16
#define INVALIDATION_FEED_BYTES 1024 /* of all tags together */

/* One follower. It may be copied. */
struct invalidation_feed {
	journal_cursor cursor;
	bool hole; /* it is to be told that something may be missing */
	uint64_t spoke_us;
	size_t tag_count; /* 0: all */
	uint16_t tag_lens[INVALIDATION_FEED_TAGS];
	char tags[INVALIDATION_FEED_BYTES]; /* one behind the other */
};

/* query: tag=GLOB, several times, and since=...; last_event_id: the header of one that comes back,
 * which says more than since; absent spans: there is none. False: out has a sentence on what is
 * wrong; else how the stream begins. */
bool invalidation_feed_begin(struct invalidation_feed *feed, const struct journal *journal,
			     struct span query, struct span last_event_id, uint64_t wall_us,
			     struct strbuf *out);

/* Appends what is new, a part of it when that is much, or takes more than work (see
 * journal_share). False: it has fallen so far behind that the
 * journal has forgotten what comes next: to be cut. */
bool invalidation_feed_step(struct invalidation_feed *feed, const struct admin_backend *backend,
			    size_t work, uint64_t now_us, struct strbuf *out);

#endif
