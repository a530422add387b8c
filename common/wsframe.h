/* common/wsframe.h: WebSocket frames (RFC 6455, section 5) written into an outbox.
 * Knows bytes only; which frame is sent when is decided elsewhere. */
#ifndef WSB_COMMON_WSFRAME_H
#define WSB_COMMON_WSFRAME_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/outbox.h"
#include "common/span.h"

enum ws_opcode {
	WS_CONTINUATION = 0x0,
	WS_TEXT = 0x1,
	WS_BINARY = 0x2,
	WS_CLOSE = 0x8,
	WS_PING = 0x9,
	WS_PONG = 0xa,
};

#define WS_HEADER_MAX  14
#define WS_CONTROL_MAX 125
#define WS_MASK_BYTES  4

/* Bytes of the header before a payload of len bytes. */
size_t wsframe_header_len(size_t len, int masked);

/* Appends one unfragmented frame whose payload is the pieces one after another. mask is the
 * masking key of a client's frame (fresh and unpredictable for each frame), NULL for a server's.
 * Errors of outbox_reserve; then nothing is appended. Control frames pass the outbox' limit;
 * WSB_EINVAL: the payload of one is longer than WS_CONTROL_MAX. */
enum wsb_err wsframe_append(struct outbox *outbox, enum ws_opcode opcode,
			    const uint8_t mask[WS_MASK_BYTES], const struct span *pieces,
			    size_t count) WSB_CHECKED;

/* Appends a close frame; reason is cut to fit without splitting a UTF-8 sequence.
 * code 0 gives the empty close frame, which says nothing. */
enum wsb_err wsframe_append_close(struct outbox *outbox, const uint8_t mask[WS_MASK_BYTES],
				  uint16_t code, struct span reason) WSB_CHECKED;

/* Whether a peer may send this close code (RFC 6455, section 7.4). */
int wsframe_close_code_is_valid(uint16_t code);

/* XORs len bytes with the key, beginning at its first byte. */
void wsframe_mask(char *bytes, size_t len, const uint8_t mask[WS_MASK_BYTES]);
/* The key as it stands after len bytes. */
void wsframe_turn_key(uint8_t key[WS_MASK_BYTES], size_t len);

/* Reads the frame header that begins at bytes.at: WSB_OK, or WSB_EPARSE when it is cut off.
 * For frames of our own making. */
struct ws_header {
	enum ws_opcode opcode;
	size_t header_len;
	size_t payload_len;
	const uint8_t *mask; /* NULL when not masked */
};
enum wsb_err wsframe_read(struct span bytes, struct ws_header *header) WSB_CHECKED;

#endif
