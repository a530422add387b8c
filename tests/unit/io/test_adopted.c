#include <criterion/criterion.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "broker/io/adopted.h"

static struct strbuf errors;

static void set_up(void)
{
	strbuf_init(&errors);
}

static void tear_down(void)
{
	strbuf_fini(&errors);
}

TestSuite(adopted, .init = set_up, .fini = tear_down);

static int tcp_socket(int type, const char *host, bool listens)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	int fd = socket(AF_INET, type, 0);

	inet_pton(AF_INET, host, &name.sin_addr);
	cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	cr_assert(!listens || listen(fd, 1) == 0);
	return fd;
}

static int tcp6_socket(const char *host)
{
	struct sockaddr_in6 name = {.sin6_family = AF_INET6};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	inet_pton(AF_INET6, host, &name.sin6_addr);
	cr_assert_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	return fd;
}

/* With all of sun_path used, a name has no terminator. */
static int unix_socket(const char *path, size_t len)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(name.sun_path, path, len);
	cr_assert_eq(bind(fd, (struct sockaddr *)&name,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		     0);
	cr_assert_eq(listen(fd, 1), 0);
	return fd;
}

/* One socket called "data". */
static enum wsb_err take(int socket, int *fd, struct adopted_form *form)
{
	struct adopted_socket sockets[] = {{.fd = socket, .name = "data"}};
	struct adopted adopted = {.sockets = sockets, .count = 1};

	*fd = -1;
	strbuf_clear(&errors);
	return adopted_take(&adopted, "data", "fd:data", fd, form, &errors);
}

static void expect_form(int socket, bool tcp, bool local, const char *begins)
{
	struct adopted_form form;
	int fd;

	cr_assert_eq(take(socket, &fd, &form), WSB_OK, "%s", begins);
	cr_expect_eq(form.tcp, tcp, "%s", begins);
	cr_expect_eq(form.local, local, "%s", begins);
	cr_expect_eq(strncmp(form.bound, begins, strlen(begins)), 0, "%s", form.bound);
	cr_expect_neq(fd, socket, "a descriptor of its own");
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	close(socket);
}

Test(adopted, sockets_tell_what_they_are)
{
	char name[108];

	expect_form(tcp_socket(SOCK_STREAM, "127.0.0.1", true), true, true, "127.0.0.1:");
	expect_form(tcp_socket(SOCK_STREAM, "127.9.9.9", true), true, true, "127.9.9.9:");
	expect_form(tcp_socket(SOCK_STREAM, "0.0.0.0", true), true, false, "0.0.0.0:");
	expect_form(tcp6_socket("::"), true, false, "[::]:");
	expect_form(tcp6_socket("::1"), true, true, "[::1]:");
	expect_form(tcp6_socket("::ffff:127.0.0.1"), true, true, "[::ffff:127.0.0.1]:");
	snprintf(name, sizeof(name), "%cadopted.%d", '\0', (int)getpid());
	expect_form(unix_socket(name, 1 + strlen(name + 1)), false, true, "unix:@adopted.");
	memset(name, 'x', sizeof(name));
	name[0] = '\0';
	expect_form(unix_socket(name, sizeof(name)), false, true, "unix:@xxxx");
}

Test(adopted, what_nobody_could_accept_on)
{
	struct adopted_form form;
	int pipes[2], pair[2], fd;

	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	const int sockets[] = {-1, pipes[0], pair[0], tcp_socket(SOCK_DGRAM, "127.0.0.1", false),
			       tcp_socket(SOCK_STREAM, "127.0.0.1", false)};

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		cr_expect_eq(take(sockets[i], &fd, &form), WSB_EINVAL, "%zu", i);
		cr_expect_eq(fd, -1);
		cr_expect_not_null(strstr(errors.text, "fd:data: "), "%s", errors.text);
	}
}

Test(adopted, names)
{
	struct adopted_socket sockets[] = {
		{.fd = tcp_socket(SOCK_STREAM, "127.0.0.1", true), .name = "data"},
		{.fd = -1, .name = "twin"},
		{.fd = -1, .name = "twin"},
	};
	struct adopted adopted = {.sockets = sockets, .count = 3};
	struct adopted_form form;
	int fd;

	cr_expect_eq(adopted_take(&adopted, "admin", "fd:admin", &fd, &form, &errors), WSB_ENOENT);
	cr_expect_str_eq(errors.text,
			 "fd:admin: no socket of this name: there are data, twin, twin\n");
	cr_expect_not(sockets[0].asked_for);
	cr_expect_eq(adopted_take(&adopted, "twin", "fd:twin", &fd, &form, &errors), WSB_EINVAL);
	strbuf_clear(&errors);
	adopted.count = 0;
	cr_expect_eq(adopted_take(&adopted, "data", "fd:data", &fd, &form, &errors), WSB_ENOENT);
	cr_expect_not_null(strstr(errors.text, "none was handed over"), "%s", errors.text);
}

/* A reload may take a listener away and another one bring it back. */
Test(adopted, a_socket_can_be_taken_again)
{
	struct adopted_socket sockets[] = {
		{.fd = tcp_socket(SOCK_STREAM, "127.0.0.1", true), .name = "data"}};
	struct adopted adopted = {.sockets = sockets, .count = 1};
	struct adopted_form form;

	for (int i = 0; i < 3; i++) {
		int fd = -1;

		cr_assert_eq(adopted_take(&adopted, "data", "fd:data", &fd, &form, &errors),
			     WSB_OK);
		close(fd);
	}
	cr_expect(sockets[0].asked_for);
}

static enum wsb_err init_with(const char *pid, const char *count, struct adopted *adopted)
{
	strbuf_clear(&errors);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_FDNAMES", "data", 1);
	return adopted_init(adopted, &errors);
}

Test(adopted, variables_of_another_process_are_none_of_ours)
{
	struct adopted adopted;

	cr_expect_eq(init_with("1", "3", &adopted), WSB_OK);
	cr_expect_eq(adopted.count, 0);
	cr_expect_null(getenv("LISTEN_PID"));
	cr_expect_null(getenv("LISTEN_FDS"));
	cr_expect_null(getenv("LISTEN_FDNAMES"));
	cr_expect_eq(adopted_init(&adopted, &errors), WSB_OK);
	cr_expect_eq(adopted.count, 0);
}

Test(adopted, variables_that_make_no_sense)
{
	static const char *const counts[] = {"", "-1", "2x", "257", "99999999999999999999", " 1"};
	static const char *const pids[] = {"", "0", "x", "-4", "99999999999999999999"};
	struct adopted adopted;
	char own[24];

	snprintf(own, sizeof(own), "%d", (int)getpid());
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		cr_expect_eq(init_with(own, counts[i], &adopted), WSB_EINVAL, "%s", counts[i]);
		cr_expect_gt(errors.len, 0);
		cr_expect_null(getenv("LISTEN_FDS"));
	}
	for (size_t i = 0; i < sizeof(pids) / sizeof(pids[0]); i++)
		cr_expect_eq(init_with(pids[i], "1", &adopted), WSB_EINVAL, "%s", pids[i]);
	cr_expect_eq(init_with(own, "0", &adopted), WSB_OK);
	cr_expect_eq(adopted.count, 0);
}
