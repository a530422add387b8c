/* broker/io/deflate.h: messages under permessage-deflate (RFC 7692, section 7.2), in and out, each
 * for itself. What that takes is shared by all sockets of a loop, and made when first used. */
#ifndef WSB_BROKER_IO_DEFLATE_H
#define WSB_BROKER_IO_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

/* Shorter messages gain nothing that would pay for the work. */
#define DEFLATE_BYTES_MIN 512

/* One piece of what comes out of a message. */
#define INFLATE_PIECE_BYTES ((size_t)32 * 1024)

struct deflater;

/* WSB_ENOMEM. */
enum wsb_err deflater_create(struct deflater **out) WSB_CHECKED;
/* Every inflater must have been given back. NULL is allowed. */
void deflater_destroy(struct deflater *deflater);

/* Appends the message in its compressed form, made with a window of so many bits (9 to 15).
 * WSB_ENOMEM. */
enum wsb_err deflater_pack(struct deflater *deflater, unsigned int window_bits, struct span message,
			   struct strbuf *out) WSB_CHECKED;

/* What reads one message that is under way, and about what it costs. */
#define INFLATER_BYTES ((size_t)44 * 1024)
struct inflater;

/* NULL: no memory. */
struct inflater *inflater_take(struct deflater *deflater);
void inflater_give(struct deflater *deflater, struct inflater *inflater); /* NULL is allowed */

/* Reads on, in bytes that are taken off the front of *packed. *piece is what came out, at most
 * INFLATE_PIECE_BYTES, valid until the next call for any message; when it is full there may be more
 * without any more of packed. ends: the message does, with packed. WSB_EPARSE: this is not what
 * deflate makes. WSB_ENOMEM. */
enum wsb_err inflater_read(struct deflater *deflater, struct inflater *inflater,
			   struct span *packed, bool ends, struct span *piece) WSB_CHECKED;

#endif
