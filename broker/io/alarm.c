#include "broker/io/alarm.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "common/clock.h"

/* All that is wanted is that the loop turns. */
static void on_ring(uv_poll_t *handle, int status, int events)
{
	struct alarm *alarm = handle->data;
	uint64_t rings;

	(void)status;
	(void)events;
	alarm->due_us = 0;
	if (read(alarm->fd, &rings, sizeof(rings)) < 0 && errno != EAGAIN)
		uv_poll_stop(handle);
}

enum wsb_err alarm_open(struct alarm *alarm, struct loop *loop)
{
	*alarm = (struct alarm){.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)};
	if (alarm->fd < 0)
		return WSB_EIO;
	if (uv_poll_init(&loop->uv, &alarm->poll, alarm->fd)) {
		close(alarm->fd);
		return WSB_EIO;
	}
	alarm->poll.data = alarm;
	uv_poll_start(&alarm->poll, UV_READABLE, on_ring);
	return WSB_OK;
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct alarm *alarm = handle->data;

	close(alarm->fd);
	alarm->fd = -1;
}

void alarm_close(struct alarm *alarm)
{
	uv_close((uv_handle_t *)&alarm->poll, on_poll_closed);
}

void alarm_set(struct alarm *alarm, uint64_t due_us)
{
	struct itimerspec moment = {
		.it_value = {.tv_sec = (time_t)(due_us / US_PER_S),
			     .tv_nsec = (long)(due_us % US_PER_S * 1000)},
	};

	if (due_us == alarm->due_us)
		return;
	alarm->due_us = due_us;
	timerfd_settime(alarm->fd, TFD_TIMER_ABSTIME, &moment, NULL);
}
