/* broker/io/io.h: everything that touches the outside, put together for one instance. */
#ifndef WSB_BROKER_IO_IO_H
#define WSB_BROKER_IO_IO_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/admin/admin.h"
#include "broker/control/config.h"
#include "broker/engine/engine.h"
#include "broker/engine/ports.h"
#include "broker/io/loop.h"
#include "broker/io/ws_dialer.h"
#include "common/err.h"
#include "common/log.h"
#include "common/strbuf.h"

struct io;

/* Binds every address that config names and makes all ready; accepts and dials nothing yet. Borrows
 * config, log and loop. On error *out is NULL and errors says why, a line for each reason. */
enum wsb_err io_create(struct io **out, const struct config *config, struct log *log,
		       struct loop *loop, struct strbuf *errors) WSB_CHECKED;

/* What the engine asks of the outside; valid as long as io. */
const struct ports *io_ports(struct io *io);

/* Opens the doors. */
enum wsb_err io_start(struct io *io, struct engine *engine,
		      const struct admin_backend *backend) WSB_CHECKED;

/* What another configuration asks of the outside, made beforehand: its new addresses are bound and
 * its certificates loaded, and nobody has noticed. */
struct io_change {
	struct ws_server **servers; /* of its listeners, in its order */
	void **ssl_contexts;	    /* of those that are there already */
	bool *fresh;		    /* those that are not */
	size_t count;
	struct ws_dialer_next dialer;
};
enum wsb_err io_prepare(struct io *io, const struct config *next, struct io_change *out,
			struct strbuf *errors) WSB_CHECKED;
void io_forget(struct io_change *change);
/* config, which must stay until the next one is taken, is in force. */
void io_take(struct io *io, const struct config *config, struct io_change *change);

/* To be called once per turn, and with every tick. */
void io_turn(struct io *io);
void io_tick(struct io *io, uint64_t now_us);

/* Where it listens, for people, "HOST:PORT" or "unix:PATH": of sockets that were handed over too.
 * listener: in the running configuration. */
const char *io_data_address(const struct io *io, size_t listener);
const char *io_admin_address(const struct io *io);

/* Whether everything that should be listened on is, as the system sees it. */
bool io_listens(const struct io *io);

/* Closes the listeners of the data endpoint; what is open stays. May be called twice. */
void io_close_listeners(struct io *io);

/* Drops every socket and runs the loop until the engine has been told of each end. False: something
 * did not end in time; then nothing may be freed. */
bool io_end(struct io *io) WSB_CHECKED;

/* After io_end. NULL is allowed. */
void io_destroy(struct io *io);

#endif
