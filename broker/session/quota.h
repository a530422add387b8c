/* broker/session/quota.h: how many requests a client may make: a token bucket of one second. */
#ifndef WSB_BROKER_SESSION_QUOTA_H
#define WSB_BROKER_SESSION_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct quota {
	uint32_t per_second; /* 0: no limit */
	double tokens;
	uint64_t at_us;
};

void quota_init(struct quota *quota, uint32_t per_second, uint64_t now_us);
/* Whether one more request fits now; takes it if so. */
bool quota_take(struct quota *quota, uint64_t now_us);

#endif
