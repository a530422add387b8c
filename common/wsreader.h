/* common/wsreader.h: reads WebSocket frames (RFC 6455, section 5) from chunks of any slicing.
 * Knows bytes only: it neither answers nor closes, it says what has come and what was wrong. */
#ifndef WSB_COMMON_WSREADER_H
#define WSB_COMMON_WSREADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/span.h"
#include "common/wsframe.h"

/* Who writes what is read. */
enum wsreader_peer {
	WSREADER_SERVER, /* its frames must not be masked */
	WSREADER_CLIENT, /* its frames must be masked */
};

/* What has been received and not been read yet. The bytes of a client are unmasked in place. */
struct wsreader_chunk {
	char *at;
	size_t len;
};

enum wsreader_event {
	WSREADER_MORE,	    /* the chunk is used up */
	WSREADER_DATA,	    /* a piece of a message; empty only where the frame is */
	WSREADER_PING,	    /* with its payload */
	WSREADER_PONG,	    /* with its payload */
	WSREADER_CLOSE,	    /* with its code and reason */
	WSREADER_VIOLATION, /* with the code to close with, and what was wrong */
};

struct wsreader_item {
	struct span payload; /* the reason of a close, what is wrong in a violation; in the chunk
				or in the reader, valid until the next call */
	uint64_t frame_left; /* data: what is still to come of the frame */
	uint16_t code;	     /* close: 0 when it has none; violation: 1002 or 1007 */
	bool binary;	     /* data: of the message */
	bool compressed;     /* data: the message is; never unless reader->allows_compressed */
	bool ends_message;   /* data: the message ends with this piece */
};

struct wsreader {
	uint64_t left; /* of the payload under way */
	enum wsreader_peer peer;
	uint8_t opcode;	 /* of the control frame under way */
	bool in_control; /* a control frame is being gathered */
	bool in_message; /* a message has begun and not ended */
	/* Not side by side: one load of what two stores have just written would wait for them. */
	bool binary;		/* of that message */
	bool final;		/* of the data frame under way */
	bool compressed;	/* that message is */
	bool allows_compressed; /* permessage-deflate was agreed upon; set after wsreader_init */
	uint8_t header_len;	/* of a header that is cut off, gathered so far */
	uint8_t control_len;
	uint8_t mask[WS_MASK_BYTES]; /* as it stands for the next byte */
	uint8_t header[WS_HEADER_MAX];
	char control[WS_CONTROL_MAX];
};

void wsreader_init(struct wsreader *reader, enum wsreader_peer peer);

/* Takes the next event off the front of chunk. Call it until WSREADER_MORE, then again with the
 * bytes that follow; but never after WSREADER_CLOSE or WSREADER_VIOLATION: nothing may follow a
 * close, and nothing can be made of what follows a violation. A length that takes more bytes than
 * it needs is let pass. */
enum wsreader_event wsreader_next(struct wsreader *reader, struct wsreader_chunk *chunk,
				  struct wsreader_item *item);

#endif
