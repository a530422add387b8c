#include "broker/session/quota.h"

#include "common/clock.h"

/* Sums of fractions of a token may miss a whole one by their rounding: by far less than this. */
#define ROUNDING 1e-6

/* The tokens there are at now_us; time that seems to go back brings none. */
static double tokens_at(const struct quota *quota, uint64_t now_us)
{
	double tokens = quota->tokens;

	if (now_us > quota->at_us)
		tokens += quota->per_second * ((double)(now_us - quota->at_us) / (double)US_PER_S);
	return tokens < quota->per_second ? tokens : quota->per_second;
}

void quota_init(struct quota *quota, uint32_t per_second, uint64_t now_us)
{
	quota->per_second = per_second;
	quota->tokens = per_second;
	quota->at_us = now_us;
}

bool quota_take(struct quota *quota, uint64_t now_us)
{
	if (quota->per_second == 0)
		return true;
	quota->tokens = tokens_at(quota, now_us);
	if (now_us > quota->at_us)
		quota->at_us = now_us;
	if (quota->tokens < 1 - ROUNDING)
		return false;
	quota->tokens -= 1;
	return true;
}
