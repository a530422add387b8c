#include "broker/io/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "broker/control/address.h"
#include "common/clock.h"

#define BACKLOG		 1024
#define ACCEPTS_PER_TURN 64
#define RESUME_AFTER_US	 (100 * US_PER_MS)
/* It may be suspended again and again, for as long as somebody wants it to be. */
#define TELL_AFTER_US (10 * US_PER_S)

union socket_name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static bool name_tcp(const struct address *address, union socket_name *name, socklen_t *len)
{
	*name = (union socket_name){0};
	if (inet_pton(AF_INET, address->host, &name->v4.sin_addr) == 1) {
		name->v4.sin_family = AF_INET;
		name->v4.sin_port = htons(address->port);
		*len = sizeof(name->v4);
		return true;
	}
	if (inet_pton(AF_INET6, address->host, &name->v6.sin6_addr) == 1) {
		name->v6.sin6_family = AF_INET6;
		name->v6.sin6_port = htons(address->port);
		*len = sizeof(name->v6);
		return true;
	}
	return false;
}

static bool name_unix(const struct address *address, union socket_name *name, socklen_t *len)
{
	size_t path_len = strlen(address->path);

	*name = (union socket_name){.local = {.sun_family = AF_UNIX}};
	if (path_len == 0 || path_len >= sizeof(name->local.sun_path))
		return false;
	memcpy(name->local.sun_path, address->path, path_len + 1);
	*len = sizeof(name->local);
	return true;
}

/* A file is stale when it is a socket that nobody accepts on; only then is it ours to remove. */
static bool remove_stale_file(const union socket_name *name, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool stale;

	if (fd < 0)
		return false;
	stale = connect(fd, &name->any, len) < 0 && errno == ECONNREFUSED;
	close(fd);
	return stale && unlink(name->local.sun_path) == 0;
}

static int bind_name(int fd, const union socket_name *name, socklen_t len)
{
	if (bind(fd, &name->any, len) == 0)
		return 0;
	if (name->any.sa_family == AF_UNIX && errno == EADDRINUSE) {
		if (remove_stale_file(name, len))
			return bind(fd, &name->any, len);
		errno = EADDRINUSE;
	}
	return -1;
}

static int set_tcp_options(int fd, const union socket_name *name, bool reuse_port)
{
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return -1;
	if (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)))
		return -1;
	/* So that 0.0.0.0 and [::] can both be listened on. */
	if (name->any.sa_family == AF_INET6)
		return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return 0;
}

static enum wsb_err report(struct strbuf *errors, const struct address *address,
			   enum listener_use use)
{
	static const char *const hints[] = {
		[LISTENER_DATA] = " (processes share one only with reuse_port)",
		[LISTENER_SHARED] = " by a process that does not share it (reuse_port)",
		[LISTENER_ADMIN] = " (processes that share a configuration file need an "
				   "`admin.address` of their own each: it may contain "
				   "${PORT_INDEX})",
	};

	if (errno != EADDRINUSE) {
		strbuf_printf(errors, "%s: cannot listen: %s\n", address->text, strerror(errno));
		return WSB_EIO;
	}
	strbuf_printf(errors, "%s: cannot listen: the address is in use%s\n", address->text,
		      address->kind == ADDRESS_TCP || use == LISTENER_ADMIN ? hints[use] : "");
	return WSB_EEXIST;
}

static enum wsb_err open_own(const struct address *address, enum listener_use use, int *out,
			     struct strbuf *errors)
{
	bool tcp = address->kind == ADDRESS_TCP;
	union socket_name name;
	socklen_t len;
	int fd;

	if (!(tcp ? name_tcp(address, &name, &len) : name_unix(address, &name, &len))) {
		strbuf_printf(errors, "%s: not an address to listen on\n", address->text);
		return WSB_EINVAL;
	}
	fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return report(errors, address, use);
	if ((tcp && set_tcp_options(fd, &name, use == LISTENER_SHARED)) ||
	    bind_name(fd, &name, len) || listen(fd, BACKLOG)) {
		enum wsb_err err = report(errors, address, use);

		close(fd);
		return err;
	}
	*out = fd;
	return WSB_OK;
}

enum wsb_err listener_open(struct listener *listener, struct ws_context *context,
			   const struct address *address, enum listener_use use,
			   struct strbuf *errors)
{
	*listener = (struct listener){.loop = context->loop,
				      .log = context->log,
				      .address = address,
				      .fd = -1,
				      .descriptor_max = INT_MAX};
	if (address->kind == ADDRESS_FD)
		return adopted_take(context->adopted, address->name, address->text, &listener->fd,
				    &listener->form, errors);
	listener->form.tcp = address->kind == ADDRESS_TCP;
	listener->form.local = address_is_local(address);
	return open_own(address, use, &listener->fd, errors);
}

const char *listener_bound(const struct listener *listener)
{
	return listener->form.bound[0] ? listener->form.bound : listener->address->text;
}

bool listener_is_sound(const struct listener *listener)
{
	socklen_t size = sizeof(int);
	int accepts = 0;

	return listener->fd >= 0 &&
	       getsockopt(listener->fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 &&
	       accepts == 1;
}

static bool out_of_resources(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* The socket would stay readable: without a pause the loop would spin. */
static void suspend(struct listener *listener, const char *why)
{
	uint64_t now_us = clock_monotonic_us();

	if (listener->told_at_us == 0 || now_us - listener->told_at_us >= TELL_AFTER_US) {
		listener->told_at_us = now_us;
		log_event(listener->log, LOG_WARN, "listener.suspended",
			  log_text("address", listener->address->text), log_text("error", why));
	}
	uv_poll_stop(listener->poll);
	listener->resume_at_us = now_us + RESUME_AFTER_US;
}

static bool is_full(const struct listener *listener)
{
	return listener->open && *listener->open >= listener->open_max;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = poll->data;
	int on = 1;

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN && listener->fd >= 0; i++) {
		int fd;

		if (is_full(listener)) {
			suspend(listener, "as many connections as are served are open");
			return;
		}
		fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			if (out_of_resources(errno))
				suspend(listener, strerror(errno));
			return;
		}
		/* The system gives the lowest number that is free, so a high one means that few are
		 * left. */
		if (fd >= listener->descriptor_max) {
			close(fd);
			suspend(listener, strerror(EMFILE));
			return;
		}
		if (listener->form.tcp)
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		listener->accepted(listener->context, fd);
	}
}

enum wsb_err listener_start(struct listener *listener, void (*accepted)(void *context, int fd),
			    void *context)
{
	listener->accepted = accepted;
	listener->context = context;
	listener->poll = malloc(sizeof(*listener->poll));
	if (!listener->poll)
		return WSB_ENOMEM;
	if (uv_poll_init(&listener->loop->uv, listener->poll, listener->fd)) {
		free(listener->poll);
		listener->poll = NULL;
		return WSB_EIO;
	}
	listener->poll->data = listener;
	return uv_poll_start(listener->poll, UV_READABLE, on_readable) ? WSB_EIO : WSB_OK;
}

void listener_tick(struct listener *listener, uint64_t now_us)
{
	if (listener->resume_at_us == 0 || now_us < listener->resume_at_us || listener->fd < 0)
		return;
	listener->resume_at_us = 0;
	uv_poll_start(listener->poll, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

void listener_close(struct listener *listener)
{
	if (listener->fd < 0)
		return;
	if (listener->poll) {
		uv_poll_stop(listener->poll);
		uv_close((uv_handle_t *)listener->poll, on_closed);
		listener->poll = NULL;
	}
	close(listener->fd);
	listener->fd = -1;
	if (listener->address->kind == ADDRESS_UNIX)
		unlink(listener->address->path);
}
