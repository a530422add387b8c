/* Somebody who changes what runs: sizes, endpoints, pauses, clients; and what must hold of it. */
#include "tests/sim/operator.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "broker/engine/apply.h"

/* How long the world is left alone before sizes must be exact. */
#define SETTLE_US (12000 * MS)

static const char *const names[] = {"a", "b", "c", "d", "e", "f"};

static struct outcome operator_asks(struct sim *sim, const struct command *command)
{
	struct outcome outcome;

	engine_apply(sim->outside.engine, command, &outcome, sim->outside.now_us);
	sim_trace(sim, "operator: %s %s %s %" PRId64 ": %d %s", command_name(command->kind),
		  command->pool ? command->pool : "", command->endpoint ? command->endpoint : "",
		  command->number, (int)outcome.kind, outcome.detail);
	if (outcome.kind == OUTCOME_ACCEPTED && outcome.operation == 0)
		sim_fail(sim, "what is accepted is an operation", "%s", outcome.detail);
	if (outcome.kind > OUTCOME_ACCEPTED && outcome.detail[0] == '\0')
		sim_fail(sim, "a refusal says why", "%s", command_name(command->kind));
	return outcome;
}

static void operator_kicks(struct sim *sim)
{
	struct sim_client *client = &sim->clients[sim_pick(sim, 0, sim->client_count - 1)];
	struct command command = {.kind = COMMAND_CLIENT_KICK};

	if (!client->peer || !client->peer->session || client->post)
		return;
	client->kicked = true;
	command.number = (int64_t)client->peer->session->id;
	operator_asks(sim, &command);
}

void operator_act(struct sim *sim)
{
	static const enum command_kind kinds[] = {
		COMMAND_POOL_RESIZE,	 COMMAND_POOL_RESIZE,	  COMMAND_POOL_RESIZE,
		COMMAND_POOL_BOUNDS,	 COMMAND_POOL_UNPIN,	  COMMAND_POOL_BALANCER,
		COMMAND_POOL_PAUSE,	 COMMAND_POOL_RESUME,	  COMMAND_POOL_RESUME,
		COMMAND_ENDPOINT_ADD,	 COMMAND_ENDPOINT_REMOVE, COMMAND_ENDPOINT_DRAIN,
		COMMAND_ENDPOINT_MAINT,	 COMMAND_ENDPOINT_READY,  COMMAND_ENDPOINT_READY,
		COMMAND_ENDPOINT_WEIGHT, COMMAND_POOL_RECONNECT,
	};
	const struct config *config = &sim->setup.config;
	struct command command = {
		.kind = kinds[sim_pick(sim, 0, sizeof(kinds) / sizeof(kinds[0]) - 1)],
		.pool = config->pools[sim_pick(sim, 0, config->pool_count - 1)].name,
		.endpoint = names[sim_pick(sim, 0, 5)],
		.number = (int64_t)sim_pick(sim, 0, 12),
		.min = (int64_t)sim_pick(sim, 0, 3),
		.max = (int64_t)sim_pick(sim, 2, 12),
		.text = balancer_name((enum balancer_kind)sim_pick(sim, 0, 3)),
		.add = {.url = "ws://upstream/"},
		.force = sim_chance(sim, 50),
		.timeout_us = sim_chance(sim, 50) ? sim_pick(sim, 1, 300 * MS) : 0,
	};

	command.add.name = command.endpoint;
	if (sim_chance(sim, 10))
		operator_kicks(sim);
	else
		operator_asks(sim, &command);
	agenda_add(&sim->agenda, sim->outside.now_us + sim_pick(sim, 0, 120 * MS), EVENT_OPERATOR,
		   NULL);
}

void operator_ends(struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;

	for (size_t i = 0; i < engine->lane_count; i++) {
		const struct pool *pool = engine->lanes[i]->pool;
		struct command command = {.kind = COMMAND_POOL_RESUME,
					  .pool = pool->settings->name};

		operator_asks(sim, &command);
		command.kind = COMMAND_ENDPOINT_READY;
		for (size_t k = 0; k < pool->endpoint_count; k++) {
			command.endpoint = pool->endpoints[k]->settings->name;
			operator_asks(sim, &command);
		}
		command.kind = COMMAND_POOL_RESIZE;
		command.number =
			(int64_t)sim_pick(sim, 1, pool->settings->autoscale.enabled ? 2 : 9);
		operator_asks(sim, &command);
	}
	sim->settled_us = sim->outside.now_us + SETTLE_US;
}

/* How long what is sent, and a pong, may be on its way here. */
#define WAY_US (60 * MS)

/* Whether its pings and probing calls are answered in time; else connections are given up. */
static bool is_prompt(const struct probe_settings *probe, const struct temper *temper)
{
	if (probe->interval_us == 0)
		return true;
	if (!probe_is_wanted(probe))
		return probe->timeout_us > 2 * WAY_US;
	return temper->drops == 0 && probe->timeout_us > temper->answer_us + 2 * WAY_US;
}

/* Whether each endpoint of the pool takes connections, and keeps them. */
static bool is_tame(const struct sim *sim, const struct pool *pool)
{
	size_t at = sim_pool_index(sim, pool);

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct temper *temper = sim_temper(sim, at, pool->endpoints[i]);

		if (temper->refuses_dial || temper->kills || temper->hangs || temper->rejects ||
		    temper->stalls || temper->ails || temper->flap_us ||
		    !is_prompt(&pool->settings->probe, temper))
			return false;
	}
	return pool->settings->on_connect_count == 0 && pool->settings->max_age_us == 0;
}

void operator_check_sizes(struct sim *sim)
{
	const struct engine *engine = sim->outside.engine;

	for (size_t i = 0; i < engine->lane_count; i++) {
		const struct pool *pool = engine->lanes[i]->pool;

		if (engine->lanes[i]->retiring || pool->settings->tunnels || !is_tame(sim, pool))
			continue;
		if (pool->ready_count != pool->size)
			sim_fail(sim, "the size is exact in the end", "pool %s: %zu of %u",
				 pool->settings->name, pool->ready_count, pool->size);
		if (pool->states[CONNECTION_DRAINING].count > 0)
			sim_fail(sim, "what is too much goes", "pool %s: %zu", pool->settings->name,
				 pool->states[CONNECTION_DRAINING].count);
	}
}

void operator_check(struct sim *sim, const struct lane *lane)
{
	const struct pool *pool = lane->pool;

	for (size_t i = 0; i < pool->endpoint_count; i++) {
		const struct endpoint *endpoint = pool->endpoints[i];

		if (endpoint->index != i || endpoint->pool != pool)
			sim_fail(sim, "endpoints know their place", "%s of pool %s",
				 endpoint->settings->name, pool->settings->name);
		if (!endpoint_serves(endpoint) && endpoint->wish != WISH_DRAIN &&
		    endpoint->desired > 0)
			sim_fail(sim, "who is not dialled is not desired", "%s of pool %s",
				 endpoint->settings->name, pool->settings->name);
	}
	list_each(&pool->states[CONNECTION_READY], node) {
		const struct connection *connection =
			list_entry(node, struct connection, state_link);

		if (connection->carries && !endpoint_serves(connection->endpoint))
			sim_fail(sim, "who stands aside gets no requests",
				 "connection %" PRIu64 " of %s", connection->id,
				 connection->endpoint->settings->name);
	}
	if (lane->retiring)
		return;
	if (pool->endpoint_count == 0)
		sim_fail(sim, "a pool keeps an endpoint", "pool %s", pool->settings->name);
	if (pool->size < 1 || pool->size > lane->size_max)
		sim_fail(sim, "a size is within its bounds", "pool %s: %u", pool->settings->name,
			 pool->size);
}
