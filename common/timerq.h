/* common/timerq.h: many deadlines, cheap to set and to call off.
 * A hierarchical timing wheel (Varghese and Lauck, 1987) with ticks of one millisecond. */
#ifndef WSB_COMMON_TIMERQ_H
#define WSB_COMMON_TIMERQ_H

#include <stdbool.h>
#include <stdint.h>
#include "common/list.h"

#define TIMERQ_LEVELS 4
#define TIMERQ_SLOTS  256

struct timer {
	struct list_node link;
	uint64_t deadline_us; /* meaningful while armed */
	struct list *slot;    /* NULL while not armed */
};

struct timerq {
	struct list slots[TIMERQ_LEVELS][TIMERQ_SLOTS];
	uint64_t tick;	 /* milliseconds already passed */
	uint64_t now_us; /* the latest time heard of */
	struct list due;
	size_t armed;
};

void timerq_init(struct timerq *queue, uint64_t now_us);

void timer_init(struct timer *timer);

/* Sets or moves the deadline (monotonic microseconds). A deadline that has passed is due at once;
 * none fires before its time, and late by at most a millisecond plus the caller's own pace. */
void timerq_arm(struct timerq *queue, struct timer *timer, uint64_t deadline_us);
void timerq_disarm(struct timerq *queue, struct timer *timer); /* may be unarmed */

static inline bool timer_is_armed(const struct timer *timer)
{
	return timer->slot != NULL;
}

/* One timer whose deadline is at or before now_us, disarmed; NULL when there is none left.
 * Call it until NULL: what the caller arms meanwhile for a time gone by comes up as well. */
struct timer *timerq_pop(struct timerq *queue, uint64_t now_us);

#endif
