/* broker/journal/journal.h: the latest events of the log, for those who follow it: where each one
 * stands, its text in either form, and whether a reader that was away has missed any.
 *
 * Without a bus the journal is the log: it numbers what it is given. With one it keeps what the bus
 * has numbered. Positions in it only rise. Pure. */
#ifndef WSB_BROKER_JOURNAL_JOURNAL_H
#define WSB_BROKER_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "proto/event.h"

/* So many are kept, unless they take more than this. */
#define JOURNAL_EVENTS_MAX 10000
#define JOURNAL_BYTES_MAX  (32U << 20)

struct journal;

/* An empty log whose numbering begins now: epoch_ms is the time since 1970. */
enum wsb_err journal_create(struct journal **out, uint64_t epoch_ms, uint64_t seed) WSB_CHECKED;
void journal_destroy(struct journal *journal); /* NULL is allowed */

/* For a bus, before anything is appended: what comes next is what follows this position there. */
void journal_begin(struct journal *journal, struct position at);

/* The position of the latest event, or the one before the first. */
struct position journal_top(const struct journal *journal);
size_t journal_count(const struct journal *journal); /* kept now */
size_t journal_bytes(const struct journal *journal); /* that they take */

/* Whether the event with this source and id is among those kept: coming again, it is a duplicate.
 */
bool journal_knows(const struct journal *journal, struct span source, struct span id);

/* Keeps a copy. An event without a position gets the next one; a resync without one, or with one
 * that is not above the top, stands where the top is, and readers come past it. *numbered (may be
 * NULL) is the position it has now. WSB_EEXIST: the position is not above the top; WSB_ENOMEM:
 * readers will find a hole. */
enum wsb_err journal_append(struct journal *journal, const struct event *event,
			    struct position *numbered) WSB_CHECKED;

/* At this position stands what no reader is to see: a duplicate, an event of a later version. It is
 * no hole, and a reader may come from there. Errors as above. */
enum wsb_err journal_pass(struct journal *journal, struct position at) WSB_CHECKED;

/* What stands directly before the oldest that is kept, for those who come back from further away;
 * whoever reads already is behind it. is_shown: readers are to see it, unless it comes once more
 * later. WSB_EEXIST: it stands elsewhere; WSB_ELIMIT: as much is kept as may be; WSB_ENOMEM. */
enum wsb_err journal_recall(struct journal *journal, const struct event *event,
			    bool is_shown) WSB_CHECKED;

/* A reader's place: what it reads next. Holds for as long as the journal does. */
typedef uint64_t journal_cursor;

/* Where one goes on that has seen everything up to this position. False: events may be missing in
 * between, *cursor is the end: tell it that, and then what comes. */
bool journal_since(const struct journal *journal, struct position seen, journal_cursor *cursor);

/* The first that happened at wall_us or later, by the clocks of their makers; 0: the first of all.
 * False: earlier ones that would belong there may have been forgotten. */
bool journal_since_time(const struct journal *journal, uint64_t wall_us, journal_cursor *cursor);

/* Behind the latest. */
journal_cursor journal_end(const struct journal *journal);

struct journal_entry {
	/* The tags are here, keys and methods are not: for those there are the texts. */
	struct event event;
	struct span json;
};

/* The text of an entry in MessagePack, written when it is asked for first; valid for as long as the
 * entry. Absent: there is no memory. */
struct span journal_packed(struct journal *journal, const struct journal_entry *entry);

/* Whether what the cursor's reader needs next is still kept, or has not come yet. */
bool journal_holds(const struct journal *journal, journal_cursor cursor);

/* The entry at the cursor, which moves behind it; valid until the journal changes. WSB_ENOENT: none
 * has come yet. WSB_ELIMIT: the reader was so slow that what it needs is forgotten. */
enum wsb_err journal_next(const struct journal *journal, journal_cursor *cursor,
			  const struct journal_entry **out) WSB_CHECKED;

/* Who follows may ask for what concerns any of some globs of tags, and looking for that takes time,
 * in which nobody else is served. So much of it, in comparisons of a tag with a glob, one of so
 * many readers may spend on a step. */
size_t journal_share(size_t readers);

/* The next that concerns any of these globs (none: all do), as journal_next. *work, which is above
 * 0, falls by what was spent. WSB_ETIMEOUT: that was all there was; the cursor has come nearer. */
enum wsb_err journal_next_of(const struct journal *journal, journal_cursor *cursor,
			     const struct span *globs, size_t glob_count, size_t *work,
			     const struct journal_entry **out) WSB_CHECKED;

#endif
