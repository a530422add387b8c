/* broker/io/tunnel.h: session listeners: a client's socket and its upstream's, and the bytes
 * between them.
 *
 * The client's request is put to the endpoint that the engine names; once that answers 101, both
 * sides are bytes. Frames are only followed from header to header, so that close codes can be
 * counted and a close frame of our own can be put between two of them. Half an end is passed on as
 * half an end. What the engine asks for comes through the ports, by the handle that it was given in
 * engine_tunnel_begin. */
#ifndef WSB_BROKER_IO_TUNNEL_H
#define WSB_BROKER_IO_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/control/config.h"
#include "broker/engine/engine.h"
#include "broker/io/http_socket.h"
#include "broker/io/ws_context.h"
#include "broker/io/ws_dialer.h"
#include "common/list.h"
#include "common/timerq.h"

struct tunnels {
	struct ws_context *context;
	struct ws_dialer *dialer; /* knows the TLS of each pool */
	struct engine *engine;
	struct list all;   /* those that have not ended */
	struct list ended; /* and those whose end is to be reported */
	struct list steps; /* see reach_turn */
	struct timerq timers;
};

/* Borrows all it is given. */
void tunnels_init(struct tunnels *tunnels, struct ws_context *context, struct ws_dialer *dialer);
void tunnels_set_engine(struct tunnels *tunnels, struct engine *engine);

/* Drops every socket; the ends are reported from tunnels_turn. */
void tunnels_end(struct tunnels *tunnels);

/* Goes on with what could not be done inside a callback, and reports ends. Call once per turn. */
void tunnels_turn(struct tunnels *tunnels);
void tunnels_tick(struct tunnels *tunnels, uint64_t now_us);

/* From within site->upgrade: a client that was let in as this, by the listener with this index.
 * Takes the socket over, and answers it. */
void tunnels_take(struct tunnels *tunnels, struct http_socket *socket, const struct http_head *head,
		  const struct config *config, size_t listener, const struct admittance *verdict);

/* The ports of these names. */
void tunnel_dial(void *transport, const struct endpoint *endpoint, uint64_t deadline_us);
void tunnel_refuse(void *transport, const struct admittance *verdict);
void tunnel_say_goodbye(void *transport, uint16_t code, struct span reason);

#endif
