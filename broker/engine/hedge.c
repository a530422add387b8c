#include "broker/engine/hedge.h"

#include <stdlib.h>

#define HEDGE_QUANTILE 0.95
#define HEDGE_SAMPLES  100
#define HEDGE_SPAN_US  (30 * US_PER_S)
#define HEDGE_LOOK_US  (100 * US_PER_MS)
#define HEDGE_LEAST_US US_PER_MS /* nothing is looked at more often */

enum wsb_err hedges_make(struct hedges *hedges, const struct config *config)
{
	*hedges = (struct hedges){0};
	for (size_t i = 0; i < config->route_count; i++)
		hedges->count += config->routes[i].hedge;
	if (hedges->count == 0)
		return WSB_OK;
	hedges->of = calloc(hedges->count, sizeof(*hedges->of));
	if (!hedges->of)
		return WSB_ENOMEM;
	for (size_t i = 0, at = 0; i < config->route_count; i++)
		if (config->routes[i].hedge)
			hedges->of[at++].route = &config->routes[i];
	return WSB_OK;
}

void hedges_free(struct hedges *hedges)
{
	free(hedges->of);
	*hedges = (struct hedges){0};
}

static const struct hedge *hedge_like(const struct hedges *hedges, const struct hedge *other)
{
	for (size_t i = 0; i < hedges->count; i++)
		if (strcmp(hedges->of[i].route->method, other->route->method) == 0)
			return &hedges->of[i];
	return NULL;
}

void hedges_take(struct engine *engine, struct hedges *next)
{
	for (size_t i = 0; i < next->count; i++) {
		const struct route_settings *route = next->of[i].route;
		const struct hedge *before = hedge_like(&engine->hedges, &next->of[i]);

		if (before)
			next->of[i] = *before;
		next->of[i].route = route;
	}
	hedges_free(&engine->hedges);
	engine->hedges = *next;
	*next = (struct hedges){0};
}

/* NULL: the route does not hedge, or is one of an earlier configuration. */
static struct hedge *hedge_of(const struct engine *engine, const struct route_settings *route)
{
	for (size_t i = 0; i < engine->hedges.count; i++)
		if (engine->hedges.of[i].route == route)
			return &engine->hedges.of[i];
	return NULL;
}

uint64_t hedge_after_us(const struct engine *engine, const struct exchange *exchange)
{
	const struct hedge *hedge =
		exchange->route->hedge ? hedge_of(engine, exchange->route) : NULL;

	return hedge ? hedge->after_us : 0;
}

void hedge_answered(struct engine *engine, const struct exchange *exchange, uint64_t latency_us)
{
	struct hedge *hedge = hedge_of(engine, exchange->route);

	if (hedge)
		recent_record(&hedge->answers, latency_us);
}

void hedges_upkeep(struct engine *engine, uint64_t now_us)
{
	struct hedges *hedges = &engine->hedges;

	if (hedges->count == 0 || now_us < hedges->look_us)
		return;
	hedges->look_us = now_us + HEDGE_LOOK_US;
	for (size_t i = 0; i < hedges->count; i++) {
		struct hedge *hedge = &hedges->of[i];
		uint64_t after_us;

		recent_turn(&hedge->answers, HEDGE_SPAN_US, now_us);
		after_us = recent_quantile_us(&hedge->answers, HEDGE_QUANTILE);
		if (recent_count(&hedge->answers) < HEDGE_SAMPLES)
			after_us = 0;
		else if (after_us < HEDGE_LEAST_US)
			after_us = HEDGE_LEAST_US;
		hedge->after_us = after_us;
	}
}
