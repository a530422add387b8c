#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "broker/io/notify.h"

/* Who listens: a datagram socket in the abstract namespace, and what it has heard. */
static int manager;
static char heard[1024];
static struct notify notify;
static struct log log_lines;
static unsigned int lines;

static void count_line(void *context, enum log_level level, struct span line)
{
	(void)context;
	(void)level;
	(void)line;
	lines++;
}

static void listen_at(const char *path, size_t len)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	memcpy(name.sun_path, path, len);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(manager, (struct sockaddr *)&name,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		     0);
}

static void start(const char *watchdog_us, const char *watchdog_pid)
{
	char name[64];
	int len = snprintf(name, sizeof(name), "@notify.%d", (int)getpid());

	lines = 0;
	log_init(&log_lines, LOG_INFO, LOG_LOGFMT, count_line, NULL, NULL);
	setenv("NOTIFY_SOCKET", name, 1);
	if (watchdog_us)
		setenv("WATCHDOG_USEC", watchdog_us, 1);
	if (watchdog_pid)
		setenv("WATCHDOG_PID", watchdog_pid, 1);
	name[0] = '\0';
	listen_at(name, (size_t)len);
	notify_init(&notify, &log_lines);
	cr_assert(notify_is_heard(&notify));
}

static void tear_down(void)
{
	notify_fini(&notify);
	close(manager);
}

TestSuite(notify, .fini = tear_down);

/* The next datagram; "": there is none. */
static const char *next(void)
{
	ssize_t len = recv(manager, heard, sizeof(heard) - 1, 0);

	heard[len > 0 ? len : 0] = '\0';
	return heard;
}

Test(notify, the_steps_of_a_life)
{
	start(NULL, NULL);
	notify_ready(&notify);
	cr_expect_str_eq(next(), "READY=1");
	notify_reloading(&notify, 1234567);
	cr_expect_str_eq(next(), "RELOADING=1\nMONOTONIC_USEC=1234567");
	notify_ready(&notify);
	cr_expect_str_eq(next(), "READY=1");
	notify_stopping(&notify, 45000000);
	cr_expect_str_eq(next(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=45000000");
	notify_tick(&notify);
	cr_expect_str_eq(next(), "");
	cr_expect_null(getenv("NOTIFY_SOCKET"));
}

Test(notify, a_status_is_told_when_it_is_another_one)
{
	char longer[1000];

	start(NULL, NULL);
	notify_status(&notify, span_text("ok: 1 client"));
	cr_expect_str_eq(next(), "STATUS=ok: 1 client");
	notify_status(&notify, span_text("ok: 1 client"));
	cr_expect_str_eq(next(), "");
	notify_status(&notify, span_text("down\nWATCHDOG=trigger\x01"));
	cr_expect_str_eq(next(), "STATUS=down WATCHDOG=trigger ", "one line, whatever is in it");
	memset(longer, 'x', sizeof(longer));
	notify_status(&notify, span_of(longer, sizeof(longer)));
	cr_expect_eq(strlen(next()), strlen("STATUS=") + NOTIFY_STATUS_MAX - 1);
}

Test(notify, the_watchdog_hears_twice_in_its_time)
{
	char pid[24];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	start("1000000", pid);
	cr_expect(notify_beat_is_due(&notify, 5000000));
	notify_beat(&notify, NULL, 5000000);
	cr_expect_str_eq(next(), "WATCHDOG=1");
	cr_expect_not(notify_beat_is_due(&notify, 5499999));
	cr_expect(notify_beat_is_due(&notify, 5500000));
	cr_expect_null(getenv("WATCHDOG_USEC"));
	cr_expect_null(getenv("WATCHDOG_PID"));
}

Test(notify, a_complaint_keeps_the_beat_back_until_all_is_well)
{
	start("1000000", NULL);
	notify_beat(&notify, NULL, 1000000);
	next();
	for (uint64_t now_us = 1500000; now_us < 3000000; now_us += 10000) {
		cr_assert(notify_beat_is_due(&notify, now_us));
		cr_assert_eq(notify_beat(&notify, "a listener is not open", now_us),
			     now_us == 1500000);
		cr_assert_str_eq(next(), "");
	}
	cr_expect_eq(lines, 1, "said once");
	cr_expect(notify_beat(&notify, NULL, 3000000));
	cr_expect_str_eq(next(), "WATCHDOG=1");
	cr_expect_eq(lines, 2);
	cr_expect_not(notify_beat(&notify, NULL, 3500000));
}

Test(notify, a_watchdog_of_another_process)
{
	start("1000000", "1");
	cr_expect_not(notify_beat_is_due(&notify, 1000000000));
	cr_expect_eq(lines, 0);
}

Test(notify, a_watchdog_that_makes_no_sense)
{
	start("soon", NULL);
	cr_expect_not(notify_beat_is_due(&notify, 1000000000));
	cr_expect_eq(lines, 1);
}

/* Sends until the socket takes no more; how much that is, the system decides. */
static void fill(void)
{
	for (int i = 0; !notify.has_failed && i < 100000; i++) {
		char status[32];

		snprintf(status, sizeof(status), "filling %d", i);
		notify_status(&notify, span_text(status));
	}
	cr_assert(notify.has_failed);
}

static const char *last_heard(void)
{
	static char last[1024];

	last[0] = '\0';
	while (next()[0])
		memcpy(last, heard, sizeof(last));
	return last;
}

Test(notify, what_a_full_socket_does_not_take_is_said_later)
{
	start("1000000", NULL);
	fill();
	cr_expect_eq(lines, 1, "said once");
	notify_reloading(&notify, 1);
	notify_ready(&notify);
	notify_beat(&notify, NULL, 1000000);
	cr_expect(notify_beat_is_due(&notify, 1000000), "it has not been heard");
	cr_expect_neq(strcmp(last_heard(), "READY=1"), 0);
	notify_tick(&notify);
	cr_expect_str_eq(next(), "READY=1", "the latest step alone");
	notify_tick(&notify);
	cr_expect_str_eq(next(), "");
	cr_expect_eq(lines, 1);
}

Test(notify, nobody_there_is_told_once)
{
	start("1000000", NULL);
	close(manager);
	notify_ready(&notify);
	notify_status(&notify, span_text("ok"));
	notify_beat(&notify, NULL, 1000000);
	notify_tick(&notify);
	cr_expect_eq(lines, 1);
	cr_expect_not(notify_beat_is_due(&notify, 1000000), "not tried at every tick");
}

Test(notify, a_path)
{
	char folder[] = "/tmp/notify.XXXXXX", path[64];

	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	listen_at(path, strlen(path) + 1);
	setenv("NOTIFY_SOCKET", path, 1);
	notify_init(&notify, NULL);
	notify_ready(&notify);
	cr_expect_str_eq(next(), "READY=1");
	unlink(path);
	rmdir(folder);
}

Test(notify, sockets_that_are_none)
{
	static const char *const names[] = {"", "/", "@", "vsock:2:1234", "relative"};
	char longer[200];

	manager = -1;
	log_init(&log_lines, LOG_INFO, LOG_LOGFMT, count_line, NULL, NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		notify_init(&notify, &log_lines);
		cr_expect_not(notify_is_heard(&notify), "%s", names[i]);
		notify_ready(&notify);
	}
	memset(longer, 'x', sizeof(longer));
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	notify_init(&notify, &log_lines);
	cr_expect_not(notify_is_heard(&notify));
	cr_expect_eq(lines, 1 + sizeof(names) / sizeof(names[0]));
}
