/* proto/invalidation.h: what is not true any more, in the words that the cache, the events and
 * every way of asking for an invalidation share. */
#ifndef WSB_PROTO_INVALIDATION_H
#define WSB_PROTO_INVALIDATION_H

#include <stdbool.h>
#include <stddef.h>
#include "common/span.h"

enum invalidation_mode {
	INVALIDATE_HARD, /* gone at once */
	INVALIDATE_SOFT, /* may be served as stale while it is refreshed */
};

/* How many of several tags an entry must carry. */
enum invalidation_match { MATCH_ANY, MATCH_ALL };

/* An entry is hit by any of: its tags (as match says), its name, its method, or all. Spans are
 * borrowed. Tags and methods are globs (common/glob.h): who means a text that may hold * ? or \
 * puts a \ before each. Keys are names of entries, taken as they are. */
struct invalidation {
	enum invalidation_mode mode;
	enum invalidation_match match;
	const struct span *tags;
	size_t tag_count;
	const struct span *keys;
	size_t key_count;
	const struct span *methods;
	size_t method_count;
	bool all;
};

#endif
