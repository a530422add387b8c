#include "broker/io/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void ignore_variable(struct notify *notify, const char *name, const char *why)
{
	log_event(notify->log, LOG_WARN, "notify.ignored", log_text("variable", name),
		  log_text("reason", why));
}

/* "/run/x" or, in the abstract namespace, "@x". */
static bool read_socket(struct notify *notify, const char *text)
{
	size_t len = strlen(text);

	if (text[0] != '/' && text[0] != '@') {
		ignore_variable(notify, "NOTIFY_SOCKET", "neither a path nor an abstract name");
		return false;
	}
	if (len < 2 || len >= sizeof(notify->to.sun_path)) {
		ignore_variable(notify, "NOTIFY_SOCKET", "too long or empty");
		return false;
	}
	notify->to.sun_family = AF_UNIX;
	memcpy(notify->to.sun_path, text, len);
	if (text[0] == '@')
		notify->to.sun_path[0] = '\0';
	/* The whole name counts, and a path goes without its terminator as well. */
	notify->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

/* Digits only, above 0. */
static bool read_number(const char *text, uint64_t *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *out > 0;
}

/* It may be meant for another process: for the one that has started this one. */
static void read_watchdog(struct notify *notify)
{
	const char *time_text = getenv("WATCHDOG_USEC");
	const char *pid_text = getenv("WATCHDOG_PID");
	uint64_t time_us, pid;

	if (!time_text)
		return;
	if (!read_number(time_text, &time_us)) {
		ignore_variable(notify, "WATCHDOG_USEC", "not a number of microseconds");
		return;
	}
	if (pid_text && !read_number(pid_text, &pid)) {
		ignore_variable(notify, "WATCHDOG_PID", "not the number of a process");
		return;
	}
	if (!pid_text || pid == (uint64_t)getpid())
		notify->watchdog_us = time_us;
}

static void forget_variables(void)
{
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_init(struct notify *notify, struct log *log)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*notify = (struct notify){.fd = -1, .log = log};
	if (name && read_socket(notify, name)) {
		notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		read_watchdog(notify);
	}
	forget_variables();
}

void notify_fini(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}

static bool is_full(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

/* False: the socket is full, and it may be said later. Whatever else fails would fail again. */
static bool say(struct notify *notify, const char *text)
{
	if (notify->fd < 0 || sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
				     (const struct sockaddr *)&notify->to, notify->to_len) >= 0)
		return true;
	if (!notify->has_failed)
		log_event(notify->log, LOG_WARN, "notify.failed",
			  log_text("error", strerror(errno)));
	notify->has_failed = true;
	return !is_full(errno);
}

/* A later step says all that an earlier one could. */
static void take_step(struct notify *notify, const char *text)
{
	notify->owed[0] = '\0';
	if (!say(notify, text))
		snprintf(notify->owed, sizeof(notify->owed), "%s", text);
}

void notify_ready(struct notify *notify)
{
	take_step(notify, "READY=1");
}

void notify_reloading(struct notify *notify, uint64_t now_us)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_us);
	take_step(notify, text);
}

void notify_stopping(struct notify *notify, uint64_t patience_us)
{
	char text[64];

	snprintf(text, sizeof(text), "STOPPING=1\nEXTEND_TIMEOUT_USEC=%" PRIu64, patience_us);
	take_step(notify, text);
}

/* A line break would begin another variable. */
static void copy_line(char *out, size_t size, struct span line)
{
	size_t len = line.len < size ? line.len : size - 1;

	for (size_t i = 0; i < len; i++)
		out[i] = (unsigned char)line.at[i] < ' ' ? ' ' : line.at[i];
	out[len] = '\0';
}

void notify_status(struct notify *notify, struct span status)
{
	char line[NOTIFY_STATUS_MAX];
	char text[NOTIFY_STATUS_MAX + 8];

	copy_line(line, sizeof(line), status);
	if (strcmp(line, notify->status) == 0)
		return;
	snprintf(text, sizeof(text), "STATUS=%s", line);
	if (say(notify, text))
		memcpy(notify->status, line, sizeof(line));
}

void notify_tick(struct notify *notify)
{
	if (notify->owed[0] && say(notify, notify->owed))
		notify->owed[0] = '\0';
}

bool notify_beat_is_due(const struct notify *notify, uint64_t now_us)
{
	return notify->watchdog_us > 0 && now_us >= notify->beat_at_us;
}

bool notify_beat(struct notify *notify, const char *complaint, uint64_t now_us)
{
	bool withhold = complaint != NULL;
	bool changed = withhold != notify->withheld;

	notify->withheld = withhold;
	if (changed && withhold)
		log_event(notify->log, LOG_ERROR, "watchdog.withheld",
			  log_text("reason", complaint));
	else if (changed)
		log_event(notify->log, LOG_WARN, "watchdog.resumed");
	if (!withhold && say(notify, "WATCHDOG=1"))
		notify->beat_at_us = now_us + notify->watchdog_us / 2;
	return changed;
}
