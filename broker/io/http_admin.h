/* broker/io/http_admin.h: the admin listener: HTTP to admin and back. */
#ifndef WSB_BROKER_IO_HTTP_ADMIN_H
#define WSB_BROKER_IO_HTTP_ADMIN_H

#include <stdbool.h>
#include "broker/admin/admin.h"
#include "broker/admin/pace.h"
#include "broker/control/config.h"
#include "broker/io/http_socket.h"
#include "broker/io/listener.h"
#include "broker/io/ws_context.h"
#include "common/err.h"
#include "common/list.h"
#include "common/strbuf.h"

struct http_admin {
	struct listener listener;
	struct http_site site;
	size_t open; /* sockets */
	struct ws_context *context;
	const struct admin_backend *backend;
	struct list followers; /* of streams */
	journal_cursor told;   /* where the journal ended when they were told last */
	bool behind;	       /* not all of them have been told what there is */
	struct pace pace;
};

/* Binds the address; accepts nothing yet. Borrows all it is given. Errors as of ws_server_open. */
enum wsb_err http_admin_open(struct http_admin *admin, struct ws_context *context,
			     const struct config *config, struct strbuf *errors) WSB_CHECKED;

/* Whether config leaves the listener open to nobody whom it should not be. WSB_EINVAL: errors says
 * why. */
enum wsb_err http_admin_check(const struct http_admin *admin, const struct config *config,
			      struct strbuf *errors) WSB_CHECKED;

enum wsb_err http_admin_start(struct http_admin *admin,
			      const struct admin_backend *backend) WSB_CHECKED;

/* Tells followers what is new. Call with every tick. */
void http_admin_tick(struct http_admin *admin, uint64_t now_us);

/* The same, for those that follow what cannot wait for the tick. Call with every turn. */
void http_admin_turn(struct http_admin *admin);

/* May be called twice. */
void http_admin_close(struct http_admin *admin);

#endif
