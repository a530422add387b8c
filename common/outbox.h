/* common/outbox.h: what waits to be written to one socket: a bounded run of ready frames.
 *
 * Writers reserve space at the tail, fill it and commit whole WebSocket frames. The writer of the
 * socket takes bytes from the head, in any portions. Memory comes from a pool of chunks and goes
 * back when the outbox is empty, so an idle socket holds none and busy ones share the few that are
 * warm in the cache. */
#ifndef WSB_COMMON_OUTBOX_H
#define WSB_COMMON_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"

/* Spare chunks shared by the outboxes of one loop. */
struct outbox_pool {
	void *spare; /* linked through their first bytes */
	size_t spare_count;
	size_t spare_max;
	size_t chunk_bytes; /* what an outbox begins with; small for many sockets, large for busy
			       ones */
	size_t bytes;	    /* held by all outboxes of the pool now: what limits.memory counts */
};

void outbox_pool_init(struct outbox_pool *pool, size_t chunk_bytes, size_t spare_max);
void outbox_pool_fini(struct outbox_pool *pool); /* every outbox must be finished before */

struct outbox {
	struct outbox_pool *pool;
	char *data; /* NULL while empty */
	size_t capacity;
	size_t head;
	size_t tail;
	size_t limit;	 /* pending bytes never pass this, except through outbox_reserve_beyond */
	size_t frame_at; /* offset of the first frame that has not begun to leave, >= head */
	uint64_t handed_bytes; /* taken since the beginning */
};

/* Borrows pool. limit is in bytes. */
void outbox_init(struct outbox *outbox, struct outbox_pool *pool, size_t limit);
void outbox_fini(struct outbox *outbox);

/* Contiguous room for len bytes at the tail; valid until the next call on this outbox.
 * WSB_ELIMIT: pending bytes would pass the limit; WSB_ENOMEM. Nothing is reserved then. */
enum wsb_err outbox_reserve(struct outbox *outbox, size_t len, char **at) WSB_CHECKED;

/* As outbox_reserve, without the limit: for the few bytes of a control frame. */
enum wsb_err outbox_reserve_beyond(struct outbox *outbox, size_t len, char **at) WSB_CHECKED;

/* Makes the first len reserved bytes pending: one or several whole frames. */
void outbox_commit(struct outbox *outbox, size_t len);

/* All that waits, contiguous; empty when nothing does. Valid until the next call. */
struct span outbox_pending(const struct outbox *outbox);

/* The socket took len bytes (<= pending). */
void outbox_consume(struct outbox *outbox, size_t len);

/* The first len bytes will leave as they are, even if the socket has not taken them yet: TLS has
 * put them into a record. The frames that they belong to have begun to leave. */
void outbox_pledge(struct outbox *outbox, size_t len);

/* Bytes committed since the beginning: a frame whose first byte stands at position p (asked for
 * before it is reserved) has not begun to leave while p >= outbox->handed_bytes. */
uint64_t outbox_position(const struct outbox *outbox);

static inline size_t outbox_bytes(const struct outbox *outbox)
{
	return outbox->tail - outbox->head;
}

/* The whole frames of which no byte has left; valid until the next call on this outbox. */
static inline struct span outbox_unbegun(const struct outbox *outbox)
{
	return outbox->data
		       ? span_of(outbox->data + outbox->frame_at, outbox->tail - outbox->frame_at)
		       : span_of("", 0);
}

/* Drops every WebSocket frame that has not begun to leave; the rest of the one under way stays.
 * Returns the number of bytes dropped. */
size_t outbox_cut(struct outbox *outbox);

#endif
