/* broker/io/ws_frames.h: an outgoing WebSocket that stands: its frames, in and out. */
#ifndef WSB_BROKER_IO_WS_FRAMES_H
#define WSB_BROKER_IO_WS_FRAMES_H

#include <stddef.h>
#include "broker/io/ws_client.h"

/* The socket is readable or writable, as events say; client may be over afterwards. */
void ws_frames_ready(struct ws_client *client, int events);

/* Hands on what has been received; client may be over afterwards. */
void ws_frames_take(struct ws_client *client, char *bytes, size_t len);

/* Writes what is pending; the wire must be up. */
void ws_frames_write(struct ws_client *client);

/* Waits for what the client can use now: bytes to read unless it is paused, room when it is
 * blocked. */
void ws_frames_watch(struct ws_client *client);

#endif
