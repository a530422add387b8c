/* proto/event_words.h: what stands in the texts of events, for those that write and read them, and
 * the two ways of reading one. */
#ifndef WSB_PROTO_EVENT_WORDS_H
#define WSB_PROTO_EVENT_WORDS_H

#include "proto/event.h"

struct event_words {
	const char *type;
	const char *op;
};

/* Of each type but EVENT_OTHER. */
extern const struct event_words event_words[EVENT_OTHER];

/* Of a source or an id. */
#define EVENT_NAME_BYTES_MAX  256
#define EVENT_CAUSE_BYTES_MAX 64

/* Reads an invalidation or a flush that is, byte for byte, what event_write makes of it in JSON,
 * which is what a log is full of; out borrows the text. False, with *out empty: it is to be read as
 * a tree; whether it is an event that will show. Whatever is read here would be read alike there.
 */
bool event_scan(struct span text, struct event_held *out);
/* Reads any event, as event_read promises. */
enum wsb_err event_read_tree(enum encoding encoding, struct span text,
			     struct event_held *out) WSB_CHECKED;

#endif
