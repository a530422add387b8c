/* tests/support/stream.h: the bytes that one socket took, read back as WebSocket frames, and a
 * judge of whether they are well-formed (RFC 6455, section 5). */
#ifndef WSB_TESTS_SUPPORT_STREAM_H
#define WSB_TESTS_SUPPORT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include "common/outbox.h"
#include "common/span.h"
#include "common/wsframe.h"

struct stream {
	bool masked; /* what a client sends must be, what a server sends must not */
	bool closed; /* a close frame has been read: nothing may follow */
	char *bytes;
	size_t len;
	size_t capacity;
	size_t at;	  /* the next frame begins here */
	const char *flaw; /* the first thing that was not well-formed; NULL: none */
};

struct frame {
	enum ws_opcode opcode;
	struct span payload; /* unmasked; valid until the stream is touched again */
};

void stream_init(struct stream *stream, bool masked);
void stream_fini(struct stream *stream);

/* Takes up to max bytes from the outbox, as a socket would; returns how many. */
size_t stream_take(struct stream *stream, struct outbox *outbox, size_t max);

/* As if these bytes had been taken, without an outbox: to look at what a socket never got. */
void stream_put(struct stream *stream, struct span bytes);

/* The next whole frame. False: there is none (yet), or the stream has a flaw. */
bool stream_next(struct stream *stream, struct frame *frame);

/* Whether a frame has begun that is not whole yet. */
static inline bool stream_is_inside_frame(const struct stream *stream)
{
	return stream->len > stream->at;
}

#endif
