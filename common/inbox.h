/* common/inbox.h: puts the pieces of one incoming message together, within bounds.
 * The message that arrives in one piece is never copied. */
#ifndef WSB_COMMON_INBOX_H
#define WSB_COMMON_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include "common/span.h"

struct inbox {
	char *data; /* NULL unless pieces were gathered; see inbox_release */
	size_t len;
	size_t capacity;
	size_t frames; /* WebSocket frames that ended in the message so far */
	size_t *held;  /* what this and others have allocated; NULL: nobody asks */
};

enum inbox_verdict {
	INBOX_MORE,
	INBOX_COMPLETE, /* *message is valid until the next call */
	INBOX_TOO_BIG,	/* more than bytes_max */
	INBOX_TOO_MANY, /* more than frames_max frames */
	INBOX_NO_MEMORY,
};

/* What is allocated is added to *held, which must outlive the inbox; NULL: nobody counts. */
void inbox_init(struct inbox *inbox, size_t *held);
void inbox_fini(struct inbox *inbox);

/* Frees what the last message was gathered in, for whoever is about to fall silent; the next
 * inbox_add would do it too. Ends a message that is half there. */
void inbox_release(struct inbox *inbox);

/* Adds a piece. ends_frame: the WebSocket frame ends with it; ends_message: the message does.
 * Declared lengths are never believed: memory grows with what has arrived. Any verdict but
 * INBOX_MORE leaves the inbox ready for a new message. */
enum inbox_verdict inbox_add(struct inbox *inbox, struct span piece, bool ends_frame,
			     bool ends_message, size_t bytes_max, size_t frames_max,
			     struct span *message);

#endif
