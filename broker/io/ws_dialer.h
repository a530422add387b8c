/* broker/io/ws_dialer.h: the upstream side: dials, and turns what becomes of it into connection
 * events. */
#ifndef WSB_BROKER_IO_WS_DIALER_H
#define WSB_BROKER_IO_WS_DIALER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/control/config.h"
#include "broker/engine/engine.h"
#include "broker/io/wire.h"
#include "broker/io/ws_client.h"
#include "broker/io/ws_context.h"
#include "common/err.h"
#include "common/list.h"
#include "common/strbuf.h"

/* What the connections of one pool have in common. Pools are known by their names: settings come
 * and go with the configuration. */
struct ws_dialer_pool {
	struct list_node link;
	char *name;
	struct ws_client_group group;
};

struct ws_dialer {
	struct ws_context *context;
	struct engine *engine;
	const struct config *config;
	struct list pools;
	struct list subprotocols; /* each that was ever asked for, once */
	struct list dialing;	  /* every dial that is not open yet */
};

/* Borrows all it is given. WSB_ENOMEM, WSB_EIO, WSB_EINVAL: errors says why. */
enum wsb_err ws_dialer_init(struct ws_dialer *dialer, struct ws_context *context,
			    const struct config *config, struct strbuf *errors) WSB_CHECKED;
/* TLS for the pools of another configuration, made beforehand. One for each; NULL: it has none. */
struct ws_dialer_next {
	void **ssl_contexts;
	size_t count;
};
enum wsb_err ws_dialer_prepare(struct ws_dialer_next *out, const struct config *next,
			       struct strbuf *errors) WSB_CHECKED;
void ws_dialer_forget(struct ws_dialer_next *next);
/* What is dialled from now on is dialled so; what is open stays as it is. */
void ws_dialer_take(struct ws_dialer *dialer, const struct config *config,
		    struct ws_dialer_next *next);

void ws_dialer_set_engine(struct ws_dialer *dialer, struct engine *engine);

/* Drops every connection and every dial; their ends are reported from ws_dialer_turn. */
void ws_dialer_end(struct ws_dialer *dialer);
/* Every connection must have ended. */
void ws_dialer_fini(struct ws_dialer *dialer);

/* What the dials to this endpoint have in common with the others of its pool. */
const struct ws_client_group *ws_dialer_group(struct ws_dialer *dialer,
					      const struct endpoint *endpoint);

/* Begins a dial; what becomes of it is reported later. */
void ws_dialer_dial(struct ws_dialer *dialer, struct connection *connection);
void ws_dialer_abort_dial(struct ws_dialer *dialer, struct connection *connection);

/* Goes on with what could not be done inside a callback. Call once per turn. */
void ws_dialer_turn(struct ws_dialer *dialer);

/* The engine has asked for the end of this connection, by close or abort. */
void ws_dialer_asked(struct wire *wire);

/* Whether wire is that of an upstream. */
bool ws_dialer_owns(struct wire *wire);

#endif
