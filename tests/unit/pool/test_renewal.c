/* Connections that are replaced: make before break, one after the other. */
#include <criterion/criterion.h>
#include "common/clock.h"
#include "tests/unit/pool/rig.h"

static size_t count_since(const struct rig *rig, uint64_t id)
{
	size_t count = 0;

	list_each(&rig->pool->states[CONNECTION_READY], node)
		count += list_entry(node, struct connection, state_link)->id >= id;
	return count;
}

Test(renewal, replaces_all_and_never_has_fewer)
{
	uint64_t first_new;
	struct rig rig;
	size_t most = 0;

	rig_init(&rig, 2, 6);
	rig_start(&rig);
	rig_run(&rig, 20 * RIG_STEP_US);
	first_new = rig.next_id;
	pool_renew(rig.pool, rig.now_us);
	for (int i = 0; i < 100; i++) {
		rig_run(&rig, RIG_STEP_US);
		cr_assert_geq(rig.pool->ready_count, 6);
		most = rig.pool->connections > most ? rig.pool->connections : most;
	}
	cr_assert_eq(count_since(&rig, first_new), 6);
	cr_assert_eq(rig.pool->states[CONNECTION_READY].count, 6);
	cr_assert_leq(most, 6 + 2 * 3, "one at a time of each endpoint");
	rig_stop(&rig);
}

Test(renewal, waits_while_no_new_one_can_be_had)
{
	struct rig rig;

	rig_init(&rig, 1, 3);
	rig_start(&rig);
	rig_run(&rig, 2 * US_PER_S);
	rig.refuses[0] = true;
	pool_renew(rig.pool, rig.now_us);
	rig_run(&rig, 5 * US_PER_S);
	cr_assert_eq(rig.pool->ready_count, 3);
	rig.refuses[0] = false;
	rig_run(&rig, 60 * US_PER_S);
	cr_assert_not(rig.pool->renewing);
	rig_stop(&rig);
}

Test(renewal, comes_with_max_age_give_or_take_a_tenth)
{
	uint64_t first_new;
	struct rig rig;

	rig_init(&rig, 2, 8);
	rig.settings.max_age_us = 10 * US_PER_S;
	rig_start(&rig);
	rig_run(&rig, 8900 * RIG_STEP_US);
	first_new = rig.next_id;
	cr_assert_eq(first_new, 9);
	rig_run(&rig, 600 * RIG_STEP_US);
	cr_assert(count_since(&rig, first_new) < 8, "not all at once");
	rig_run(&rig, 1800 * RIG_STEP_US);
	cr_assert_eq(count_since(&rig, first_new), 8);
	rig_stop(&rig);
}

Test(renewal, the_one_for_pushes_is_replaced_too_and_nothing_goes_on_for_ever)
{
	uint64_t first_new, last;
	struct rig rig;

	rig_init(&rig, 2, 4);
	rig.settings.push_source = PUSH_SOURCE_DEDICATED;
	rig_start(&rig);
	rig_run(&rig, 20 * RIG_STEP_US);
	cr_assert_eq(rig.pool->states[CONNECTION_READY].count, 5);
	first_new = rig.next_id;
	pool_renew(rig.pool, rig.now_us);
	rig_run(&rig, 200 * RIG_STEP_US);
	last = rig.next_id;
	cr_assert_eq(last, first_new + 5);
	cr_assert_eq(count_since(&rig, first_new), 5);
	rig_run(&rig, 2000 * RIG_STEP_US);
	cr_assert_eq(rig.next_id, last);
	rig_stop(&rig);
}
