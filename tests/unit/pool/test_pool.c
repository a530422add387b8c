#include <criterion/criterion.h>
#include "tests/unit/pool/rig.h"

#define SECOND_US UINT64_C(1000000)

static uint32_t ready_of(const struct rig *rig, size_t endpoint)
{
	return rig->pool->endpoints[endpoint]->ready;
}

Test(pool, reaches_its_size_by_weight)
{
	struct rig rig;

	rig_init(&rig, 3, 12);
	rig.endpoints[2].weight = 2;
	rig_start(&rig);
	rig_run(&rig, 10 * RIG_STEP_US);
	cr_assert_eq(ready_of(&rig, 0), 3);
	cr_assert_eq(ready_of(&rig, 1), 3);
	cr_assert_eq(ready_of(&rig, 2), 6);
	cr_assert_eq(rig.pool->ready_count, 12);
	rig_stop(&rig);
}

Test(pool, leases_and_returns)
{
	struct connection *leased[8];
	struct connection *more;
	struct rig rig;

	rig_init(&rig, 2, 4);
	rig.settings.max_in_flight = 2;
	rig_start(&rig);
	cr_assert_eq(pool_lease(rig.pool, NULL, rig.now_us, &more), LEASE_NONE_READY);
	cr_assert_not(pool_has_room(rig.pool));
	rig_run(&rig, 5 * RIG_STEP_US);
	cr_assert(pool_has_room(rig.pool));
	for (size_t i = 0; i < 8; i++)
		cr_assert_eq(pool_lease(rig.pool, NULL, rig.now_us, &leased[i]), LEASE_OK);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(rig.pool->ready[i]->in_flight, 2);
	cr_assert_eq(rig.pool->in_flight, 8);
	cr_assert_eq(rig.pool->endpoints[0]->in_flight, 4);
	cr_assert_eq(rig.pool->endpoints[0]->stats.requests, 4);
	cr_assert_not(pool_has_room(rig.pool));
	cr_assert_eq(pool_lease(rig.pool, NULL, rig.now_us, &more), LEASE_ALL_FULL);
	pool_return(leased[3], 500, rig.now_us);
	cr_assert_eq(pool_lease(rig.pool, NULL, rig.now_us, &more), LEASE_OK);
	cr_assert_eq(more, leased[3]);
	for (size_t i = 0; i < 8; i++)
		pool_return(leased[i], 0, rig.now_us);
	cr_assert_eq(rig.pool->in_flight, 0);
	rig_check(&rig);
	rig_stop(&rig);
}

Test(pool, says_all_full_when_only_avoided_ones_have_room)
{
	const struct connection *avoid[2];
	struct lease_wish wish = {.avoid = {.connections = avoid}};
	struct connection *out;
	struct rig rig;

	rig_init(&rig, 2, 2);
	rig_start(&rig);
	rig_run(&rig, 5 * RIG_STEP_US);
	avoid[0] = rig.pool->ready[0];
	wish.avoid.count = 1;
	cr_assert_eq(pool_lease(rig.pool, &wish, rig.now_us, &out), LEASE_OK);
	cr_assert_eq(out, rig.pool->ready[1]);
	pool_return(out, 0, rig.now_us);
	avoid[1] = rig.pool->ready[1];
	wish.avoid.count = 2;
	cr_assert_eq(pool_lease(rig.pool, &wish, rig.now_us, &out), LEASE_ALL_FULL);
	rig_stop(&rig);
}

Test(pool, feeds_answer_times_to_the_balancer_that_asks_for_them)
{
	for (int i = 0; i < 2; i++) {
		struct connection *out;
		struct rig rig;

		rig_init(&rig, 1, 1);
		if (i == 1)
			rig.settings.balancer = BALANCER_PEAK_EWMA;
		rig_start(&rig);
		rig_run(&rig, 5 * RIG_STEP_US);
		cr_assert_eq(pool_lease(rig.pool, NULL, rig.now_us, &out), LEASE_OK);
		pool_return(out, 700, rig.now_us);
		cr_assert_float_eq(out->ewma_us, i == 1 ? 700 : 0, 1e-9);
		rig_stop(&rig);
	}
}

Test(pool, gives_the_share_of_a_dead_endpoint_away_and_back)
{
	struct rig rig;

	rig_init(&rig, 3, 9);
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND_US);
	rig.refuses[1] = true;
	rig_kill(&rig, 1);
	rig_run(&rig, SECOND_US);
	cr_assert(rig.pool->endpoints[1]->down);
	cr_assert_eq(ready_of(&rig, 0) + ready_of(&rig, 2), 9);
	cr_assert_geq(ready_of(&rig, 0), 4);
	cr_assert_geq(ready_of(&rig, 2), 4);
	rig.refuses[1] = false;
	rig_run(&rig, 31 * SECOND_US);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(ready_of(&rig, i), 3);
	cr_assert_eq(rig.pool->states[CONNECTION_DRAINING].count, 0);
	rig_stop(&rig);
}

Test(pool, a_short_loss_moves_nothing)
{
	struct rig rig;

	rig_init(&rig, 2, 8);
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND_US);
	rig.dials[0] = 0;
	rig_kill(&rig, 1);
	cr_assert_not(rig.pool->endpoints[1]->down);
	cr_assert_eq(rig.pool->endpoints[0]->desired, 4);
	rig_run(&rig, 5 * RIG_STEP_US);
	cr_assert_eq(ready_of(&rig, 1), 4);
	cr_assert_eq(rig.dials[0], 0);
	rig_stop(&rig);
}

Test(pool, drains_the_idlest_and_never_below_its_size)
{
	struct connection *busy[64];
	size_t leases = 0;
	struct rig rig;

	rig_init(&rig, 2, 8);
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND_US);
	cr_assert_null(pool_next_surplus(rig.pool, rig.now_us));
	while (leases < 20)
		cr_assert_eq(pool_lease(rig.pool, NULL, rig.now_us, &busy[leases++]), LEASE_OK);
	rig.pool->size = 2;
	pool_upkeep(rig.pool, rig.now_us);
	for (uint32_t left = 7; left >= 2; left--) {
		struct connection *gone = pool_next_surplus(rig.pool, rig.now_us);

		cr_assert_not_null(gone);
		cr_assert_eq(gone->state, CONNECTION_DRAINING);
		cr_assert_eq(rig.pool->ready_count, left);
		/* Nobody of its endpoint that stays has less to do. */
		for (size_t i = 0; i < rig.pool->ready_count; i++)
			if (rig.pool->ready[i]->endpoint == gone->endpoint)
				cr_assert_leq(gone->in_flight, rig.pool->ready[i]->in_flight);
	}
	cr_assert_null(pool_next_surplus(rig.pool, rig.now_us));
	cr_assert_eq(ready_of(&rig, 0), 1);
	cr_assert_eq(ready_of(&rig, 1), 1);
	/* What was leased before goes on, on connections that get nothing new. */
	while (leases > 0)
		pool_return(busy[--leases], 0, rig.now_us);
	rig_run(&rig, 5 * RIG_STEP_US);
	cr_assert_eq(rig.pool->connections, 2);
	rig_stop(&rig);
}

Test(pool, makes_before_it_breaks)
{
	struct rig rig;

	rig_init(&rig, 2, 10);
	rig.refuses[1] = true;
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND_US);
	cr_assert_eq(ready_of(&rig, 0), 10);
	rig.refuses[1] = false;
	for (int i = 0; i < 31000; i++) {
		rig_run(&rig, RIG_STEP_US);
		cr_assert_geq(rig.pool->ready_count, 10);
	}
	cr_assert_eq(ready_of(&rig, 0), 5);
	cr_assert_eq(ready_of(&rig, 1), 5);
	rig_stop(&rig);
}

static void two_tiers(struct rig *rig)
{
	rig_init(rig, 3, 6);
	rig->endpoints[2].tier = 2;
	rig_start(rig);
	rig_run(rig, 2 * SECOND_US);
}

Test(pool, holds_a_standby_in_the_higher_tier)
{
	struct rig rig;

	two_tiers(&rig);
	cr_assert_eq(rig.pool->tier, 1);
	cr_assert_eq(rig.pool->ready_count, 6);
	cr_assert_eq(ready_of(&rig, 2), 1);
	cr_assert(rig_find(&rig, 2, CONNECTION_READY)->standby);
	rig_stop(&rig);
}

Test(pool, the_higher_tier_carries_at_once_and_the_lower_returns)
{
	struct connection *out;
	struct rig rig;

	two_tiers(&rig);
	rig.refuses[0] = rig.refuses[1] = true;
	rig_kill(&rig, 0);
	rig_kill(&rig, 1);
	/* The standby serves before anything has been dialled. */
	cr_assert_eq(rig.pool->tier, 2);
	cr_assert_eq(pool_lease(rig.pool, NULL, rig.now_us, &out), LEASE_OK);
	cr_assert_eq(out->endpoint, rig.pool->endpoints[2]);
	cr_assert_not(out->standby);
	pool_return(out, 0, rig.now_us);
	rig_run(&rig, SECOND_US);
	cr_assert_eq(ready_of(&rig, 2), 6);

	rig.refuses[0] = rig.refuses[1] = false;
	rig_run(&rig, 31 * SECOND_US);
	cr_assert_eq(rig.pool->tier, 1);
	cr_assert_eq(ready_of(&rig, 0), 3);
	cr_assert_eq(ready_of(&rig, 1), 3);
	cr_assert_eq(ready_of(&rig, 2), 1);
	cr_assert(rig_find(&rig, 2, CONNECTION_READY)->standby);
	rig_stop(&rig);
}

Test(pool, half_a_tier_is_enough_to_stay)
{
	struct rig rig;

	two_tiers(&rig);
	rig.refuses[0] = true;
	rig_kill(&rig, 0);
	rig_run(&rig, SECOND_US);
	cr_assert_eq(rig.pool->tier, 1);
	cr_assert_eq(ready_of(&rig, 1), 6);
	cr_assert_eq(ready_of(&rig, 2), 1);
	rig_stop(&rig);
}

Test(pool, with_nobody_ready_the_lowest_tier_is_in_use)
{
	struct rig rig;

	two_tiers(&rig);
	for (size_t i = 0; i < 3; i++) {
		rig.refuses[i] = true;
		rig_kill(&rig, i);
	}
	rig_run(&rig, SECOND_US);
	cr_assert_eq(rig.pool->tier, 1);
	cr_assert_eq(rig.pool->ready_count, 0);
	rig_stop(&rig);
}

Test(pool, with_fewer_connections_than_endpoints_another_takes_over)
{
	struct rig rig;

	rig_init(&rig, 3, 1);
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND_US);
	cr_assert_eq(ready_of(&rig, 0), 1);
	cr_assert_eq(rig.pool->connections, 1);
	rig.refuses[0] = true;
	rig_kill(&rig, 0);
	rig_run(&rig, SECOND_US / 10);
	cr_assert_eq(ready_of(&rig, 1), 1);
	rig.refuses[0] = false;
	rig_run(&rig, 31 * SECOND_US);
	cr_assert_eq(rig.pool->ready_count, 1);
	rig_stop(&rig);
}

/* Kills, refusals, resizes and leases from a seed; rig_run checks the counts at every step. */
Test(pool, keeps_its_counts_through_any_history, .timeout = 60)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct connection *leases[200];
		size_t leased = 0;
		struct rng rng;
		struct rig rig;

		rng_init(&rng, seed);
		rig_init(&rig, 1 + rng_below(&rng, 6), 1 + (uint32_t)rng_below(&rng, 20));
		rig.settings.connect_rate = (uint32_t)rng_below(&rng, 200);
		rig.settings.balancer = (enum balancer_kind)rng_below(&rng, 4);
		rig.settings.max_in_flight = 5;
		for (size_t i = 0; i < rig.settings.endpoint_count; i++) {
			rig.endpoints[i].weight = 1 + (uint32_t)rng_below(&rng, 10);
			rig.endpoints[i].tier = 1 + (uint32_t)rng_below(&rng, 3);
		}
		rig_start(&rig);
		for (int event = 0; event < 300; event++) {
			size_t endpoint = rng_below(&rng, rig.settings.endpoint_count);

			while (leased < 200 && rng_below(&rng, 3) > 0 &&
			       pool_lease(rig.pool, NULL, rig.now_us, &leases[leased]) == LEASE_OK)
				leased++;
			rig_check(&rig);
			/* Leases end before a closed connection is reaped, so all go here. */
			while (leased > 0)
				pool_return(leases[--leased], 1 + rng_below(&rng, 90), rig.now_us);
			switch (rng_below(&rng, 4)) {
			case 0:
				rig.refuses[endpoint] = !rig.refuses[endpoint];
				break;
			case 1:
				rig_kill(&rig, endpoint);
				break;
			case 2:
				rig.pool->size = 1 + (uint32_t)rng_below(&rng, 30);
				break;
			default:
				break;
			}
			rig_run(&rig, (1 + rng_below(&rng, 60)) * RIG_STEP_US);
		}
		/* Once all is well, the pool comes to rest where the spread says. */
		for (size_t i = 0; i < rig.settings.endpoint_count; i++)
			rig.refuses[i] = false;
		rig_run(&rig, 65 * SECOND_US);
		for (size_t i = 0; i < rig.settings.endpoint_count; i++)
			cr_assert_eq(rig.pool->endpoints[i]->ready, rig.pool->endpoints[i]->desired,
				     "seed %lu", seed);
		cr_assert_eq(rig.pool->ready_count, rig.pool->size, "seed %lu", seed);
		rig_stop(&rig);
	}
}

Test(pool, of_null_destroys_nothing)
{
	pool_destroy(NULL);
}
