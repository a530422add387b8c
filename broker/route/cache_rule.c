#include "broker/route/cache_rule.h"

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)

static const struct {
	uint64_t ttl_us;
	uint64_t stale_while_revalidate_us;
	double prefetch_threshold;
	enum cache_trust trust;
} strategies[] = {
	[CACHE_AGGRESSIVE] = {10 * MINUTE, 5 * MINUTE, 0.9, TRUST_TTL},
	[CACHE_BALANCED] = {5 * MINUTE, 30 * SECOND, 0.8, TRUST_BRIEFLY},
	[CACHE_CONSERVATIVE] = {2 * MINUTE, 0, 0.6, TRUST_ASK},
};

void cache_strategy_apply(enum cache_strategy strategy, struct cache_rule *rule)
{
	rule->strategy = strategy;
	rule->ttl_us = strategies[strategy].ttl_us;
	rule->stale_while_revalidate_us = strategies[strategy].stale_while_revalidate_us;
	rule->prefetch_threshold = strategies[strategy].prefetch_threshold;
	rule->trust = strategies[strategy].trust;
}

uint8_t cache_priority_weight(enum cache_priority priority)
{
	return (uint8_t)(1U << priority);
}
