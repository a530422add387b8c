/* broker/io/listener.h: a listening socket, TCP or Unix, opened here or adopted: accepts, hands
 * over. */
#ifndef WSB_BROKER_IO_LISTENER_H
#define WSB_BROKER_IO_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "broker/control/config.h"
#include "broker/io/adopted.h"
#include "broker/io/loop.h"
#include "broker/io/ws_context.h"
#include "common/err.h"
#include "common/log.h"
#include "common/strbuf.h"

struct listener {
	struct loop *loop;
	struct log *log;
	const struct address *address;
	int fd;			  /* -1: closed */
	struct adopted_form form; /* of the socket, whatever the address calls it */
	uv_poll_t *poll;
	/* Descriptors from this number on are for others: upstreams, the admin API. Set by whoever
	 * opens the listener; listener_open sets it to INT_MAX. */
	int descriptor_max;
	/* Of what it has accepted; those above open_max wait in the system's queue. NULL: there is
	 * no limit, as listener_open sets it. */
	const size_t *open;
	size_t open_max;
	uint64_t resume_at_us; /* suspended until then; 0: accepting */
	uint64_t told_at_us;   /* that it was; 0: not yet */
	/* Gets each accepted descriptor, non-blocking, and owns it from then on. */
	void (*accepted)(void *context, int fd);
	void *context;
};

/* What a listener is for, which says how its address may be had by several processes. */
enum listener_use {
	LISTENER_DATA,	 /* not at all, unless all of them share it: */
	LISTENER_SHARED, /* reuse_port */
	LISTENER_ADMIN,	 /* each has one of its own */
};

/* Binds and listens, or adopts (fd:NAME), and accepts nothing yet. Borrows all it is given. A Unix
 * socket file that nobody answers on is replaced. WSB_EIO, WSB_EINVAL, WSB_EEXIST (the address is
 * taken), WSB_ENOENT (fd:NAME is not there): a line for people is appended to errors. */
enum wsb_err listener_open(struct listener *listener, struct ws_context *context,
			   const struct address *address, enum listener_use use,
			   struct strbuf *errors) WSB_CHECKED;

/* What the address is, for people: of an adopted socket, the one that it is bound to. */
const char *listener_bound(const struct listener *listener);

/* Open, and the system agrees: no stray close has hit its descriptor. */
bool listener_is_sound(const struct listener *listener);

/* Begins to accept. WSB_EIO, WSB_ENOMEM. */
enum wsb_err listener_start(struct listener *listener, void (*accepted)(void *context, int fd),
			    void *context) WSB_CHECKED;

/* Resumes after descriptors ran out, or the limit was reached. Call now and then. */
void listener_tick(struct listener *listener, uint64_t now_us);

/* Stops accepting and removes the file of a Unix socket that was made here. May be called twice. */
void listener_close(struct listener *listener);

#endif
