/* broker/io/http_wire.h: the wire of an accepted socket: its frames pass through libwebsockets.
 *
 * The library answers pings by itself with a framed pong; it does so only while it holds no unsent
 * rest, and it is only ever handed whole frames, so that its pong falls between two of ours. */
#ifndef WSB_BROKER_IO_HTTP_WIRE_H
#define WSB_BROKER_IO_HTTP_WIRE_H

#include <stddef.h>
#include "broker/io/http_socket.h"
#include "broker/io/wire.h"

extern const struct wire_kind http_wire_kind;

/* The peer's close frame, as the library hands it over: remembered, and answered unless it is the
 * answer to ours. The caller then tells the library to drop the socket. */
void http_wire_heard_close(struct http_socket *socket, const char *payload, size_t len);

/* The library ends the socket by itself: after a breach of the protocol it sends a close frame of
 * its own, but not after every one; then ours says 1002. */
void http_wire_dropped(struct http_socket *socket);

#endif
