/* The configuration of a run and the characters of all who take part, from its seed. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include "tests/sim/visitors.h"

static const char *const pool_names[SIM_PLAIN] = {"p0", "p1", "p2"};
static const char *const endpoint_names[SETUP_ENDPOINTS] = {"a", "b", "c", "d"};
static const char *const get_methods[SIM_PLAIN] = {"p0.get", "p1.get", "p2.get"};
static const char *const set_methods[SIM_PLAIN] = {"p0.set", "p1.set", "p2.set"};

/* Mostly the usual value, at times a tight one. */
static uint64_t plan_either(struct sim *sim, uint32_t percent, uint64_t from, uint64_t to,
			    uint64_t usual)
{
	return sim_chance(sim, percent) ? sim_pick(sim, from, to) : usual;
}

static void plan_limits(struct sim *sim)
{
	struct limits_settings *limits = &sim->setup.config.limits;

	limits->in_flight_per_client = (uint32_t)plan_either(sim, 40, 1, 6, 1024);
	limits->send_buffer_bytes = plan_either(sim, 40, 600, 16384, UINT64_C(4) << 20);
	limits->message_bytes = plan_either(sim, 20, 600, 4096, UINT64_C(1) << 20);
	limits->fragments = (uint32_t)plan_either(sim, 20, 2, 6, 1024);
	limits->batch = (uint32_t)plan_either(sim, 30, 1, 4, 100);
	limits->ping_us = plan_either(sim, 40, 100 * MS, 800 * MS, 30000 * MS);
	if (sim_chance(sim, 5))
		limits->ping_us = 0;
	limits->idle_us = plan_either(sim, 10, 300 * MS, 1500 * MS, 0);
	limits->rate_per_client = (uint32_t)plan_either(sim, 10, 5, 60, 0);
	limits->memory_bytes = plan_either(sim, 15, 32768, 131072, UINT64_C(1) << 30);
	sim->memory_is_short = limits->memory_bytes < (UINT64_C(1) << 30);
}

static void plan_temper(struct sim *sim, struct temper *temper)
{
	bool wild = sim_chance(sim, 50);

	*temper = (struct temper){
		.refuses_dial = (uint32_t)plan_either(sim, 30, 0, 60, 0),
		.dial_us = sim_pick(sim, 0, 60 * MS),
		.answer_us = sim_pick(sim, 0, sim_chance(sim, 20) ? 600 * MS : 40 * MS),
	};
	if (!wild)
		return;
	temper->drops = (uint32_t)sim_pick(sim, 0, 10);
	temper->doubles = (uint32_t)sim_pick(sim, 0, 10);
	temper->misnames = (uint32_t)sim_pick(sim, 0, 10);
	temper->quotes = (uint32_t)sim_pick(sim, 0, 5);
	temper->errs = (uint32_t)sim_pick(sim, 0, 15);
	temper->babbles = (uint32_t)sim_pick(sim, 0, 15);
	temper->kills = (uint32_t)plan_either(sim, 50, 0, 6, sim_chance(sim, 10) ? 50 : 0);
	temper->hangs = (uint32_t)plan_either(sim, 30, 0, 60, 0);
	temper->stalls = (uint32_t)plan_either(sim, 40, 0, 15, 0);
	temper->rejects = (uint32_t)plan_either(sim, 30, 0, 50, 0);
	temper->ails = (uint32_t)plan_either(sim, 30, 0, 100, 0);
	temper->flap_us = plan_either(sim, 15, 50 * MS, 600 * MS, 0);
	/* One of those that are sick through and through. */
	if (!sim_chance(sim, 15))
		return;
	if (sim_chance(sim, 50)) {
		temper->errs = (uint32_t)sim_pick(sim, 50, 100);
		temper->answer_us = 0;
	} else {
		temper->hangs = 100;
	}
}

void plan_ejection(struct sim *sim, struct ejection_settings *ejection)
{
	static const char *const errors[] = {"-5"};

	*ejection = (struct ejection_settings){
		.consecutive = (uint32_t)plan_either(sim, 60, 0, 6, 5),
		.ratio = sim_chance(sim, 20) ? 0 : 0.3,
		.min_requests = (uint32_t)plan_either(sim, 70, 3, 20, 50),
		.window_us = plan_either(sim, 70, 100 * MS, 800 * MS, 10000 * MS),
		.base_us = plan_either(sim, 70, 10 * MS, 200 * MS, 30000 * MS),
		.max_us = plan_either(sim, 70, 10 * MS, 600 * MS, 300000 * MS),
		.max_ejected = sim_chance(sim, 50) ? 0.5 : (double)sim_pick(sim, 0, 4) / 4,
		.errors = (const char **)errors,
		.error_count = sim_chance(sim, 60),
	};
}

static void plan_health(struct sim *sim, struct pool_settings *pool)
{
	plan_ejection(sim, &pool->ejection);
	pool->slow_start_us = plan_either(sim, 60, 0, 300 * MS, 5000 * MS);
	pool->max_age_us = plan_either(sim, 25, 100 * MS, 1000 * MS, 0);
	pool->probe.fall = (uint32_t)sim_pick(sim, 1, 3);
	pool->probe.rise = (uint32_t)sim_pick(sim, 1, 3);
	if (!sim_chance(sim, 35))
		return;
	pool->probe.method = "health.check";
	pool->probe.expect = sim_chance(sim, 70) ? json_pack("{s:s}", "status", "ok") : NULL;
	pool->probe.params = sim_chance(sim, 50) ? json_object() : NULL;
}

static void plan_greeting(struct sim *sim, struct pool_settings *pool)
{
	struct greeting_step *step = setup_greeting(pool);

	/* To the broker it looks like a client's notification, and must not be taken for one. */
	step->send = "{\"type\":\"hello\",\"method\":\"p0.set\"}";
	step->timeout_us = sim_pick(sim, 20 * MS, 300 * MS);
	if (sim_chance(sim, 60))
		step->expect = json_pack("{s:s}", "type", "welcome");
	if (sim_chance(sim, 50))
		step->reject = json_pack("{s:s}", "type", "go_away");
}

static void plan_pool(struct sim *sim, size_t at)
{
	struct pool_settings *pool = setup_pool(&sim->setup, pool_names[at]);
	size_t endpoints = sim_pick(sim, 1, SETUP_ENDPOINTS);

	for (size_t i = 0; i < endpoints; i++) {
		struct endpoint_settings *endpoint = setup_endpoint(pool, endpoint_names[i]);

		endpoint->weight = (uint32_t)sim_pick(sim, 1, 5);
		endpoint->tier = (uint32_t)plan_either(sim, 25, 1, 3, 1);
	}
	if (sim_chance(sim, 20))
		pool->autoscale =
			(struct autoscale_settings){.enabled = true,
						    .min = 1,
						    .max = 8,
						    .target = 0.8,
						    .cool_down_us = sim_pick(sim, 0, 1000 * MS)};
	for (size_t i = 0; i <= SETUP_ENDPOINTS; i++)
		plan_temper(sim, &sim->tempers[at][i]);
	pool->encoding = sim_chance(sim, 25) ? ENCODING_MSGPACK : ENCODING_JSON;
	pool->size = (uint32_t)sim_pick(sim, 1, 8);
	pool->max_in_flight = (uint32_t)plan_either(sim, 60, 1, 4, sim_pick(sim, 1, 32));
	pool->connect_rate = (uint32_t)plan_either(sim, 30, 5, 30, 0);
	pool->balancer = (enum balancer_kind)sim_pick(sim, 0, 3);
	pool->affinity = sim_chance(sim, 30) ? AFFINITY_CLIENT : AFFINITY_NONE;
	pool->retry.budget = sim_chance(sim, 50) ? 0.2 : (double)sim_pick(sim, 0, 1);
	pool->retry.per_second = (uint32_t)plan_either(sim, 40, 0, 3, 10);
	pool->queue.requests = (uint32_t)plan_either(sim, 40, 1, 8, 1000);
	pool->queue.bytes = plan_either(sim, 20, 100, 1000, UINT64_C(1) << 20);
	pool->queue.age_us = plan_either(sim, 60, 20 * MS, 300 * MS, 2000 * MS);
	pool->probe.interval_us = plan_either(sim, 50, 50 * MS, 500 * MS, 5000 * MS);
	pool->probe.timeout_us = plan_either(sim, 50, 30 * MS, 300 * MS, 2000 * MS);
	if (sim_chance(sim, 10))
		pool->probe.interval_us = 0;
	if (sim_chance(sim, 25))
		plan_greeting(sim, pool);
	plan_health(sim, pool);
}

static void plan_routes(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->plain; i++) {
		struct route_settings *get = setup_route(&sim->setup, get_methods[i]);
		struct route_settings *set = setup_route(&sim->setup, set_methods[i]);

		get->pool = set->pool = i;
		get->idempotent = true;
		get->hedge = sim_chance(sim, 30);
		get->timeout_us = sim_pick(sim, 30 * MS, 1500 * MS);
		set->timeout_us = sim_pick(sim, 30 * MS, 1500 * MS);
		if (sim_chance(sim, 50))
			get->attempt_timeout_us = sim_pick(sim, 10 * MS, get->timeout_us);
	}
	setup_route(&sim->setup, "respond")->action = ROUTE_RESPOND;
	sim->setup.routes[sim->setup.config.route_count - 1].respond = "{\"answer\":42}";
	setup_route(&sim->setup, "denied.*")->action = ROUTE_DENY;
	setup_route(&sim->setup, "dropped")->action = ROUTE_DROP;
}

static void plan_clients(struct sim *sim)
{
	sim->client_count = (uint32_t)sim_pick(sim, 1, SIM_CLIENTS);
	for (uint32_t i = 0; i < sim->client_count; i++) {
		struct sim_client *client = &sim->clients[i];

		*client = (struct sim_client){
			.number = i,
			.post = sim_chance(sim, 15),
			.slow = sim_chance(sim, 12),
			.mute = sim_chance(sim, 8),
			.deaf_to_pause = sim_chance(sim, 30),
			.fragments = sim_chance(sim, 30),
			.left = (uint32_t)sim_pick(sim, 1, sim->client_count > 8 ? 12 : 25),
			.think_us = sim_pick(sim, 0, 120 * MS),
		};
		strbuf_init(&client->outgoing);
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 400 * MS),
			   EVENT_ARRIVE, client);
	}
}

void plan_make(struct sim *sim)
{
	size_t pools = sim_pick(sim, 1, SIM_PLAIN);

	setup_init(&sim->setup);
	plan_limits(sim);
	for (size_t i = 0; i < pools; i++)
		plan_pool(sim, i);
	sim->plain = pools;
	plan_routes(sim);
	subscribers_plan(sim);
	readers_plan(sim);
	news_plan(sim);
	sim->setup.config.drain = (struct drain_settings){
		.delay_us = plan_either(sim, 50, 0, 200 * MS, 0),
		.timeout_us = sim_pick(sim, 200 * MS, 3000 * MS),
		.spread_us = sim_pick(sim, 0, 500 * MS),
		.code = 1012,
	};
	sim->tick_gap_us = sim_pick(sim, 5 * MS, 25 * MS);
	sim->calm_us = sim->outside.now_us + sim_pick(sim, 500 * MS, 3000 * MS);
	sim->drains = sim_chance(sim, 50);
	plan_clients(sim);
	if (sim_chance(sim, 30))
		visitors_plan(sim);
	sim->operated = sim_chance(sim, 40);
	if (sim->operated)
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 300 * MS),
			   EVENT_OPERATOR, NULL);
	agenda_add(&sim->agenda, sim->outside.now_us, EVENT_TICK, NULL);
	agenda_add(&sim->agenda, sim->calm_us, EVENT_DRAIN, NULL);
	sim->reloads = sim_chance(sim, 40);
	if (sim->reloads)
		agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 500 * MS),
			   EVENT_RELOAD, NULL);
}

void plan_free(struct sim *sim)
{
	for (size_t i = 0; i < sim->setup.config.pool_count; i++) {
		struct pool_settings *pool = &sim->setup.pools[i];

		json_decref(pool->probe.expect);
		json_decref(pool->probe.params);
		for (size_t k = 0; k < pool->on_connect_count; k++) {
			json_decref(pool->on_connect[k].expect);
			json_decref(pool->on_connect[k].reject);
		}
	}
	tag_templates_destroy(sim->grown);
	for (uint32_t i = 0; i < sim->client_count; i++)
		strbuf_fini(&sim->clients[i].outgoing);
}
