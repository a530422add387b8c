/* broker/journal/since.h: where those who follow invalidations want to begin. Pure. */
#ifndef WSB_BROKER_JOURNAL_SINCE_H
#define WSB_BROKER_JOURNAL_SINCE_H

#include "broker/journal/journal.h"

enum since {
	SINCE_WHOLE,   /* *cursor is there, and nothing is missing */
	SINCE_HOLE,    /* events may be missing before *cursor: first say so */
	SINCE_INVALID, /* the text means nothing; *cursor is untouched */
};

/* What a `since` may be, for people. */
#define SINCE_WANTED "a position (EPOCH-SEQ), a duration like 10m, an RFC 3339 time, or \"start\""

/* wall_us: now, since 1970. */
enum since since_find(const struct journal *journal, struct span text, uint64_t wall_us,
		      journal_cursor *cursor);

#endif
