/* broker/tool/pace.h: when requests are due, and which of them count. Pure.
 *
 * In an open loop the n-th request is due at its place in the schedule, whatever became of those
 * before it, and its latency counts from there: a server that stalls is charged with everybody who
 * had to wait, not only with those who happened to be under way ("coordinated omission", Gil Tene).
 */
#ifndef WSB_BROKER_TOOL_PACE_H
#define WSB_BROKER_TOOL_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
	double rate; /* per second; 0: a closed loop, which has no schedule */
	uint64_t start_us;
	uint64_t measure_us; /* the warm-up is over */
	uint64_t end_us;
	uint64_t issued; /* by the schedule */
};

void pace_start(struct pace *pace, double rate, uint64_t now_us, uint64_t warm_up_us,
		uint64_t duration_us);

/* Open loop: when the next request is due; UINT64_MAX: there is none. */
uint64_t pace_next_us(const struct pace *pace);

/* Open loop: takes the next request if it is due at now_us; *due_us is set then. */
bool pace_take(struct pace *pace, uint64_t now_us, uint64_t *due_us);

static inline bool pace_is_over(const struct pace *pace, uint64_t now_us)
{
	return now_us >= pace->end_us;
}

static inline bool pace_counts(const struct pace *pace, uint64_t due_us)
{
	return due_us >= pace->measure_us && due_us < pace->end_us;
}

/* Ends before its time. */
static inline void pace_cut(struct pace *pace, uint64_t now_us)
{
	if (now_us < pace->end_us)
		pace->end_us = now_us;
}

/* How long was measured; 0 when it ended in the warm-up. */
static inline uint64_t pace_measured_us(const struct pace *pace)
{
	return pace->end_us > pace->measure_us ? pace->end_us - pace->measure_us : 0;
}

#endif
