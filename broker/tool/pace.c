#include "broker/tool/pace.h"

/* Far beyond any run; keeps sums from overflowing. */
#define FOREVER_US (UINT64_MAX / 4)

void pace_start(struct pace *pace, double rate, uint64_t now_us, uint64_t warm_up_us,
		uint64_t duration_us)
{
	*pace = (struct pace){.rate = rate, .start_us = now_us};
	pace->measure_us = now_us + warm_up_us;
	pace->end_us = pace->measure_us + (duration_us < FOREVER_US ? duration_us : FOREVER_US);
}

uint64_t pace_next_us(const struct pace *pace)
{
	uint64_t due_us;

	if (pace->rate <= 0.0)
		return UINT64_MAX;
	due_us = pace->start_us + (uint64_t)((double)pace->issued * 1e6 / pace->rate);
	return due_us < pace->end_us ? due_us : UINT64_MAX;
}

bool pace_take(struct pace *pace, uint64_t now_us, uint64_t *due_us)
{
	uint64_t next_us = pace_next_us(pace);

	if (next_us > now_us || next_us == UINT64_MAX)
		return false;
	pace->issued++;
	*due_us = next_us;
	return true;
}
