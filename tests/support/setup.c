#include "tests/support/setup.h"

#include <stdlib.h>
#include "broker/control/arena.h"
#include "broker/route/cache_plan.h"

#define SECOND UINT64_C(1000000)
#define MIB    (UINT64_C(1) << 20)

static const struct limits_settings default_limits = {
	.clients = 10000,
	.memory_bytes = 1024 * MIB,
	.message_bytes = MIB,
	.fragments = 1024,
	.batch = 100,
	.in_flight_per_client = 1024,
	.send_buffer_bytes = 4 * MIB,
	.handshake_us = 10 * SECOND,
	.ping_us = 30 * SECOND,
	.subscriptions_per_client = 1024,
};

void setup_init(struct setup *setup)
{
	*setup = (struct setup){0};
	setup->listeners[0] = (struct listener_settings){
		.address = {.kind = ADDRESS_TCP,
			    .text = "127.0.0.1:7080",
			    .host = "127.0.0.1",
			    .port = 7080},
		.path = "/",
	};
	setup->config = (struct config){
		.node = "test",
		.listeners = setup->listeners,
		.listener_count = 1,
		.limits = default_limits,
		.envelope_is_jsonrpc = true,
		.pools = setup->pools,
		.routes = setup->routes,
		.cache = {.store = {.memory_bytes = 64 * MIB,
				    .max_entry_bytes = MIB,
				    .compress_above = 2048,
				    .max_tags = 256}},
		.drain = {.timeout_us = 30 * SECOND, .spread_us = 5 * SECOND, .code = 1012},
	};
}

struct pool_settings *setup_pool(struct setup *setup, const char *name)
{
	size_t at = setup->config.pool_count;
	struct pool_settings *pool = &setup->pools[at];

	if (at == SETUP_POOLS)
		return NULL;
	*pool = (struct pool_settings){
		.name = name,
		.endpoints = setup->endpoints[at],
		.size = 1,
		.max_in_flight = 256,
		.connect_rate = 50,
		.balancer = BALANCER_LEAST_CONNECTIONS,
		.on_connect = setup->steps[at],
		.retry = {.budget = 0.2, .per_second = 10},
		.queue = {.requests = 10000, .bytes = 64 * MIB, .age_us = 5 * SECOND},
		.probe = {.interval_us = 5 * SECOND, .timeout_us = 2 * SECOND},
	};
	setup->config.pool_count++;
	return pool;
}

struct endpoint_settings *setup_endpoint(struct pool_settings *pool, const char *name)
{
	size_t at = pool->endpoint_count;
	struct endpoint_settings *endpoint = &pool->endpoints[at];

	if (at == SETUP_ENDPOINTS)
		return NULL;
	*endpoint = (struct endpoint_settings){
		.name = name,
		.url = "ws://127.0.0.1:9101/",
		.host = "127.0.0.1",
		.port = 9101,
		.path = "/",
		.weight = 1,
		.tier = 1,
	};
	pool->endpoint_count++;
	return endpoint;
}

struct greeting_step *setup_greeting(struct pool_settings *pool)
{
	struct greeting_step *step;

	if (pool->on_connect_count == SETUP_STEPS)
		return NULL;
	step = &pool->on_connect[pool->on_connect_count++];
	*step = (struct greeting_step){.timeout_us = 5 * SECOND};
	return step;
}

struct route_settings *setup_route(struct setup *setup, const char *method)
{
	struct route_settings *route = &setup->routes[setup->config.route_count];

	if (setup->config.route_count == SETUP_ROUTES)
		return NULL;
	*route = (struct route_settings){.method = method, .timeout_us = 30 * SECOND};
	setup->config.route_count++;
	return route;
}

static void release_plan(void *plan)
{
	cache_plan_destroy(plan);
}

void setup_compile(struct setup *setup)
{
	struct arena *arena = setup->config.arena;

	if (!arena && !setup->compiled && arena_create(&setup->compiled))
		abort();
	if (!arena)
		arena = setup->compiled;
	for (size_t i = 0; i < setup->config.route_count; i++) {
		struct cache_rule *rule = &setup->routes[i].cache;
		struct cache_plan *plan;

		rule->plan = NULL;
		if (!rule->enabled)
			continue;
		if (cache_plan_create(&plan, rule) || !arena_defer(arena, release_plan, plan))
			abort();
		rule->plan = plan;
	}
}

void setup_fini(struct setup *setup)
{
	arena_destroy(setup->compiled);
	setup->compiled = NULL;
}

struct setup *setup_copy(const struct setup *setup)
{
	struct arena *arena;
	struct setup *copy;

	if (arena_create(&arena))
		abort();
	copy = arena_alloc(arena, 1, sizeof(*copy));
	if (!copy)
		abort();
	*copy = *setup;
	copy->config.arena = arena;
	copy->config.holds = 1;
	copy->compiled = NULL;
	copy->config.listeners = copy->listeners;
	copy->config.pools = copy->pools;
	copy->config.routes = copy->routes;
	for (size_t i = 0; i < sizeof(copy->listeners) / sizeof(copy->listeners[0]); i++) {
		copy->listeners[i].origins = copy->origins;
		copy->listeners[i].tokens.tokens = copy->tokens;
	}
	for (size_t i = 0; i < SETUP_POOLS; i++) {
		copy->pools[i].endpoints = copy->endpoints[i];
		copy->pools[i].on_connect = copy->steps[i];
	}
	setup_compile(copy);
	return copy;
}
