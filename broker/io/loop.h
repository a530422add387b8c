/* broker/io/loop.h: the one event loop of an instance: turns, ticks and the signals that end it. */
#ifndef WSB_BROKER_IO_LOOP_H
#define WSB_BROKER_IO_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>
#include "common/err.h"

#define LOOP_TICK_MS 10

struct loop_hooks {
	/* Once per turn, after everything that became readable has been dealt with and before the
	 * process sleeps: the moment to write. */
	void (*turn)(void *context);
	/* Every LOOP_TICK_MS; lag_us is how late it comes. */
	void (*tick)(void *context, uint64_t now_us, uint64_t lag_us);
	/* SIGTERM or SIGINT. */
	void (*stop_asked)(void *context);
	/* SIGHUP. NULL: it ends the process, as usual. */
	void (*reload_asked)(void *context);
};

struct loop {
	uv_loop_t uv;
	uv_prepare_t turn;
	uv_poll_t tick;
	int tick_fd; /* a timer of the system's own: with one of the loop's, every sleep would have
			to be bounded anew, which costs a microsecond each time */
	uv_signal_t terminate;
	uv_signal_t interrupt;
	uv_signal_t hangup;
	uv_timer_t patience;
	uint64_t tick_due_us;
	const struct loop_hooks *hooks;
	void *context;
};

/* Borrows hooks and context. SIGPIPE is ignored from here on. WSB_EIO: no loop could be had. */
enum wsb_err loop_init(struct loop *loop, const struct loop_hooks *hooks,
		       void *context) WSB_CHECKED;

/* Runs until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Lets what is closing finish: turns and ticks end, and the loop runs until nothing keeps it alive.
 * False: something did not end within LOOP_SETTLE_MS. */
bool loop_settle(struct loop *loop);
#define LOOP_SETTLE_MS 1000

/* Closes the loop's own handles and the loop; every other handle must be closed or closing. */
void loop_fini(struct loop *loop);

#endif
