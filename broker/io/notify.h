/* broker/io/notify.h: tells whoever started the broker how it is, in the protocol of sd_notify(3):
 * a datagram of NAME=VALUE lines to the socket that NOTIFY_SOCKET names. Without one all of it does
 * nothing. Nothing here waits: what the socket does not take now is said again later. */
#ifndef WSB_BROKER_IO_NOTIFY_H
#define WSB_BROKER_IO_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "common/log.h"
#include "common/span.h"

#define NOTIFY_STATUS_MAX 400

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un to;
	socklen_t to_len;
	struct log *log;
	uint64_t
		watchdog_us; /* it wants to hear from the broker within this time; 0: it does not */
	uint64_t beat_at_us;
	bool withheld; /* the last beat was not sent */
	bool has_failed;
	char owed[128]; /* the latest step, when it could not be sent; "" : none is */
	char status[NOTIFY_STATUS_MAX];
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and removes them from the environment. What
 * makes no sense is logged and left alone. Borrows log. */
void notify_init(struct notify *notify, struct log *log);
void notify_fini(struct notify *notify);

static inline bool notify_is_heard(const struct notify *notify)
{
	return notify->fd >= 0;
}

/* The steps of a life. notify_ready also ends a reload, whatever came of it. patience_us: how long
 * the end may take at most. */
void notify_ready(struct notify *notify);
void notify_reloading(struct notify *notify, uint64_t now_us);
void notify_stopping(struct notify *notify, uint64_t patience_us);

/* A line for people; said only when it is another one. */
void notify_status(struct notify *notify, struct span status);

/* Says what is owed. Call with every tick. */
void notify_tick(struct notify *notify);

/* Half of the watchdog's time has passed since the last beat: look whether all is well, then call
 * notify_beat. */
bool notify_beat_is_due(const struct notify *notify, uint64_t now_us);

/* complaint NULL: all is well, the watchdog is told so. Else it is left to bark, and a beat stays
 * due. True: it was otherwise the last time, which has been logged. */
bool notify_beat(struct notify *notify, const char *complaint, uint64_t now_us);

#endif
