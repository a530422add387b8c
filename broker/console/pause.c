#include "broker/console/pause.h"

#include <time.h>
#include "common/clock.h"

void pause_us(uint64_t us)
{
	struct timespec left = {
		.tv_sec = (time_t)(us / US_PER_S),
		.tv_nsec = (long)(us % US_PER_S * 1000),
	};

	while (nanosleep(&left, &left) != 0)
		continue;
}
