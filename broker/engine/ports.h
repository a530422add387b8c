/* broker/engine/ports.h: all that the engine asks of the outside.
 *
 * Rules for whoever stands outside (io, or the simulator):
 * - No port calls back into the engine before it returns, but for http_respond's caller being
 * inside engine_http_request.
 * - A transport ends in exactly one engine_client_closed or engine_connection_closed, also after
 *   close and abort; until then its outbox and its handle stay valid.
 * - After close has been called for a transport nothing more of it is delivered but that end. */
#ifndef WSB_BROKER_ENGINE_PORTS_H
#define WSB_BROKER_ENGINE_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/journal/bus.h"
#include "broker/pool/connection.h"
#include "common/span.h"
#include "proto/codec.h"

struct admittance;

struct ports {
	void *io;

	/* As many upstream connections as the system allows at once; 0: it is not known. */
	size_t connections_max;

	/* Begin to open a connection to connection->endpoint->settings, with the pool's
	 * subprotocol, headers and TLS. Ends in engine_connection_opened, or in
	 * engine_connection_closed. */
	void (*dial)(void *io, struct connection *connection);

	/* Give up a dial that is under way; engine_connection_closed follows. */
	void (*abort_dial)(void *io, struct connection *connection);

	/* The outbox of this transport has something to write: write it at the end of the loop
	 * turn. */
	void (*want_write)(void *io, void *transport);

	/* Send what is pending, then a close frame, then wait for the peer's; 5 s for all of it. */
	void (*close)(void *io, void *transport, uint16_t code, struct span reason);

	/* Drop the socket without a word. */
	void (*abort)(void *io, void *transport);

	/* Stop or go on reading from the socket. What has been read already may still be delivered.
	 */
	void (*pause)(void *io, void *transport, bool paused);

	/* The answer to an HTTP request; its session has ended and nothing of it follows.
	 * retry_after_s 0: no such header. body is valid during the call; empty with status 204. */
	void (*http_respond)(void *io, void *transport, int status, uint32_t retry_after_s,
			     enum encoding encoding, struct span body);

	/* Look up the addresses of a name; ends in engine_resolved with the same number. */
	void (*resolve)(void *io, uint64_t look_up, const char *host);

	/* Connections to Redis, as struct bus_ports says; unless there is a bus, nobody asks. */
	void (*bus_open)(void *io, enum bus_link link, const struct bus_url *url);
	void (*bus_close)(void *io, enum bus_link link);
	void (*bus_send)(void *io, enum bus_link link, const struct span *words, size_t count);

	/* Microseconds since 1970, for people who read what is recorded; never for deadlines. */
	uint64_t (*wall_us)(void *io);

	/* Tunnels; transport is io's handle of one. dial: connect to the endpoint and ask for the
	 * upgrade as the client did; ends in engine_tunnel_opened, _declined or _failed, unless
	 * refused before. refuse: answer the client so, give up a dial under way; the session has
	 * ended. close: a close frame between two frames to the client, then the rest as the peers
	 * see fit; 5 s for all of it, then engine_tunnel_closed. */
	void (*tunnel_dial)(void *io, void *transport, const struct endpoint *endpoint,
			    uint64_t deadline_us);
	void (*tunnel_refuse)(void *io, void *transport, const struct admittance *verdict);
	void (*tunnel_close)(void *io, void *transport, uint16_t code, struct span reason);

	/* Unpredictable bytes, for frame masks. */
	void (*random)(void *io, void *out, size_t len);
};

#endif
