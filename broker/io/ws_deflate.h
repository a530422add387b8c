/* broker/io/ws_deflate.h: a WebSocket whose messages may be compressed: what stands between its
 * frames and the outbox. */
#ifndef WSB_BROKER_IO_WS_DEFLATE_H
#define WSB_BROKER_IO_WS_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include "broker/io/deflate_offer.h"
#include "broker/io/wire.h"
#include "common/err.h"
#include "common/span.h"
#include "common/wsreader.h"

/* From here on the wire's messages may be compressed as the terms say. To be called before
 * wire_opened. WSB_ENOMEM. */
enum wsb_err ws_deflate_begin(struct wire *wire, struct deflate_terms terms) WSB_CHECKED;
void ws_deflate_end(struct wire *wire); /* for a wire without it, too */

/* Hands on a piece of a compressed message, in as many pieces as it takes. WSB_EPARSE: it is not
 * what deflate makes; WSB_ENOMEM. */
enum wsb_err ws_deflate_take(struct wire *wire, const struct wsreader_item *item) WSB_CHECKED;

/* What is to be written next; empty when nothing is. Frames are taken out of the outbox when it is
 * their turn. Absent: no memory. */
struct span ws_deflate_pending(struct wire *wire);
void ws_deflate_consume(struct wire *wire, size_t len);

#endif
