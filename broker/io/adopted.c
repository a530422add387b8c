#include "broker/io/adopted.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD    3
#define SOCKETS_MAX 256

/* Digits only; false: something else, or too much. */
static bool read_number(const char *text, unsigned long most, unsigned long *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*out = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && *out <= most;
}

static void forget_variables(void)
{
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

/* Names that are not told are "unknown", as with sd_listen_fds_with_names(). */
static void name_sockets(struct adopted *adopted)
{
	char *rest = adopted->names;

	for (size_t i = 0; i < adopted->count; i++) {
		char *name = rest ? strsep(&rest, ":") : NULL;

		adopted->sockets[i].name = name ? name : "unknown";
	}
}

static enum wsb_err take_all(struct adopted *adopted, size_t count, const char *names)
{
	adopted->sockets = calloc(count, sizeof(*adopted->sockets));
	adopted->names = names ? strdup(names) : NULL;
	if (!adopted->sockets || (names && !adopted->names)) {
		adopted_fini(adopted);
		return WSB_ENOMEM;
	}
	adopted->count = count;
	name_sockets(adopted);
	/* A number that is not open now may be one of the broker's own files later. */
	for (size_t i = 0; i < count; i++) {
		int fd = FIRST_FD + (int)i;

		adopted->sockets[i].fd = fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : fd;
	}
	return WSB_OK;
}

enum wsb_err adopted_init(struct adopted *adopted, struct strbuf *errors)
{
	const char *pid_text = getenv("LISTEN_PID");
	const char *count_text = getenv("LISTEN_FDS");
	unsigned long pid = 0, count = 0;
	enum wsb_err err = WSB_OK;

	*adopted = (struct adopted){0};
	if (!pid_text || !count_text)
		return WSB_OK;
	if (!read_number(pid_text, INT32_MAX, &pid) || pid == 0) {
		strbuf_text(errors, "LISTEN_PID is not the number of a process\n");
		err = WSB_EINVAL;
	} else if (pid == (unsigned long)getpid() &&
		   !read_number(count_text, SOCKETS_MAX, &count)) {
		strbuf_printf(errors, "LISTEN_FDS is not a number of at most %d sockets\n",
			      SOCKETS_MAX);
		err = WSB_EINVAL;
	} else if (count > 0) {
		err = take_all(adopted, count, getenv("LISTEN_FDNAMES"));
	}
	forget_variables();
	return err;
}

void adopted_fini(struct adopted *adopted)
{
	for (size_t i = 0; i < adopted->count; i++)
		if (adopted->sockets[i].fd >= 0)
			close(adopted->sockets[i].fd);
	free(adopted->sockets);
	free(adopted->names);
	*adopted = (struct adopted){0};
}

static void list_names(const struct adopted *adopted, struct strbuf *out)
{
	if (adopted->count == 0)
		strbuf_text(out, "none was handed over (LISTEN_FDS)");
	for (size_t i = 0; i < adopted->count; i++) {
		strbuf_text(out, i > 0 ? ", " : "there are ");
		strbuf_plain(out, span_text(adopted->sockets[i].name));
	}
}

static enum wsb_err find(struct adopted *adopted, const char *name, const char *text,
			 struct adopted_socket **out, struct strbuf *errors)
{
	size_t found = 0;

	for (size_t i = 0; i < adopted->count; i++) {
		if (strcmp(adopted->sockets[i].name, name) != 0)
			continue;
		if (found++ == 0)
			*out = &adopted->sockets[i];
	}
	if (found == 1)
		return WSB_OK;
	if (found > 1) {
		strbuf_printf(errors,
			      "%s: %zu sockets have this name: each needs one of its own "
			      "(FileDescriptorName= of its socket unit)\n",
			      text, found);
		return WSB_EINVAL;
	}
	strbuf_printf(errors, "%s: no socket of this name: ", text);
	list_names(adopted, errors);
	strbuf_text(errors, "\n");
	return WSB_ENOENT;
}

static int option_of(int fd, int option)
{
	socklen_t size = sizeof(int);
	int value;

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) ? -1 : value;
}

static bool is_mapped_loopback(const struct in6_addr *address)
{
	return IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127;
}

static void describe_v4(const struct sockaddr_in *name, struct adopted_form *out)
{
	char host[INET_ADDRSTRLEN] = "";

	inet_ntop(AF_INET, &name->sin_addr, host, sizeof(host));
	*out = (struct adopted_form){.tcp = true,
				     .local = ntohl(name->sin_addr.s_addr) >> 24 == 127};
	snprintf(out->bound, sizeof(out->bound), "%s:%u", host, ntohs(name->sin_port));
}

static void describe_v6(const struct sockaddr_in6 *name, struct adopted_form *out)
{
	char host[INET6_ADDRSTRLEN] = "";

	inet_ntop(AF_INET6, &name->sin6_addr, host, sizeof(host));
	*out = (struct adopted_form){.tcp = true,
				     .local = IN6_IS_ADDR_LOOPBACK(&name->sin6_addr) ||
					      is_mapped_loopback(&name->sin6_addr)};
	snprintf(out->bound, sizeof(out->bound), "[%s]:%u", host, ntohs(name->sin6_port));
}

/* An abstract one has no file: its name begins with a zero. */
static void describe_unix(const struct sockaddr_un *name, socklen_t len, struct adopted_form *out)
{
	size_t told = len - offsetof(struct sockaddr_un, sun_path);
	size_t path = told < sizeof(name->sun_path) ? told : sizeof(name->sun_path);
	bool abstract = path > 0 && name->sun_path[0] == '\0';
	struct span text = abstract ? span_of(name->sun_path + 1, path - 1)
				    : span_of(name->sun_path, strnlen(name->sun_path, path));

	*out = (struct adopted_form){.local = true};
	snprintf(out->bound, sizeof(out->bound), "unix:%s%.*s", abstract ? "@" : "", (int)text.len,
		 text.len > 0 ? text.at : "");
}

/* False: nothing that a listener could accept streams on. */
static bool describe(int fd, struct adopted_form *out)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	} name = {0};
	socklen_t len = sizeof(name);

	if (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1 ||
	    getsockname(fd, &name.any, &len))
		return false;
	if (name.any.sa_family == AF_INET)
		describe_v4(&name.v4, out);
	else if (name.any.sa_family == AF_INET6)
		describe_v6(&name.v6, out);
	else if (name.any.sa_family == AF_UNIX)
		describe_unix(&name.local, len, out);
	else
		return false;
	return true;
}

enum wsb_err adopted_take(struct adopted *adopted, const char *name, const char *text, int *fd,
			  struct adopted_form *form, struct strbuf *errors)
{
	struct adopted_socket *socket = NULL;
	enum wsb_err err = find(adopted, name, text, &socket, errors);
	int own;

	if (err)
		return err;
	socket->asked_for = true;
	if (socket->fd < 0 || !describe(socket->fd, form)) {
		strbuf_printf(errors,
			      "%s: what was handed over is not a listening stream socket, TCP or "
			      "Unix (Accept= must be no)\n",
			      text);
		return WSB_EINVAL;
	}
	own = fcntl(socket->fd, F_DUPFD_CLOEXEC, FIRST_FD);
	if (own < 0 || fcntl(own, F_SETFL, O_NONBLOCK) < 0) {
		strbuf_printf(errors, "%s: cannot listen: %s\n", text, strerror(errno));
		if (own >= 0)
			close(own);
		return WSB_EIO;
	}
	*fd = own;
	return WSB_OK;
}

void adopted_report_unused(const struct adopted *adopted, struct log *log)
{
	for (size_t i = 0; i < adopted->count; i++) {
		if (adopted->sockets[i].asked_for)
			continue;
		log_event(log, LOG_WARN, "listener.socket_unused",
			  log_text("name", adopted->sockets[i].name),
			  log_text("hint", "no address of the configuration is fd: with this "
					   "name: whoever connects to it waits in vain"));
	}
}
