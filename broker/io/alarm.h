/* broker/io/alarm.h: wakes the loop at a moment, to within the system's own precision; the loop's
 * timers know milliseconds only. */
#ifndef WSB_BROKER_IO_ALARM_H
#define WSB_BROKER_IO_ALARM_H

#include <stdint.h>
#include <uv.h>
#include "broker/io/loop.h"
#include "common/err.h"

struct alarm {
	uv_poll_t poll;
	int fd;
	uint64_t due_us; /* 0: not set */
};

/* WSB_EIO. After an error alarm_close must not be called. */
enum wsb_err alarm_open(struct alarm *alarm, struct loop *loop) WSB_CHECKED;
/* The loop must run (or settle) once more. */
void alarm_close(struct alarm *alarm);

/* Ends the loop's sleep at due_us (monotonic) at the latest: a turn follows. A moment gone by wakes
 * it at once. Replaces what was set before. due_us is not 0. */
void alarm_set(struct alarm *alarm, uint64_t due_us);

#endif
