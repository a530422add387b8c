/* Configurations that are swapped while everything is under way. What a run's judges go by (routes,
 * encodings, the size of messages) stays; bounds that were wider before count for what began then.
 */
#include "tests/sim/sim.h"

#include <string.h>
#include "broker/engine/reconfigure.h"

static const char *const other_names[SETUP_POOLS] = {"q0", "q1", "q2"};
static const char *const pool_names[SETUP_POOLS] = {"p0", "p1", "p2"};
static const char *const endpoint_names[SETUP_ENDPOINTS] = {"a", "b", "c", "d"};
static const char *const hosts[] = {"127.0.0.1", "127.0.0.2"};

/* Pools change their names, but for the number in it; the one of session listeners has none. */
size_t sim_pool_index(const struct sim *sim, const struct pool *pool)
{
	return pool->settings->tunnels ? sim->tunnels : (size_t)(pool->settings->name[1] - '0');
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void widen(struct sim *sim)
{
	const struct config *config = &sim->setup.config;

	for (size_t i = 0; i < config->pool_count; i++) {
		const struct pool_settings *pool = &config->pools[i];
		struct sim_bounds *bounds = &sim->latitude.pools[i];

		bounds->in_flight = larger(bounds->in_flight, pool->max_in_flight);
		bounds->queue_requests = larger(bounds->queue_requests, pool->queue.requests);
		bounds->queue_bytes = larger(bounds->queue_bytes, pool->queue.bytes);
	}
	sim->latitude.send_buffer =
		larger(sim->latitude.send_buffer, config->limits.send_buffer_bytes);
	sim->latitude.may_be_cut =
		sim->latitude.may_be_cut || config->limits.send_buffer_bytes <= 16384;
	sim->latitude.may_be_idle = sim->latitude.may_be_idle || config->limits.idle_us > 0;
	sim->latitude.may_be_limited =
		sim->latitude.may_be_limited || config->limits.rate_per_client > 0;
}

static void change_limits(struct sim *sim)
{
	struct limits_settings *limits = &sim->setup.config.limits;

	limits->in_flight_per_client = (uint32_t)sim_pick(sim, 1, 8);
	limits->ping_us = sim_pick(sim, 100 * MS, 1000 * MS);
	if (sim_chance(sim, 20))
		limits->rate_per_client = (uint32_t)sim_pick(sim, 0, 60);
	if (sim_chance(sim, 20))
		limits->send_buffer_bytes = sim_pick(sim, 600, 16384);
}

/* One more, if there is a place; its name is one that none of the others has. */
static void add_endpoint(struct sim *sim, struct pool_settings *pool)
{
	for (size_t i = 0; i < SETUP_ENDPOINTS; i++) {
		bool taken = false;
		struct endpoint_settings *endpoint;

		for (size_t k = 0; k < pool->endpoint_count; k++)
			taken = taken || strcmp(pool->endpoints[k].name, endpoint_names[i]) == 0;
		if (taken)
			continue;
		endpoint = setup_endpoint(pool, endpoint_names[i]);
		endpoint->weight = (uint32_t)sim_pick(sim, 1, 5);
		return;
	}
}

static void remove_endpoint(struct sim *sim, struct pool_settings *pool)
{
	size_t at = sim_pick(sim, 0, pool->endpoint_count - 1);

	if (pool->endpoint_count == 1)
		return;
	memmove(&pool->endpoints[at], &pool->endpoints[at + 1],
		(pool->endpoint_count - at - 1) * sizeof(pool->endpoints[0]));
	pool->endpoint_count--;
}

static void change_endpoint(struct sim *sim, struct pool_settings *pool)
{
	struct endpoint_settings *endpoint =
		&pool->endpoints[sim_pick(sim, 0, pool->endpoint_count - 1)];

	endpoint->weight = (uint32_t)sim_pick(sim, 1, 5);
	endpoint->tier = (uint32_t)sim_pick(sim, 1, 2);
	if (sim_chance(sim, 30))
		endpoint->host = hosts[sim_pick(sim, 0, 1)];
	if (sim_chance(sim, 30))
		endpoint->wish = (enum endpoint_wish)sim_pick(sim, WISH_SERVE, WISH_MAINT);
	sim->latitude.may_come_back = true;
}

static void change_pool(struct sim *sim, size_t at)
{
	struct pool_settings *pool = &sim->setup.pools[at];

	pool->size = (uint32_t)sim_pick(sim, 1, 8);
	pool->balancer = (enum balancer_kind)sim_pick(sim, 0, 3);
	if (sim_chance(sim, 30))
		pool->max_in_flight = (uint32_t)sim_pick(sim, 1, 8);
	if (sim_chance(sim, 30))
		pool->queue.requests = (uint32_t)sim_pick(sim, 1, 20);
	if (sim_chance(sim, 20))
		pool->probe.interval_us = sim_pick(sim, 50 * MS, 500 * MS);
	if (sim_chance(sim, 30))
		add_endpoint(sim, pool);
	if (sim_chance(sim, 30))
		remove_endpoint(sim, pool);
	if (sim_chance(sim, 50))
		change_endpoint(sim, pool);
	if (pool->on_connect_count > 0 && sim_chance(sim, 30))
		pool->on_connect[0].timeout_us = sim_pick(sim, 20 * MS, 300 * MS);
	/* Another pool in its place; who must stay on one connection would be torn apart, and
	 * subscriptions end. */
	if (pool->affinity == AFFINITY_NONE && !sim->subscribes && sim_chance(sim, 20))
		pool->name = pool->name[0] == 'p' ? other_names[at] : pool_names[at];
}

static void sim_change(struct sim *sim)
{
	if (sim_chance(sim, 50))
		change_limits(sim);
	for (size_t i = 0; i < sim->setup.config.pool_count; i++)
		if (sim_chance(sim, 60) && !sim->setup.pools[i].tunnels)
			change_pool(sim, i);
	for (size_t i = 0; i < sim->plain; i++)
		sim->setup.routes[2 * i].attempt_timeout_us =
			sim_pick(sim, 0, sim->setup.routes[2 * i].timeout_us);
}

void reload_begin(struct sim *sim)
{
	for (size_t i = 0; i < sim->setup.config.pool_count; i++) {
		const struct pool_settings *pool = &sim->setup.config.pools[i];

		for (size_t k = 0; k < pool->endpoint_count; k++)
			if (pool->endpoints[k].tier != pool->endpoints[0].tier)
				sim->latitude.may_come_back = true;
	}
	sim->latitude.may_come_back = sim->latitude.may_come_back || sim->operated;
	widen(sim);
}

void reload_happen(struct sim *sim)
{
	struct setup *next;

	if (sim->outside.now_us >= sim->calm_us)
		return;
	if (sim_chance(sim, 80))
		sim_change(sim);
	widen(sim);
	next = setup_copy(&sim->setup);
	sim_trace(sim, "another configuration");
	if (engine_reconfigure(sim->outside.engine, &next->config, NULL, sim->outside.now_us))
		sim_fail(sim, "a configuration can be swapped", "no memory?");
	config_release(&next->config);
	news_reloaded(sim);
	agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 400 * MS), EVENT_RELOAD,
		   NULL);
}
