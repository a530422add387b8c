#include "broker/exchange/retry.h"

#include <math.h>
#include "common/clock.h"

/* Sums of shares may miss a whole token by their rounding: by far less than this. */
#define ROUNDING 1e-6

void retry_budget_init(struct retry_budget *budget, double share, uint32_t per_second,
		       uint64_t now_us)
{
	budget->budget = share;
	budget->per_second = per_second;
	budget->tokens = per_second * ((double)RETRY_WINDOW_US / (double)US_PER_S);
	budget->fresh = 0;
	budget->at_us = now_us;
}

void retry_budget_deposit(struct retry_budget *budget)
{
	budget->fresh += budget->budget;
}

/* The tokens decay as exp(-t / window), so that in a steady flow there are as many as the last
 * window brought. What came in since the last time is taken to have come evenly: of a flow of r a
 * second over t seconds, r x window x (1 - exp(-t / window)) is left at the end. */
void retry_budget_age(struct retry_budget *budget, uint64_t now_us)
{
	double passed;
	double gone;

	if (now_us <= budget->at_us) {
		budget->tokens += budget->fresh;
		budget->fresh = 0;
		return;
	}
	passed = (double)(now_us - budget->at_us) / (double)RETRY_WINDOW_US;
	gone = -expm1(-passed);
	budget->tokens *= 1 - gone;
	budget->tokens += budget->fresh / passed * gone;
	budget->tokens += budget->per_second * ((double)RETRY_WINDOW_US / (double)US_PER_S) * gone;
	budget->fresh = 0;
	budget->at_us = now_us;
}

bool retry_budget_withdraw(struct retry_budget *budget, uint64_t now_us)
{
	retry_budget_age(budget, now_us);
	if (budget->tokens < 1 - ROUNDING)
		return false;
	budget->tokens -= 1;
	return true;
}
