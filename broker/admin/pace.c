#include "broker/admin/pace.h"

bool pace_begin(struct pace *pace, uint64_t now_us)
{
	if (now_us < pace->rest_until_us)
		return false;
	pace->began_us = now_us;
	return true;
}

bool pace_goes_on(const struct pace *pace, uint64_t now_us)
{
	return now_us - pace->began_us < PACE_SLICE_US;
}

void pace_end(struct pace *pace, uint64_t now_us)
{
	uint64_t took_us = now_us - pace->began_us;

	pace->rest_until_us = now_us + (took_us > PACE_FREE_US ? took_us : 0);
}
