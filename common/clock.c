#include "common/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_us(clockid_t id)
{
	struct timespec now = {0};

	/* Neither clock can fail on Linux with a valid pointer. */
	(void)clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_monotonic_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

uint64_t clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

void clock_text(uint64_t wall_us, char text[CLOCK_TEXT_MAX])
{
	time_t second = (time_t)(wall_us / US_PER_S);
	struct tm tm = {0};
	size_t len;

	gmtime_r(&second, &tm);
	len = strftime(text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, CLOCK_TEXT_MAX - len, ".%03uZ",
		 (unsigned int)(wall_us % US_PER_S / US_PER_MS));
}
