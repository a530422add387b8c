/* broker/io/ws_server.h: one data listener: turns callbacks into session events. */
#ifndef WSB_BROKER_IO_WS_SERVER_H
#define WSB_BROKER_IO_WS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/control/config.h"
#include "broker/engine/engine.h"
#include "broker/io/http_socket.h"
#include "broker/io/listener.h"
#include "broker/io/ws_context.h"
#include "common/err.h"
#include "common/strbuf.h"

struct tunnels;

struct ws_server {
	struct listener listener;
	struct http_site site;
	struct ws_context *context;
	struct engine *engine;
	const struct config *config;
	struct tunnels *tunnels; /* for a session listener */
	size_t index;		 /* in config->listeners */
	bool retired;		 /* it is not configured any more */
};

/* Binds the address and makes ready; accepts nothing yet. Borrows all it is given.
 * WSB_EIO, WSB_EEXIST, WSB_EINVAL: errors says why. */
enum wsb_err ws_server_open(struct ws_server *server, struct ws_context *context,
			    const struct config *config, size_t index,
			    struct strbuf *errors) WSB_CHECKED;

enum wsb_err ws_server_start(struct ws_server *server, struct engine *engine) WSB_CHECKED;

/* Its place in another configuration, whose listener has this address, and its TLS there, which it
 * owns from now on; NULL: none. */
void ws_server_obey(struct ws_server *server, const struct config *config, size_t index,
		    void *ssl_context);
/* It is not in this one: accepts no more, and takes no request of those who are still there. */
void ws_server_retire(struct ws_server *server, const struct config *config);

/* Accepts no more; what is open stays. May be called twice. */
void ws_server_close(struct ws_server *server);

/* Every socket must have ended. */
void ws_server_fini(struct ws_server *server);

#endif
