/* proto/invalidation_read.h: invalidations as calls, the admin API and scripts write them, and in
 * pieces that fit into events. */
#ifndef WSB_PROTO_INVALIDATION_READ_H
#define WSB_PROTO_INVALIDATION_READ_H

#include <jansson.h>
#include <stddef.h>
#include "common/err.h"
#include "proto/invalidation.h"

/* Of each. A tag has up to 256 bytes; its glob may need a backslash before each of them. */
#define TAG_GLOB_BYTES_MAX    512
#define ENTRY_KEY_BYTES_MAX   256
#define METHOD_GLOB_BYTES_MAX 512

/* An invalidation with the memory of its lists; their texts belong to the tree it was read from. */
struct invalidation_held {
	struct invalidation what;
	struct span *spans;
};

/* The longest sentence about what is wrong. */
#define INVALIDATION_WHY_MAX 160

/* Reads {tags, match, keys, methods, all, mode}: at least one of tags, keys and methods (a text or
 * an array of texts each), or all: true alone. Borrows members, which must outlive *out; the caller
 * finishes *out. WSB_EINVAL: why says what is wrong, in a sentence without its full stop; members
 * that callers add (reason, wait) have to be taken out before. WSB_ENOMEM. *out is empty then. */
enum wsb_err invalidation_read(const json_t *members, struct invalidation_held *out,
			       char why[INVALIDATION_WHY_MAX]) WSB_CHECKED;
void invalidation_held_fini(struct invalidation_held *held);

/* No event names more tags, keys or methods than this, of each; nor is its JSON text longer. */
#define EVENT_NAMES_MAX 1000
#define EVENT_BYTES_MAX 65536U

/* What is left of an invalidation that may be too large for one event. Start with {.rest = what}.
 */
struct invalidation_parts {
	struct invalidation rest;
	bool begun;
};

/* The next piece of it; false: that was all. Pieces share the memory of the whole, and hit what it
 * hits. Tags of which an entry must carry all stay together: invalidation_read takes no more of
 * them than fit. */
bool invalidation_next_part(struct invalidation_parts *parts, struct invalidation *part);

#endif
