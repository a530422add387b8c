/* broker/admin/feed.h: events as Server-Sent Events, from those that were on to those to come.
 * Pure. */
#ifndef WSB_BROKER_ADMIN_FEED_H
#define WSB_BROKER_ADMIN_FEED_H

#include <stdint.h>
#include "broker/admin/filter.h"
#include "common/span.h"
#include "common/strbuf.h"

/* Silence ends after so long with a comment, so that what stands between keeps the connection. */
#define FEED_SILENCE_US UINT64_C(15000000)
/* Most bytes that one step adds, but for its last event. */
#define FEED_STEP_BYTES ((size_t)64 << 10)
/* Most events that one step looks at, a quarter of a millisecond: a filter may match none of a day.
 */
#define FEED_STEP_LOOKS 10000

/* One follower. */
struct feed {
	struct filter filter; /* history.after_id: the last event that was looked at */
	uint64_t spoke_us;    /* monotonic */
	/* Who asks for the last few: they are counted first, up to what had happened then. */
	size_t last; /* 0: that is done, or all are asked for */
	size_t found;
	uint64_t found_id; /* up to here */
	uint64_t until_id;
	size_t skip; /* so many of those that match come before the last few */
};

/* filter: as asked for; one that bounds the past nowhere begins with what happens from now on.
 * last_event_id: the one header; absent: none. */
void feed_begin(struct feed *feed, const struct filter *filter, struct span last_event_id,
		const struct history *history);

/* To be called once it lies elsewhere. */
void feed_moved(struct feed *feed);

/* Appends what is new, a part of it when that is much, or takes long to find; nothing when nothing
 * is. */
void feed_step(struct feed *feed, const struct history *history, uint64_t now_us,
	       struct strbuf *out);

#endif
