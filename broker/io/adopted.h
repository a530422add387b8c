/* broker/io/adopted.h: listening sockets that whoever started the broker has opened and handed
 * over, as systemd does (sd_listen_fds(3)): descriptors from 3 on, each with a name. */
#ifndef WSB_BROKER_IO_ADOPTED_H
#define WSB_BROKER_IO_ADOPTED_H

#include <stdbool.h>
#include <stddef.h>
#include "common/err.h"
#include "common/log.h"
#include "common/strbuf.h"

struct adopted_socket {
	int fd; /* -1: there is none of that number */
	const char *name;
	bool asked_for;
};

/* They stay open for as long as the broker runs: a listener that a reload takes away can come back
 * by another one. */
struct adopted {
	struct adopted_socket *sockets;
	size_t count;
	char *names; /* owns them */
};

/* Takes what LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES speak of, closes it to programs that might
 * be started from here, and removes the variables from the environment. Sockets of another process
 * are none of ours: then there are none. WSB_EINVAL: the variables make no sense, errors says why;
 * WSB_ENOMEM. */
enum wsb_err adopted_init(struct adopted *adopted, struct strbuf *errors) WSB_CHECKED;
void adopted_fini(struct adopted *adopted);

/* What kind of socket it is. */
struct adopted_form {
	bool tcp;	/* else a Unix socket */
	bool local;	/* reachable from this machine only */
	char bound[64]; /* "127.0.0.1:7080", or "unix:PATH", perhaps cut */
};

/* A descriptor of the caller's own for the socket of that name, non-blocking. On error *fd is
 * untouched and errors says why, in a line that begins with `text`: WSB_ENOENT: there is none of
 * that name; WSB_EINVAL: it is not one that streams are accepted on, or the name is not its own;
 * WSB_EIO. */
enum wsb_err adopted_take(struct adopted *adopted, const char *name, const char *text, int *fd,
			  struct adopted_form *form, struct strbuf *errors) WSB_CHECKED;

/* A warning for each that nobody has asked for: whoever connects to it waits in vain. */
void adopted_report_unused(const struct adopted *adopted, struct log *log);

#endif
