/* broker/io/wire.h: one WebSocket, whichever side opened it: what waits to be written, how it
 * closes and when its time is up. How bytes reach the socket is its kind's business.
 *
 * All frames, control frames included, are written whole from the outbox, with one call for all
 * that has gathered in a turn. */
#ifndef WSB_BROKER_IO_WIRE_H
#define WSB_BROKER_IO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/io/ws_context.h"
#include "common/list.h"
#include "common/outbox.h"
#include "common/span.h"
#include "common/timerq.h"

#define WIRE_REASON_MAX 123

enum wire_state {
	WIRE_SHAKING, /* not yet a WebSocket */
	WIRE_OPEN,
	WIRE_CLOSING, /* our close frame is pending or out; the peer's is awaited */
	WIRE_DEAD,    /* nothing is read or written any more; its end is about to be reported */
};

struct wire;

/* What differs between the sides. */
struct wire_kind {
	bool masks; /* a client's frames are masked */
	/* Hands over what is pending, as far as the socket takes it, and sees to the rest. For a
	 * wire that is open or closing. */
	void (*write)(struct wire *wire);
	/* wire->paused has changed. */
	void (*pause)(struct wire *wire);
	/* The wire is dead now: ends the socket, and reports that later. */
	void (*drop)(struct wire *wire);
	/* The deadline has passed while shaking; wire_abort follows. NULL: nothing to add. */
	void (*late)(struct wire *wire);
};

struct wire {
	struct ws_context *context;
	const struct wire_kind *kind;
	struct outbox *outbox;	/* NULL unless open or closing */
	struct list_node dirty; /* on context->dirty */
	struct timer deadline;
	enum wire_state state;
	bool paused;
	bool peer_closed;   /* its close frame has come */
	uint16_t peer_code; /* of that; 0: it had none */
	uint8_t peer_reason_len;
	char peer_reason[WIRE_REASON_MAX];
};

void wire_init(struct wire *wire, struct ws_context *context, const struct wire_kind *kind);
/* Takes it off every list. */
void wire_fini(struct wire *wire);

/* The handshake must be done by then; wire_opened calls the deadline off. */
void wire_give_time(struct wire *wire, uint64_t deadline_us);

/* The WebSocket stands: frames are written from outbox from now on. */
void wire_opened(struct wire *wire, struct outbox *outbox);

/* Whether frames are written and read. */
static inline bool wire_is_up(const struct wire *wire)
{
	return wire->state == WIRE_OPEN || wire->state == WIRE_CLOSING;
}

/* outbox has something pending: it is written at the end of the turn. */
static inline void wire_want_write(struct wire *wire)
{
	if (!list_is_linked(&wire->dirty) && wire_is_up(wire))
		list_append(&wire->context->dirty, &wire->dirty);
}

/* Hands over what is pending, as far as the socket takes it. */
void wire_flush(struct wire *wire);

/* Pending frames, then a close frame, then wait for the peer's; at most WIRE_CLOSE_US for all. */
void wire_close(struct wire *wire, uint16_t code, struct span reason);
#define WIRE_CLOSE_US UINT64_C(5000000)

/* Drops the socket. Its end is reported later, never before this returns. */
void wire_abort(struct wire *wire);

/* Stops or resumes reading. */
void wire_pause(struct wire *wire, bool paused);

/* Remembers the peer's close frame. code 0: it had none. */
void wire_note_close(struct wire *wire, uint16_t code, struct span reason);

/* Appends a close frame to outbox, masked as its side must. As wsframe_append_close. */
enum wsb_err wire_append_close(const struct wire *wire, struct outbox *outbox, uint16_t code,
			       struct span reason) WSB_CHECKED;

/* The socket is gone: nothing pending will leave any more. */
void wire_ended(struct wire *wire);

struct span wire_peer_reason(const struct wire *wire);

/* The deadline has passed. */
void wire_expire(struct wire *wire);

#endif
