#include "broker/io/loop.h"

#include <assert.h>
#include <signal.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "common/clock.h"

static void on_turn(uv_prepare_t *handle)
{
	struct loop *loop = handle->data;

	loop->hooks->turn(loop->context);
}

static void on_tick(uv_poll_t *handle, int status, int events)
{
	struct loop *loop = handle->data;
	uint64_t now_us = clock_monotonic_us();
	uint64_t lag_us = now_us > loop->tick_due_us ? now_us - loop->tick_due_us : 0;
	uint64_t ticks;

	(void)events;
	if (status < 0 || read(loop->tick_fd, &ticks, sizeof(ticks)) < 0)
		return;
	loop->tick_due_us = now_us + LOOP_TICK_MS * US_PER_MS;
	loop->hooks->tick(loop->context, now_us, lag_us);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct loop *loop = handle->data;

	if (number == SIGHUP)
		loop->hooks->reload_asked(loop->context);
	else
		loop->hooks->stop_asked(loop->context);
}

static bool start_tick(struct loop *loop)
{
	const struct timespec period = {.tv_nsec = LOOP_TICK_MS * 1000000};
	const struct itimerspec pace = {.it_value = period, .it_interval = period};

	loop->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (loop->tick_fd < 0 || timerfd_settime(loop->tick_fd, 0, &pace, NULL) ||
	    uv_poll_init(&loop->uv, &loop->tick, loop->tick_fd))
		return false;
	loop->tick.data = loop;
	loop->tick_due_us = clock_monotonic_us() + LOOP_TICK_MS * US_PER_MS;
	return uv_poll_start(&loop->tick, UV_READABLE, on_tick) == 0;
}

static void start_handles(struct loop *loop)
{
	uv_prepare_init(&loop->uv, &loop->turn);
	loop->turn.data = loop;
	loop->terminate.data = loop;
	loop->interrupt.data = loop;
	loop->hangup.data = loop;
	uv_prepare_start(&loop->turn, on_turn);
}

enum wsb_err loop_init(struct loop *loop, const struct loop_hooks *hooks, void *context)
{
	*loop = (struct loop){.hooks = hooks, .context = context, .tick_fd = -1};
	signal(SIGPIPE, SIG_IGN);
	if (uv_loop_init(&loop->uv))
		return WSB_EIO;
	if (uv_signal_init(&loop->uv, &loop->terminate) ||
	    uv_signal_init(&loop->uv, &loop->interrupt) ||
	    uv_signal_init(&loop->uv, &loop->hangup)) {
		loop_fini(loop);
		return WSB_EIO;
	}
	start_handles(loop);
	if (!start_tick(loop) || uv_signal_start(&loop->terminate, on_signal, SIGTERM) ||
	    uv_signal_start(&loop->interrupt, on_signal, SIGINT) ||
	    (hooks->reload_asked && uv_signal_start(&loop->hangup, on_signal, SIGHUP))) {
		loop_fini(loop);
		return WSB_EIO;
	}
	return WSB_OK;
}

void loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

static void close_own(uv_handle_t *handle, void *context)
{
	struct loop *loop = context;

	if (handle->data == loop && !uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void on_patience_lost(uv_timer_t *handle)
{
	uv_stop(handle->loop);
}

/* The turn, the tick and the signals would keep the loop alive for ever. */
bool loop_settle(struct loop *loop)
{
	bool settled;

	uv_walk(&loop->uv, close_own, loop);
	uv_timer_init(&loop->uv, &loop->patience);
	uv_timer_start(&loop->patience, on_patience_lost, LOOP_SETTLE_MS, 0);
	uv_unref((uv_handle_t *)&loop->patience);
	settled = uv_run(&loop->uv, UV_RUN_DEFAULT) == 0;
	uv_close((uv_handle_t *)&loop->patience, NULL);
	uv_run(&loop->uv, UV_RUN_NOWAIT);
	return settled;
}

void loop_fini(struct loop *loop)
{
	int left;

	loop_settle(loop);
	left = uv_loop_close(&loop->uv);
	if (loop->tick_fd >= 0)
		close(loop->tick_fd);
	assert(left == 0);
	(void)left;
}
