/* broker/exchange/retry.h: may this be sent again? A budget keeps retries from becoming a storm:
 * `budget` of a retry for each request, and `per_second` on top, spent within ten seconds
 * (the rule of Finagle's retry budget). */
#ifndef WSB_BROKER_EXCHANGE_RETRY_H
#define WSB_BROKER_EXCHANGE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#define RETRY_WINDOW_US UINT64_C(10000000)

struct retry_budget {
	double budget;
	double per_second;
	double tokens;
	double fresh; /* deposited since at_us */
	uint64_t at_us;
};

void retry_budget_init(struct retry_budget *budget, double share, uint32_t per_second,
		       uint64_t now_us);
void retry_budget_deposit(struct retry_budget *budget);			  /* for each request */
bool retry_budget_withdraw(struct retry_budget *budget, uint64_t now_us); /* false: used up */

/* Lets what was not spent grow old. Withdrawing does it too; called about once a second as well, it
 * keeps deposits of the last seconds apart from those of the last hour. */
void retry_budget_age(struct retry_budget *budget, uint64_t now_us);

#endif
