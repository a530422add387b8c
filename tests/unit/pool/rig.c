#include "tests/unit/pool/rig.h"

#include <criterion/criterion.h>
#include <string.h>
#include "broker/pool/health.h"

static const char *const names[RIG_ENDPOINTS_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h",
						     "i", "j", "k", "l", "m", "n", "o", "p"};

void rig_init(struct rig *rig, size_t endpoints, uint32_t size)
{
	memset(rig, 0, sizeof(*rig));
	cr_assert_leq(endpoints, RIG_ENDPOINTS_MAX);
	for (size_t i = 0; i < endpoints; i++) {
		rig->endpoints[i] = (struct endpoint_settings){.name = names[i],
							       .url = "ws://up/",
							       .host = "up",
							       .port = 80,
							       .path = "/",
							       .weight = 1,
							       .tier = 1};
	}
	rig->settings.name = "main";
	rig->settings.endpoints = rig->endpoints;
	rig->settings.endpoint_count = endpoints;
	rig->settings.size = size;
	rig->settings.max_in_flight = 256;
	rig->settings.balancer = BALANCER_LEAST_CONNECTIONS;
	outbox_pool_init(&rig->outboxes, 16384, 4);
	rig->next_id = 1;
	rig->now_us = RIG_START_US;
}

void rig_start(struct rig *rig)
{
	cr_assert_eq(pool_create(&rig->pool, &rig->settings, NULL, &rig->outboxes, &rig->next_id, 7,
				 rig->now_us),
		     WSB_OK);
}

static void forget_transports(struct rig *rig)
{
	for (size_t state = 0; state < CONNECTION_STATES; state++)
		list_each(&rig->pool->states[state], node)
			list_entry(node, struct connection, state_link)->transport = NULL;
}

void rig_stop(struct rig *rig)
{
	forget_transports(rig);
	pool_destroy(rig->pool);
	outbox_pool_fini(&rig->outboxes);
}

void rig_make_ready(struct rig *rig, struct connection *connection)
{
	pool_connection_opened(connection, rig, rig->now_us);
	pool_connection_made_ready(connection, rig->now_us);
}

void rig_lose(struct rig *rig, struct connection *connection, const char *reason)
{
	connection->transport = NULL;
	pool_connection_lost(connection, reason, "", rig->now_us);
}

static void step(struct rig *rig)
{
	struct connection *connection;

	list_each(&rig->pool->states[CONNECTION_DIALING], node) {
		connection = list_entry(node, struct connection, state_link);
		if (rig->refuses[connection->endpoint->index])
			rig_lose(rig, connection, "connect");
		else
			rig_make_ready(rig, connection);
	}
	while ((connection = pool_next_excess(rig->pool)))
		rig_lose(rig, connection, connection->farewell);
	while ((connection = pool_next_surplus(rig->pool, rig->now_us)))
		cr_assert_eq(connection->state, CONNECTION_DRAINING);
	list_each(&rig->pool->states[CONNECTION_DRAINING], node) {
		connection = list_entry(node, struct connection, state_link);
		if (connection->in_flight == 0)
			rig_lose(rig, connection, "asked");
	}
	while ((connection = pool_next_dial(rig->pool, rig->now_us)))
		rig->dials[connection->endpoint->index]++;
	health_upkeep(rig->pool, rig->now_us);
	pool_upkeep(rig->pool, rig->now_us);
	pool_reap(rig->pool, rig->now_us);
}

void rig_run(struct rig *rig, uint64_t us)
{
	uint64_t end_us = rig->now_us + us;

	while (rig->now_us < end_us) {
		step(rig);
		rig_check(rig);
		rig->now_us += RIG_STEP_US;
	}
}

struct connection *rig_find(struct rig *rig, size_t endpoint, enum connection_state state)
{
	list_each(&rig->pool->states[state], node) {
		struct connection *connection = list_entry(node, struct connection, state_link);

		if (connection->endpoint->index == endpoint)
			return connection;
	}
	return NULL;
}

void rig_kill(struct rig *rig, size_t endpoint)
{
	struct connection *connection;

	for (int state = CONNECTION_DIALING; state <= CONNECTION_DRAINING; state++)
		while ((connection = rig_find(rig, endpoint, (enum connection_state)state)))
			rig_lose(rig, connection, "eof");
}

static void check_array(const struct pool *pool)
{
	for (size_t i = 0; i < pool->ready_count; i++) {
		const struct connection *connection = pool->ready[i];

		cr_assert_eq(connection->state, CONNECTION_READY);
		cr_assert_eq(connection->endpoint->settings->tier, pool->tier);
		if (i > 0)
			cr_assert_geq(connection->endpoint->index,
				      pool->ready[i - 1]->endpoint->index);
	}
}

void rig_check(struct rig *rig)
{
	struct pool *pool = rig->pool;
	uint32_t open[RIG_ENDPOINTS_MAX] = {0};
	uint32_t ready[RIG_ENDPOINTS_MAX] = {0};
	uint32_t all[RIG_ENDPOINTS_MAX] = {0};
	uint32_t in_flight = 0;
	size_t connections = 0;
	size_t carrying = 0;

	for (int state = 0; state < CONNECTION_STATES; state++) {
		list_each(&pool->states[state], node) {
			struct connection *connection =
				list_entry(node, struct connection, state_link);
			size_t index = connection->endpoint->index;
			bool counts = !connection->dedicated;

			cr_assert_eq((int)connection->state, state);
			cr_assert_eq(connection->standby,
				     counts && connection->endpoint->settings->tier > pool->tier);
			open[index] += counts && state <= CONNECTION_READY;
			ready[index] += counts && state == CONNECTION_READY;
			carrying += counts && state == CONNECTION_READY &&
				    endpoint_serves(connection->endpoint) &&
				    (pool->panic || endpoint_is_well(connection->endpoint)) &&
				    connection->endpoint->settings->tier == pool->tier;
			all[index]++;
			in_flight += connection->in_flight;
			connections++;
		}
	}
	for (size_t i = 0; i < pool->endpoint_count; i++) {
		cr_assert_eq(pool->endpoints[i]->open, open[i]);
		cr_assert_eq(pool->endpoints[i]->ready, ready[i]);
		cr_assert_eq(pool->endpoints[i]->connections, all[i]);
		cr_assert_eq(pool->endpoints[i]->index, i);
		cr_assert(!pool->endpoints[i]->down || ready[i] == 0);
	}
	cr_assert_eq(pool->in_flight, in_flight);
	cr_assert_eq(pool->connections, connections);
	cr_assert_eq(pool->ready_count, carrying);
	check_array(pool);
}
