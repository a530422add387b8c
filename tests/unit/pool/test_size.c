/* A pool that is told to be larger or smaller. */
#include <criterion/criterion.h>
#include "tests/unit/pool/rig.h"

#define MS UINT64_C(1000)

static size_t count(const struct rig *rig, enum connection_state state)
{
	return rig->pool->states[state].count;
}

static void begin(struct rig *rig, size_t endpoints, uint32_t size)
{
	rig_init(rig, endpoints, size);
	rig_start(rig);
	rig_run(rig, 20 * MS);
}

Test(size, is_exact_after_each_change)
{
	static const uint32_t sizes[] = {4, 64, 2, 1, 64, 63, 5, 1, 7, 1000, 3};
	struct rig rig;

	begin(&rig, 4, 4);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {

		pool_resize(rig.pool, sizes[i], "asked", "", rig.now_us);
		rig_run(&rig, 100 * MS);
		cr_assert_eq(count(&rig, CONNECTION_READY), sizes[i], "%u: %zu", sizes[i],
			     count(&rig, CONNECTION_READY));
		cr_assert_eq(rig.pool->connections, sizes[i]);
	}
	rig_stop(&rig);
}

/* Those with the fewest requests go, and those that have some go when they have none. */
Test(size, the_least_loaded_go_when_they_are_idle)
{
	struct rig rig;
	struct connection *held[3];
	size_t i = 0;

	begin(&rig, 1, 6);
	for (; i < 3; i++)
		cr_assert_eq(pool_lease(rig.pool, NULL, rig.now_us, &held[i]), LEASE_OK);
	pool_resize(rig.pool, 2, "asked", "", rig.now_us);
	rig_run(&rig, 50 * MS);
	cr_assert_eq(count(&rig, CONNECTION_READY), 2);
	cr_assert_eq(count(&rig, CONNECTION_DRAINING), 1, "three were idle and have gone");
	for (i = 0; i < 3; i++) {
		if (held[i]->state == CONNECTION_DRAINING)
			cr_assert_str_eq(held[i]->farewell, "surplus");
		pool_return(held[i], 0, rig.now_us);
	}
	rig_run(&rig, 10 * MS);
	cr_assert_eq(rig.pool->connections, 2);
	rig_stop(&rig);
}

Test(size, of_equally_idle_ones_the_youngest_goes_and_who_is_subscribed_to_stays)
{
	struct rig rig;
	struct list_node feed;
	const struct connection *old, *gone;
	struct connection *subscribed;

	begin(&rig, 1, 1);
	old = rig_find(&rig, 0, CONNECTION_READY);
	pool_resize(rig.pool, 2, "asked", "", rig.now_us);
	rig_run(&rig, 50 * MS);
	pool_resize(rig.pool, 3, "asked", "", rig.now_us);
	rig_run(&rig, 50 * MS);
	subscribed = list_entry(rig.pool->states[CONNECTION_READY].head.prev, struct connection,
				state_link);
	list_node_init(&feed);
	list_append(&subscribed->feeds, &feed);
	rig.pool->size = 1;
	pool_upkeep(rig.pool, rig.now_us);
	gone = pool_next_surplus(rig.pool, rig.now_us);
	cr_assert(gone != old && gone != subscribed, "the one between them");
	list_remove(&subscribed->feeds, &feed);
	cr_assert_eq(pool_next_surplus(rig.pool, rig.now_us), subscribed, "the younger one");
	cr_assert_eq(rig_find(&rig, 0, CONNECTION_READY), old);
	rig_stop(&rig);
}

Test(size, dials_that_are_not_wanted_any_more_are_given_up)
{
	struct rig rig;
	struct connection *connection;
	size_t given_up = 0;

	begin(&rig, 2, 2);
	pool_resize(rig.pool, 20, "asked", "", rig.now_us);
	while (pool_next_dial(rig.pool, rig.now_us))
		;
	cr_assert_eq(count(&rig, CONNECTION_DIALING), 18);
	pool_resize(rig.pool, 4, "asked", "", rig.now_us);
	while ((connection = pool_next_excess(rig.pool)))
		given_up++;
	cr_assert_eq(given_up, 16);
	cr_assert_null(pool_next_dial(rig.pool, rig.now_us));
	list_each(&rig.pool->states[CONNECTION_DIALING], node) {
		connection = list_entry(node, struct connection, state_link);
		if (connection->farewell)
			rig_lose(&rig, connection, connection->farewell);
	}
	rig_run(&rig, 20 * MS);
	cr_assert_eq(count(&rig, CONNECTION_READY), 4);
	rig_stop(&rig);
}

Test(size, the_same_size_changes_nothing)
{
	struct rig rig;

	begin(&rig, 1, 3);
	pool_resize(rig.pool, 3, "asked", "", rig.now_us);
	cr_assert_eq(rig.pool->reports.pool_changes[POOL_REASON_asked], 0);
	pool_resize(rig.pool, 4, "asked", "", rig.now_us);
	cr_assert_eq(rig.pool->reports.pool_changes[POOL_REASON_asked], 1);
	rig_stop(&rig);
}
