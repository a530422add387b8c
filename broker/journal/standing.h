/* broker/journal/standing.h: whether a reader may go on where it was. Pure.
 *
 * Two holes that contiguous numbers do not show: Redis has lost its data, and the numbering began
 * again below the reader, who would wait for ever; or a failover has lost the tail, and its numbers
 * were given out again for other events. */
#ifndef WSB_BROKER_JOURNAL_STANDING_H
#define WSB_BROKER_JOURNAL_STANDING_H

#include <stdbool.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "broker/journal/redis_value.h"
#include "proto/position.h"

/* Redis counts in floating point: behind this no number is exact. An epoch behind it is none. */
#define STANDING_NUMBER_MAX (UINT64_C(1) << 53)

static inline bool standing_is_possible(struct position position)
{
	return position.epoch <= STANDING_NUMBER_MAX && position.seq <= STANDING_NUMBER_MAX;
}

/* What script_look answers. */
struct look {
	struct span epoch;   /* as it is written there; absent: there is none */
	struct position top; /* epoch and counter; not set: there is no epoch, or no possible one */
	struct position newest; /* entry of the stream; not set: it is empty */
	struct span newest_event;
	struct span own_event; /* at the reader's own position; absent: there is no such entry */
};

/* WSB_EPARSE: it is no such answer. Spans belong to value. */
enum wsb_err look_read(const struct redis_value *value, struct look *out) WSB_CHECKED;

enum standing {
	STANDING_WHOLE,	   /* the same entry is there: what comes after it is what was missed */
	STANDING_FRESH,	   /* the reader has no place yet */
	STANDING_HOLE,	   /* its last entry is gone, or the numbering is another one */
	STANDING_RENUMBER, /* the numbers cannot be trusted: a new epoch has to begin */
};

/* own: the reader's position. is_same: whether own_event is the event that it knows from there. */
enum standing standing_judge(const struct look *look, struct position own, bool is_same);

#endif
