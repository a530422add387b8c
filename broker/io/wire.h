/* broker/io/wire.h: one WebSocket, whichever side opened it: its stream, what waits to be written,
 * how it closes and when its time is up. Whoever dials or accepts embeds a wire and is told what
 * happens; broker/io/ws_frames.h reads and writes its frames.
 *
 * All frames, control frames included, are written whole from the outbox, with one call for all
 * that has gathered in a turn. */
#ifndef WSB_BROKER_IO_WIRE_H
#define WSB_BROKER_IO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/pongs.h"
#include "broker/io/stream.h"
#include "broker/io/ws_context.h"
#include "common/cacheline.h"
#include "common/list.h"
#include "common/outbox.h"
#include "common/span.h"
#include "common/timerq.h"
#include "common/wsreader.h"

#define WIRE_REASON_MAX 123

enum wire_state {
	WIRE_SHAKING, /* not yet a WebSocket */
	WIRE_OPEN,
	WIRE_CLOSING, /* our close frame is pending or out; the peer's is awaited */
	WIRE_LEAVING, /* nothing more is written, and what still comes is thrown away */
	WIRE_DEAD,    /* nothing is read or written any more; its end is about to be reported */
};

struct wire;
struct ws_deflate;

struct wire_events {
	/* Bytes of a message, in order; valid during the call. None follow a pause. */
	void (*data)(struct wire *wire, bool binary, struct span piece, uint64_t frame_left,
		     bool ends_message);
	void (*pong)(struct wire *wire);
	/* So many bytes are held for a compressed message of which only a part has come. Never
	 * called for a wire that does not inflate. */
	void (*inflates)(struct wire *wire, size_t bytes);
	/* The end of a turn in which wire_want_write was called while shaking. NULL: nothing to do.
	 */
	void (*flush)(struct wire *wire);
	/* The deadline has passed while shaking; wire_abort follows. NULL: nothing to add. */
	void (*late)(struct wire *wire);
	/* Why it is about to end: a constant word, and text for people; wire_abort follows. NULL:
	 * nobody asks. */
	void (*fault)(struct wire *wire, const char *cause, const char *text);
	/* It is dead now. NULL: nothing to add. */
	void (*dropped)(struct wire *wire);
	/* The last call, never from within a call on the wire, which may be freed in it. */
	void (*ended)(struct wire *wire);
};

/* In the order of how often it is looked at: each message touches what stands before control frames
 * in the reader, and nothing behind it. */
struct wire {
	struct ws_context *context;
	const struct wire_events *events;
	struct stream stream;
	struct outbox *outbox;	    /* NULL unless open or closing */
	struct list_node dirty;	    /* on context->dirty */
	struct ws_deflate *deflate; /* NULL: nothing is compressed */
	char *rest;		    /* read when it was paused, not looked at yet; NULL: nothing */
	enum wire_state state;
	bool outgoing; /* we are the client: our frames are masked, the peer's are not */
	bool paused;
	bool blocked;	  /* the socket took less than there was, and will say when it takes more */
	bool mute;	  /* it takes nothing any more; what it has received can still be read */
	bool deaf;	  /* what still comes is thrown away */
	bool peer_closed; /* its close frame has come */
	struct pongs pongs;
	struct wsreader reader;

	size_t rest_len;
	struct list_node step; /* on context->wires, at last on context->ended */
	struct timer deadline;
	uint16_t peer_code; /* of its close frame; 0: it had none */
	uint8_t peer_reason_len;
	char peer_reason[WIRE_REASON_MAX];
};

/* Asks for what is needed to write it, before it is its turn. */
static inline void wire_foresee(const struct wire *wire)
{
	cacheline_foresee(wire, offsetof(struct wire, pongs.count));
}

/* With a closed stream. */
void wire_init(struct wire *wire, struct ws_context *context, const struct wire_events *events,
	       bool outgoing);

/* The handshake must be done by then; wire_opened calls the deadline off. */
void wire_give_time(struct wire *wire, uint64_t deadline_us);

/* The WebSocket stands: frames are read, and written from outbox, from now on. */
void wire_opened(struct wire *wire, struct outbox *outbox);

/* Whether frames are written and read. */
static inline bool wire_is_up(const struct wire *wire)
{
	return wire->state == WIRE_OPEN || wire->state == WIRE_CLOSING;
}

/* Something is pending: it is written at the end of the turn. */
static inline void wire_want_write(struct wire *wire)
{
	if (!list_is_linked(&wire->dirty) && wire->state < WIRE_LEAVING)
		list_append(&wire->context->dirty, &wire->dirty);
}

/* Hands over what is pending, as far as the socket takes it. */
void wire_flush(struct wire *wire);

/* Pending frames, then a close frame, then wait for the peer's; at most WIRE_CLOSE_US for all. */
void wire_close(struct wire *wire, uint16_t code, struct span reason);
#define WIRE_CLOSE_US UINT64_C(5000000)

/* All has been written. The socket is read on for a moment: one that is closed with bytes unread is
 * reset, and the peer may lose what it was told last. */
void wire_leave(struct wire *wire) WSB_RARE;
#define WIRE_LEAVE_US UINT64_C(2000000)

/* Drops the socket. Its end is reported later, never before this returns. */
void wire_abort(struct wire *wire) WSB_RARE;
/* The same, saying why; as wire_events.fault. */
void wire_fail(struct wire *wire, const char *cause, const char *text) WSB_RARE;

/* Stops or resumes reading frames. */
void wire_pause(struct wire *wire, bool paused);

/* Remembers the peer's close frame. code 0: it had none. */
void wire_note_close(struct wire *wire, uint16_t code, struct span reason);

/* Appends a close frame to outbox, masked as its side must. As wsframe_append_close. */
enum wsb_err wire_append_close(const struct wire *wire, struct outbox *outbox, uint16_t code,
			       struct span reason) WSB_CHECKED;

struct span wire_peer_reason(const struct wire *wire);

/* For ws_context: the deadline has passed; the end is to be reported. */
void wire_expire(struct wire *wire);
void wire_report_end(struct wire *wire);

#endif
