#include <criterion/criterion.h>
#include "tests/unit/pool/rig.h"

#define SECOND_US UINT64_C(1000000)
#define LOOKS_MAX 4096

/* Counts dials at each look and asserts the bounds of the pace over every second. */
static void check_pace(uint32_t connect_rate, uint64_t look_us, uint32_t wanted)
{
	uint64_t at_us[LOOKS_MAX];
	size_t dialled = 0;
	size_t burst = 0;
	struct rig rig;

	rig_init(&rig, 4, wanted);
	rig.settings.connect_rate = connect_rate;
	rig_start(&rig);
	for (uint64_t t = 0; dialled < wanted && t < 60 * SECOND_US; t += look_us) {
		size_t at_once = 0;

		while (pool_next_dial(rig.pool, rig.now_us + t)) {
			at_us[dialled++] = t;
			at_once++;
		}
		burst = at_once > burst ? at_once : burst;
	}
	cr_assert_eq(dialled, wanted);
	cr_assert_leq(burst, connect_rate / 10 > 1 ? connect_rate / 10 : 1);
	for (size_t i = 0; i + connect_rate < dialled; i++)
		cr_assert_geq(at_us[i + connect_rate] - at_us[i], SECOND_US, "rate %u: dial %zu",
			      connect_rate, i);
	/* And it is not much slower than allowed. */
	if (look_us <= 10000)
		cr_assert_leq(at_us[dialled - 1],
			      (dialled * 12 / 10 + 1) * SECOND_US / connect_rate);
	rig_stop(&rig);
}

Test(dial, keeps_the_pace_over_virtual_time)
{
	static const uint32_t rates[] = {1, 5, 9, 10, 11, 50, 100, 500};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		uint32_t wanted = rates[i] * 4 < 1000 ? rates[i] * 4 : 1000;

		check_pace(rates[i], 1000, wanted);
		check_pace(rates[i], 10000, wanted);
		check_pace(rates[i], 100000, wanted);
	}
}

Test(dial, a_long_rest_saves_up_no_more_than_a_burst)
{
	struct rig rig;

	rig_init(&rig, 1, 100);
	rig.settings.connect_rate = 50;
	rig_start(&rig);
	rig.now_us += 3600 * SECOND_US;
	for (int i = 0; i < 5; i++)
		cr_assert_not_null(pool_next_dial(rig.pool, rig.now_us));
	cr_assert_null(pool_next_dial(rig.pool, rig.now_us));
	/* A clock that went back brings nothing. */
	cr_assert_null(pool_next_dial(rig.pool, rig.now_us - 1800 * SECOND_US));
	cr_assert_null(pool_next_dial(rig.pool, rig.now_us));
	rig_stop(&rig);
}

Test(dial, without_a_rate_all_at_once)
{
	struct rig rig;
	int dialled = 0;

	rig_init(&rig, 3, 1000);
	rig_start(&rig);
	while (pool_next_dial(rig.pool, rig.now_us))
		dialled++;
	cr_assert_eq(dialled, 1000);
	rig_check(&rig);
	rig_stop(&rig);
}

Test(dial, every_endpoint_gets_its_first_before_any_its_second)
{
	bool seen[6] = {false};
	struct rig rig;

	rig_init(&rig, 6, 40);
	rig.endpoints[0].weight = 1000;
	rig.endpoints[4].tier = 2;
	rig.endpoints[5].tier = 3;
	rig_start(&rig);
	for (int i = 0; i < 6; i++) {
		struct connection *connection = pool_next_dial(rig.pool, rig.now_us);
		size_t index = connection->endpoint->index;

		cr_assert_not(seen[index]);
		seen[index] = true;
		cr_assert_eq(connection->standby, index >= 4);
	}
	rig_stop(&rig);
}

Test(dial, fills_shares_evenly)
{
	struct rig rig;

	rig_init(&rig, 2, 30);
	rig.endpoints[1].weight = 2;
	rig_start(&rig);
	for (uint32_t i = 1; i <= 30; i++) {
		struct endpoint **e = rig.pool->endpoints;

		cr_assert_not_null(pool_next_dial(rig.pool, rig.now_us));
		cr_assert_eq(e[0]->open + e[1]->open, i);
		cr_assert_leq(e[0]->open, i / 3 + 1);
		cr_assert_leq(e[1]->open, i * 2 / 3 + 1);
	}
	rig_stop(&rig);
}

Test(dial, one_try_at_a_time_under_back_off_for_who_is_down)
{
	struct rig rig;

	rig_init(&rig, 1, 10);
	rig.refuses[0] = true;
	rig_start(&rig);
	rig_run(&rig, 2 * RIG_STEP_US);
	cr_assert(rig.pool->endpoints[0]->down);
	cr_assert_eq(rig.pool->endpoints[0]->backoff.failures, 1);
	cr_assert_eq(rig.dials[0], 10); /* the first blow; then one by one */
	for (int i = 0; i < 600; i++) {
		uint64_t before = rig.dials[0];

		rig_run(&rig, 100 * RIG_STEP_US);
		cr_assert_leq(rig.pool->endpoints[0]->open, 1);
		cr_assert_leq(rig.dials[0] - before, 2);
	}
	/* A minute of 100 ms, 200 ms, … up to 30 s apart, half of it on average. */
	cr_assert_leq(rig.dials[0], 10 + 20);
	cr_assert_geq(rig.dials[0], 10 + 6);
	rig.refuses[0] = false;
	rig_run(&rig, 31 * SECOND_US);
	cr_assert_eq(rig.pool->endpoints[0]->ready, 10);
	cr_assert_not(rig.pool->endpoints[0]->down);
	rig_stop(&rig);
}

Test(dial, with_all_down_everybody_is_tried_and_nothing_ends)
{
	struct rig rig;

	rig_init(&rig, 4, 10);
	for (size_t i = 0; i < 4; i++)
		rig.refuses[i] = true;
	rig.endpoints[3].tier = 2;
	rig_start(&rig);
	rig_run(&rig, 120 * SECOND_US);
	for (size_t i = 0; i < 4; i++) {
		cr_assert(rig.pool->endpoints[i]->down);
		cr_assert_eq(rig.pool->endpoints[i]->desired, 1);
		cr_assert_str_eq(rig.pool->endpoints[i]->last_error, "connect");
		cr_assert_gt(rig.dials[i], 5);
	}
	cr_assert_eq(rig.pool->tier, 1);
	for (size_t i = 0; i < 4; i++)
		rig.refuses[i] = false;
	rig_run(&rig, 31 * SECOND_US);
	cr_assert_eq(rig.pool->ready_count, 10);
	rig_stop(&rig);
}

Test(dial, a_loss_after_a_second_is_redialled_at_once)
{
	struct rig rig;

	rig_init(&rig, 1, 1);
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND_US);
	rig_lose(&rig, rig_find(&rig, 0, CONNECTION_READY), "eof");
	cr_assert_not(rig.pool->endpoints[0]->down);
	cr_assert_eq(rig.pool->endpoints[0]->stats.connections_lost, 1);
	cr_assert_not_null(pool_next_dial(rig.pool, rig.now_us));
	rig_stop(&rig);
}

Test(dial, a_shorter_life_backs_off)
{
	struct connection *connection;
	struct rig rig;

	rig_init(&rig, 1, 1);
	rig_start(&rig);
	connection = pool_next_dial(rig.pool, rig.now_us);
	rig_make_ready(&rig, connection);
	rig.now_us += SECOND_US - 1;
	rig_lose(&rig, connection, "eof");
	cr_assert(rig.pool->endpoints[0]->down);
	cr_assert_null(pool_next_dial(rig.pool, rig.now_us));
	cr_assert_null(pool_next_dial(rig.pool, rig.now_us + BACKOFF_BASE_US / 2 - 1));
	cr_assert_not_null(pool_next_dial(rig.pool, rig.now_us + BACKOFF_BASE_US));
	rig_stop(&rig);
}

Test(dial, a_flapping_endpoint_backs_off_more_and_more)
{
	struct rig rig;
	uint64_t dials_first;

	rig_init(&rig, 2, 4);
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND_US);
	/* b accepts, and ends each connection after half a second. */
	rig_kill(&rig, 1);
	rig.dials[1] = 0;
	for (int i = 0; i < 20; i++) {
		rig_run(&rig, SECOND_US / 2);
		rig_kill(&rig, 1);
	}
	dials_first = rig.dials[1];
	rig.dials[1] = 0;
	for (int i = 0; i < 100; i++) {
		rig_run(&rig, SECOND_US / 2);
		rig_kill(&rig, 1);
	}
	cr_assert_leq(rig.dials[1], dials_first + 10, "%lu", rig.dials[1]);
	cr_assert_gt(rig.pool->endpoints[1]->backoff.failures, 4);
	cr_assert_eq(rig.pool->endpoints[0]->desired, 4);
	rig_run(&rig, SECOND_US / 100);
	cr_assert_eq(rig.pool->endpoints[0]->ready, 4);
	/* It recovers, and once it has lasted the back-off is forgotten. */
	rig_run(&rig, 33 * SECOND_US);
	cr_assert_eq(rig.pool->endpoints[1]->backoff.failures, 0);
	cr_assert_eq(rig.pool->endpoints[0]->ready, 2);
	cr_assert_eq(rig.pool->endpoints[1]->ready, 2);
	rig_stop(&rig);
}

/* How long the first endpoint is away after having been up for two seconds. */
static uint64_t flap(struct rig *rig)
{
	uint64_t from_us;

	rig_run(rig, 2 * SECOND_US);
	rig_kill(rig, 0);
	for (from_us = rig->now_us; !rig_find(rig, 0, CONNECTION_READY);)
		rig_run(rig, RIG_STEP_US);
	return rig->now_us - from_us;
}

Test(dial, who_is_up_for_seconds_and_falls_again_waits_longer_and_longer)
{
	uint64_t early_us = 0, late_us = 0;
	struct rig rig;

	rig_init(&rig, 2, 4);
	rig_start(&rig);
	rig_run(&rig, SECOND_US);
	for (int i = 0; i < 8; i++)
		*(i < 4 ? &early_us : &late_us) += flap(&rig);
	cr_assert_lt(early_us, 2 * SECOND_US);
	cr_assert_gt(late_us, 4 * early_us, "%llu us after %llu", (unsigned long long)late_us,
		     (unsigned long long)early_us);
	cr_assert_eq(strcmp(rig.pool->endpoints[0]->last_error, "eof"), 0);
	/* The other one has its share meanwhile. */
	rig_run(&rig, 2 * SECOND_US);
	rig_kill(&rig, 0);
	cr_assert(rig.pool->endpoints[0]->down);
	cr_assert_eq(rig.pool->endpoints[1]->desired, 4);
	/* Good behaviour is believed in the end. */
	rig_run(&rig, 200 * SECOND_US);
	cr_assert_lt(flap(&rig), 50 * RIG_STEP_US);
	rig_stop(&rig);
}

Test(dial, who_flaps_alone_is_redialled_at_once)
{
	struct rig rig;

	rig_init(&rig, 1, 2);
	rig_start(&rig);
	rig_run(&rig, SECOND_US);
	for (int i = 0; i < 8; i++)
		cr_assert_lt(flap(&rig), 50 * RIG_STEP_US, "time %d", i);
	rig_stop(&rig);
}

Test(dial, failures_of_one_blow_count_once)
{
	struct rig rig;

	rig_init(&rig, 1, 50);
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND_US);
	rig_kill(&rig, 0);
	rig.refuses[0] = true;
	rig_run(&rig, 2 * RIG_STEP_US);
	cr_assert_eq(rig.pool->endpoints[0]->backoff.failures, 1);
	rig_stop(&rig);
}

/* An upstream that allows five connections: the ones it has are stable, the others back off. */
Test(dial, a_bounded_upstream_is_not_hammered)
{
	struct rig rig;

	rig_init(&rig, 1, 5);
	rig_start(&rig);
	rig_run(&rig, 2 * SECOND_US);
	rig.refuses[0] = true;
	rig.pool->size = 10;
	rig.dials[0] = 0;
	rig_run(&rig, 60 * SECOND_US);
	cr_assert_eq(rig.pool->endpoints[0]->ready, 5);
	cr_assert_not(rig.pool->endpoints[0]->down);
	cr_assert_leq(rig.dials[0], 100, "%lu", rig.dials[0]);
	rig_stop(&rig);
}
