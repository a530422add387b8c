/* broker/io/ws_frames.h: the frames of a WebSocket that stands, in and out, whichever side opened
 * it. */
#ifndef WSB_BROKER_IO_WS_FRAMES_H
#define WSB_BROKER_IO_WS_FRAMES_H

#include <stddef.h>
#include "broker/io/wire.h"

/* The socket is readable or writable, as events say; the wire may be dead afterwards. For one that
 * is not shaking any more. */
void ws_frames_ready(struct wire *wire, int events);

/* Hands on what has been received; the wire may be dead afterwards. */
void ws_frames_take(struct wire *wire, char *bytes, size_t len);

/* Goes on with what was read before a pause, and writes what is pending. For a wire that is up. */
void ws_frames_turn(struct wire *wire);

/* Waits for what the wire can use now: bytes to read unless it is paused, room when it is blocked.
 */
void ws_frames_watch(struct wire *wire);

#endif
