/* Endpoints that join, stand aside and leave. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/pool/rig.h"

#define MS UINT64_C(1000)

/* What was reported of endpoints, "type before after reason;" each. */
static char told[4096];

static void note_pool(void *context, const struct pool *pool, const struct pool_change *change)
{
	(void)context, (void)pool, (void)change;
}

static void note_endpoint(void *context, const struct endpoint *endpoint,
			  const struct pool_change *change)
{
	size_t len = strlen(told);

	(void)context;
	snprintf(told + len, sizeof(told) - len, "%s %s %s %s;", endpoint->settings->name,
		 change->type, change->after ? change->after : "-", change->reason);
}

static void note_connection(void *context, const struct connection *connection,
			    const struct pool_change *change)
{
	(void)context, (void)connection, (void)change;
}

static const struct pool_watcher watcher = {.pool_changed = note_pool,
					    .endpoint_changed = note_endpoint,
					    .connection_changed = note_connection};

static void begin(struct rig *rig, size_t endpoints, uint32_t size)
{
	rig_init(rig, endpoints, size);
	rig_start(rig);
	rig->pool->watcher = &watcher;
	rig_run(rig, 20 * MS);
	told[0] = '\0';
}

static struct connection *lease(struct rig *rig)
{
	struct connection *connection;

	cr_assert_eq(pool_lease(rig->pool, NULL, rig->now_us, &connection), LEASE_OK);
	return connection;
}

static struct connection *lease_on(struct rig *rig, const struct endpoint *endpoint)
{
	for (;;) {
		struct connection *connection = lease(rig);

		if (connection->endpoint == endpoint)
			return connection;
		pool_return(connection, 0, rig->now_us);
	}
}

Test(members, a_drained_one_keeps_its_connections_and_gets_no_request)
{
	struct rig rig;
	struct endpoint *a;
	struct connection *held;

	begin(&rig, 2, 6);
	a = rig.pool->endpoints[0];
	rig.pool->balancer = BALANCER_RANDOM;
	held = lease_on(&rig, a);
	pool_set_wish(a, WISH_DRAIN, "kernel update", rig.now_us);
	cr_assert_eq(a->state, ENDPOINT_DRAINING);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(a->ready, 3);
	cr_assert_eq(rig.pool->endpoints[1]->ready, 6, "the others take over its share");
	for (int i = 0; i < 50; i++) {
		struct connection *connection = lease(&rig);

		cr_assert_neq(connection->endpoint, a);
		pool_return(connection, 0, rig.now_us);
	}
	pool_return(held, 0, rig.now_us);
	rig_run(&rig, 2 * MS);
	cr_assert_eq(a->state, ENDPOINT_DRAINED);
	cr_assert_str_eq(told, "a endpoint.draining draining asked;"
			       "a endpoint.drained drained asked;");
	rig_kill(&rig, 0);
	rig_run(&rig, 2000 * MS);
	cr_assert_eq(a->ready, 1, "one at least, so that it is known to live");
	pool_set_wish(a, WISH_SERVE, NULL, rig.now_us);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(a->state, ENDPOINT_ACTIVE);
	cr_assert_eq(a->ready, 3);
	cr_assert_eq(rig.pool->endpoints[1]->ready, 3);
	rig_stop(&rig);
}

Test(members, one_in_maintenance_is_closed_when_it_is_idle)
{
	struct rig rig;
	struct endpoint *a;
	struct connection *held;
	uint64_t dials;

	begin(&rig, 2, 6);
	a = rig.pool->endpoints[0];
	held = lease_on(&rig, a);
	pool_set_wish(a, WISH_MAINT, NULL, rig.now_us);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(a->connections, 1, "the one in use is waited for");
	cr_assert_eq(held->state, CONNECTION_DRAINING);
	cr_assert_str_eq(held->farewell, "maint");
	cr_assert_eq(a->state, ENDPOINT_DRAINING);
	dials = rig.dials[0];
	pool_return(held, 0, rig.now_us);
	rig_run(&rig, 2000 * MS);
	cr_assert_eq(a->connections, 0);
	cr_assert_eq(a->state, ENDPOINT_MAINT);
	cr_assert_eq(rig.dials[0], dials, "it is not dialled");
	cr_assert_not(a->down);
	pool_set_wish(a, WISH_SERVE, NULL, rig.now_us);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(a->ready, 3);
	cr_assert_str_eq(told, "a endpoint.draining draining asked;"
			       "a endpoint.maint maint asked;"
			       "a endpoint.connecting connecting asked;"
			       "a endpoint.active active warm;");
	rig_stop(&rig);
}

Test(members, dials_under_way_to_one_in_maintenance_are_given_up)
{
	struct rig rig;
	struct endpoint *a;
	struct connection *connection;
	size_t count = 0;

	rig_init(&rig, 2, 6);
	rig_start(&rig);
	a = rig.pool->endpoints[0];
	while (pool_next_dial(rig.pool, rig.now_us))
		;
	cr_assert_eq(a->open, 3);
	pool_set_wish(a, WISH_MAINT, NULL, rig.now_us);
	while ((connection = pool_next_excess(rig.pool))) {
		cr_assert_eq(connection->endpoint, a);
		count++;
	}
	cr_assert_eq(count, 3);
	cr_assert_eq(a->open, 0);
	while ((connection = rig_find(&rig, 0, CONNECTION_DIALING)))
		rig_lose(&rig, connection, "maint");
	cr_assert_not(a->down, "that was our wish, not its fault");
	cr_assert_eq(a->backoff.failures, 0);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(rig.pool->endpoints[1]->ready, 6);
	rig_stop(&rig);
}

Test(members, a_removed_one_is_forgotten_with_its_last_connection)
{
	struct rig rig;
	struct connection *held;

	begin(&rig, 3, 6);
	held = lease_on(&rig, rig.pool->endpoints[1]);
	pool_set_wish(rig.pool->endpoints[1], WISH_REMOVE, NULL, rig.now_us);
	cr_assert_eq(pool_members(rig.pool), 2);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(rig.pool->endpoint_count, 3);
	pool_return(held, 0, rig.now_us);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(rig.pool->endpoint_count, 2);
	cr_assert_null(pool_find_endpoint(rig.pool, "b"));
	cr_assert_str_eq(rig.pool->endpoints[1]->settings->name, "c");
	cr_assert_eq(rig.pool->endpoints[0]->ready + rig.pool->endpoints[1]->ready, 6);
	cr_assert(strstr(told, "b endpoint.removed - asked;"), "%s", told);
	rig_stop(&rig);
}

Test(members, one_that_never_connected_is_removed_at_once)
{
	struct rig rig;

	rig_init(&rig, 2, 2);
	rig_start(&rig);
	cr_assert_not(pool_has_waste(rig.pool));
	pool_set_wish(rig.pool->endpoints[0], WISH_REMOVE, NULL, rig.now_us);
	cr_assert(pool_has_waste(rig.pool));
	pool_reap(rig.pool, rig.now_us);
	cr_assert_eq(rig.pool->endpoint_count, 1);
	rig_check(&rig);
	rig_stop(&rig);
}

Test(members, whether_the_pool_can_do_without_one)
{
	struct rig rig;

	begin(&rig, 3, 6);
	cr_assert(pool_can_do_without(rig.pool->endpoints[0]));
	pool_set_wish(rig.pool->endpoints[1], WISH_DRAIN, NULL, rig.now_us);
	cr_assert(pool_can_do_without(rig.pool->endpoints[0]));
	rig.refuses[2] = true;
	rig_kill(&rig, 2);
	cr_assert_not(pool_can_do_without(rig.pool->endpoints[0]), "b is drained, c is down");
	cr_assert(pool_can_do_without(rig.pool->endpoints[2]));
	rig_stop(&rig);
}

Test(members, a_drained_tier_makes_room_for_the_next)
{
	struct rig rig;

	rig_init(&rig, 2, 4);
	rig.endpoints[1].tier = 2;
	rig_start(&rig);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(rig.pool->tier, 1);
	pool_set_wish(rig.pool->endpoints[0], WISH_DRAIN, NULL, rig.now_us);
	cr_assert_eq(rig.pool->tier, 2);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(rig.pool->endpoints[1]->ready, 4);
	cr_assert_eq(rig.pool->endpoints[1]->state, ENDPOINT_ACTIVE);
	pool_set_wish(rig.pool->endpoints[0], WISH_SERVE, NULL, rig.now_us);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(rig.pool->tier, 1);
	cr_assert_eq(rig.pool->endpoints[1]->ready, 1);
	cr_assert_eq(rig.pool->endpoints[1]->state, ENDPOINT_STANDBY);
	rig_stop(&rig);
}
