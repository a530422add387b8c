#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "broker/pool/balancer.h"

#define MANY   64
#define NOW_US UINT64_C(1000000000)

/* Connections of up to eight endpoints, side by side as the pool keeps them. */
struct bench {
	struct endpoint endpoints[8];
	struct connection connections[MANY];
	struct connection *ready[MANY];
	size_t count;
	size_t endpoint_count;
	struct rng rng;
	uint64_t rotor;
	bool uneven; /* handicaps count */
};

static void bench_init(struct bench *bench, uint64_t seed)
{
	memset(bench, 0, sizeof(*bench));
	rng_init(&bench->rng, seed);
}

static void bench_add(struct bench *bench, uint32_t weight, uint32_t connections)
{
	size_t index = bench->endpoint_count++;

	bench->endpoints[index].weight = weight;
	bench->endpoints[index].ready = connections;
	for (uint32_t i = 0; i < connections; i++) {
		struct connection *connection = &bench->connections[bench->count];

		connection->endpoint = &bench->endpoints[index];
		connection->max_in_flight = 100;
		bench->ready[bench->count++] = connection;
	}
}

static struct connection *pick_but(struct bench *bench, enum balancer_kind kind,
				   const struct balancer_avoid *avoid)
{
	const struct balancer_set set = {bench->ready, bench->count, bench->uneven};

	return balancer_pick(kind, &set, avoid, &bench->rng, &bench->rotor, NOW_US);
}

static struct connection *pick(struct bench *bench, enum balancer_kind kind)
{
	return pick_but(bench, kind, NULL);
}

static size_t endpoint_of(const struct bench *bench, const struct connection *connection)
{
	return (size_t)(connection->endpoint - bench->endpoints);
}

static const enum balancer_kind kinds[] = {BALANCER_ROUND_ROBIN, BALANCER_LEAST_CONNECTIONS,
					   BALANCER_RANDOM, BALANCER_PEAK_EWMA};

Test(balancer, round_robin_follows_the_smooth_sequence)
{
	/* The example of nginx: 5, 1, 1 gives a a b a c a a. */
	static const char sequence[] = "aabacaaaabacaa";
	struct bench bench;

	bench_init(&bench, 1);
	bench_add(&bench, 5, 1);
	bench_add(&bench, 1, 1);
	bench_add(&bench, 1, 1);
	for (size_t i = 0; sequence[i]; i++)
		cr_assert_eq("abc"[endpoint_of(&bench, pick(&bench, BALANCER_ROUND_ROBIN))],
			     sequence[i], "at %zu", i);
}

Test(balancer, round_robin_is_exact_in_every_period)
{
	static const uint32_t weights[] = {7, 3, 1, 13};
	struct bench bench;

	bench_init(&bench, 1);
	for (size_t i = 0; i < 4; i++)
		bench_add(&bench, weights[i], (uint32_t)i + 1);
	for (int period = 0; period < 50; period++) {
		uint32_t served[4] = {0};

		for (int i = 0; i < 24; i++)
			served[endpoint_of(&bench, pick(&bench, BALANCER_ROUND_ROBIN))]++;
		for (size_t i = 0; i < 4; i++)
			cr_assert_eq(served[i], weights[i]);
	}
}

Test(balancer, round_robin_takes_turns_within_an_endpoint)
{
	uint32_t served[MANY] = {0};
	struct bench bench;

	bench_init(&bench, 1);
	bench_add(&bench, 1, 2);
	bench_add(&bench, 1, 3);
	for (int i = 0; i < 120; i++)
		served[pick(&bench, BALANCER_ROUND_ROBIN) - bench.connections]++;
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(served[i], 30);
	for (size_t i = 2; i < 5; i++)
		cr_assert_eq(served[i], 20);
}

Test(balancer, round_robin_shares_among_the_rest_when_one_is_full)
{
	uint32_t served[3] = {0};
	struct bench bench;

	bench_init(&bench, 1);
	bench_add(&bench, 10, 1);
	bench_add(&bench, 2, 1);
	bench_add(&bench, 1, 1);
	bench.connections[0].in_flight = 100;
	for (int i = 0; i < 300; i++)
		served[endpoint_of(&bench, pick(&bench, BALANCER_ROUND_ROBIN))]++;
	cr_assert_eq(served[0], 0);
	cr_assert_eq(served[1], 200);
	cr_assert_eq(served[2], 100);
}

Test(balancer, least_connections_finds_the_fewest_up_to_the_scan_bound)
{
	struct rng rng;

	rng_init(&rng, 11);
	for (int round = 0; round < 5000; round++) {
		size_t count = 1 + rng_below(&rng, BALANCER_SCAN_MAX);
		uint32_t fewest = UINT32_MAX;
		struct bench bench;

		bench_init(&bench, (uint64_t)round);
		bench.rotor = rng_next(&rng);
		bench_add(&bench, 1, (uint32_t)count);
		for (size_t i = 0; i < bench.count; i++) {
			bench.connections[i].in_flight = (uint32_t)rng_below(&rng, 20);
			if (bench.connections[i].in_flight < fewest)
				fewest = bench.connections[i].in_flight;
		}
		cr_assert_eq(pick(&bench, BALANCER_LEAST_CONNECTIONS)->in_flight, fewest);
	}
}

Test(balancer, least_connections_breaks_ties_in_turn)
{
	uint32_t served[5] = {0};
	struct bench bench;

	bench_init(&bench, 1);
	bench_add(&bench, 1, 5);
	for (int i = 0; i < 500; i++)
		served[pick(&bench, BALANCER_LEAST_CONNECTIONS) - bench.connections]++;
	for (size_t i = 0; i < 5; i++)
		cr_assert_eq(served[i], 100);
}

Test(balancer, two_choices_keep_the_fullest_near_the_mean)
{
	uint32_t fullest = 0;
	struct bench bench;

	bench_init(&bench, 5);
	bench_add(&bench, 1, MANY);
	/* 32 a connection on average. One random choice would leave the fullest about 15 above it,
	 * the better of two leaves it log log n above. */
	for (int i = 0; i < 32 * MANY; i++)
		pick(&bench, BALANCER_LEAST_CONNECTIONS)->in_flight++;
	for (size_t i = 0; i < MANY; i++)
		if (bench.connections[i].in_flight > fullest)
			fullest = bench.connections[i].in_flight;
	cr_assert_leq(fullest, 36, "%u", fullest);
}

/* The one idle connection among 32 is found when it is either of the two: with probability 2/32. */
Test(balancer, two_choices_are_two_different_ones)
{
	int found = 0;
	struct bench bench;

	bench_init(&bench, 8);
	bench_add(&bench, 1, 32);
	for (size_t i = 0; i < 31; i++)
		bench.connections[i].in_flight = 1;
	for (int i = 0; i < 32000; i++)
		found += pick(&bench, BALANCER_LEAST_CONNECTIONS) == bench.ready[31];
	cr_assert_leq(abs(found - 2000), 200, "%d", found);
}

/* Each endpoint's weight is its share; sum of (seen - expected)^2 / expected over seven degrees of
 * freedom is above 24.3 once in a thousand seeds, and this one seed is fixed. */
Test(balancer, random_follows_skewed_weights)
{
	static const uint32_t weights[8] = {1, 2, 5, 10, 50, 100, 332, 500};
	const double draws = 200000;
	double seen[8] = {0};
	double chi_square = 0;
	struct bench bench;

	bench_init(&bench, 6);
	for (uint32_t i = 0; i < 8; i++)
		bench_add(&bench, weights[i], 1 + i % 3);
	for (int i = 0; i < (int)draws; i++)
		seen[endpoint_of(&bench, pick(&bench, BALANCER_RANDOM))]++;
	for (size_t i = 0; i < 8; i++) {
		double expected = draws * weights[i] / 1000;

		chi_square += (seen[i] - expected) * (seen[i] - expected) / expected;
	}
	cr_assert_lt(chi_square, 24.3, "%f", chi_square);
}

Test(balancer, random_is_even_within_an_endpoint)
{
	double seen[10] = {0};
	double chi_square = 0;
	struct bench bench;

	bench_init(&bench, 7);
	bench_add(&bench, 1000, 10);
	for (int i = 0; i < 100000; i++)
		seen[pick(&bench, BALANCER_RANDOM) - bench.connections]++;
	for (size_t i = 0; i < 10; i++)
		chi_square += (seen[i] - 10000) * (seen[i] - 10000) / 10000;
	cr_assert_lt(chi_square, 27.9, "%f", chi_square);
}

Test(balancer, passes_over_the_full_and_the_avoided)
{
	for (size_t k = 0; k < 4; k++) {
		for (uint32_t count = 2; count <= MANY; count += 31) {
			const struct connection *avoid[2];
			struct connection *only;
			struct bench bench;

			bench_init(&bench, count);
			bench_add(&bench, 1, count / 2);
			bench_add(&bench, 500, count - count / 2);
			only = bench.ready[count - 1];
			for (size_t i = 0; i + 1 < count; i++)
				bench.connections[i].in_flight = 100;
			for (int i = 0; i < 50; i++)
				cr_assert_eq(pick(&bench, kinds[k]), only);
			avoid[0] = bench.ready[0];
			avoid[1] = only;
			cr_assert_null(pick_but(&bench, kinds[k],
						&(struct balancer_avoid){avoid, NULL, 2}));
			only->in_flight = 100;
			cr_assert_null(pick(&bench, kinds[k]));
		}
	}
}

Test(balancer, avoids_also_the_best)
{
	for (size_t k = 0; k < 4; k++) {
		struct bench bench;
		const struct connection *avoid[1];

		bench_init(&bench, 3);
		bench_add(&bench, 1000, 1);
		bench_add(&bench, 1, 1);
		bench.connections[1].in_flight = 99;
		avoid[0] = bench.ready[0];
		for (int i = 0; i < 50; i++)
			cr_assert_eq(pick_but(&bench, kinds[k],
					      &(struct balancer_avoid){avoid, NULL, 1}),
				     bench.ready[1]);
	}
}

Test(balancer, avoids_all_of_an_endpoint)
{
	for (size_t k = 0; k < 4; k++) {
		const struct connection *tried[1];
		const struct endpoint *endpoints[1];
		struct bench bench;

		bench_init(&bench, 3);
		bench_add(&bench, 100, 4);
		bench_add(&bench, 1, 1);
		tried[0] = bench.ready[0];
		endpoints[0] = &bench.endpoints[0];
		for (int i = 0; i < 50; i++)
			cr_assert_eq(pick_but(&bench, kinds[k],
					      &(struct balancer_avoid){tried, endpoints, 1}),
				     bench.ready[4]);
	}
}

static void bench_handicap(struct bench *bench, size_t endpoint, uint32_t handicap)
{
	bench->uneven = true;
	bench->endpoints[endpoint].handicap = handicap;
	for (size_t i = 0; i < bench->count; i++)
		if (bench->connections[i].endpoint == &bench->endpoints[endpoint])
			bench->connections[i].handicap = handicap;
}

/* Each request ends at once, or only after as many as `depth` have come after it; how many of all
 * the first endpoint got. */
static double share_of_first(struct bench *bench, enum balancer_kind kind, size_t depth)
{
	struct connection *out[64] = {NULL};
	size_t first = 0, all = 40000;

	for (size_t i = 0; i < all; i++) {
		struct connection *chosen = pick(bench, kind);

		cr_assert_not_null(chosen);
		first += endpoint_of(bench, chosen) == 0;
		chosen->in_flight++;
		if (out[i % depth])
			out[i % depth]->in_flight--;
		out[i % depth] = chosen;
	}
	return (double)first / (double)all;
}

/* Of four equal endpoints one has less than its share, idle or busy, with few connections or many.
 */
Test(balancer, a_handicap_takes_its_part_of_the_share)
{
	static const uint32_t handicaps[] = {HANDICAP_UNIT / 2, HANDICAP_UNIT * 9 / 10,
					     HANDICAP_SICK};
	static const size_t depths[] = {1, 4, 40};
	static const uint32_t connections[] = {1, 3, 8};

	for (size_t k = 0; k < 4; k++)
		for (size_t h = 0; h < 3; h++)
			for (size_t d = 0; d < 3; d++)
				for (size_t c = 0; c < 3; c++) {
					struct bench bench;
					double most = 0.25 * (HANDICAP_UNIT - handicaps[h]) /
						      HANDICAP_UNIT;
					double share;

					bench_init(&bench, k + h + d + c);
					for (size_t i = 0; i < 4; i++)
						bench_add(&bench, 1, connections[c]);
					for (size_t i = 0; i < bench.count; i++)
						balancer_observe(bench.ready[i], 1000, NOW_US);
					bench_handicap(&bench, 0, handicaps[h]);
					share = share_of_first(&bench, kinds[k], depths[d]);
					/* Two random choices see it twice as often. */
					cr_assert_lt(share, most * 2 + 0.01,
						     "%s, handicap %u, depth %zu: %g",
						     balancer_name(kinds[k]), handicaps[h],
						     depths[d], share);
					cr_assert_gt(share, 0, "%s starves it",
						     balancer_name(kinds[k]));
				}
}

/* One that answers at once, because it fails, is always the idlest. */
Test(balancer, who_fails_fast_draws_nothing)
{
	for (size_t k = 0; k < 4; k++) {
		struct connection *out[64] = {NULL};
		size_t first = 0;
		struct bench bench;

		bench_init(&bench, 5);
		for (size_t i = 0; i < 4; i++)
			bench_add(&bench, 1, 2);
		for (size_t i = 0; i < bench.count; i++)
			balancer_observe(bench.ready[i], i < 2 ? 10 : 20000, NOW_US);
		bench_handicap(&bench, 0, HANDICAP_SICK);
		for (size_t i = 0; i < 20000; i++) {
			struct connection *chosen = pick(&bench, kinds[k]);

			if (endpoint_of(&bench, chosen) == 0) {
				first++;
				continue;
			}
			chosen->in_flight++;
			if (out[i % 64])
				out[i % 64]->in_flight--;
			out[i % 64] = chosen;
		}
		cr_assert_lt(first, 20000 / 50, "%s: %zu", balancer_name(kinds[k]), first);
	}
}

Test(balancer, with_a_handicap_it_serves_when_nobody_else_has_room)
{
	for (size_t k = 0; k < 4; k++) {
		struct bench bench;

		bench_init(&bench, 5);
		bench_add(&bench, 1, 2);
		bench_add(&bench, 1, 2);
		bench_handicap(&bench, 0, HANDICAP_SICK);
		bench.connections[2].in_flight = bench.connections[3].in_flight = 100;
		for (size_t i = 0; i < 200; i++)
			cr_assert_eq(endpoint_of(&bench, pick(&bench, kinds[k])), 0);
	}
}

/* In panic the sick are used too, but hardly where one is well enough. */
Test(balancer, among_the_handicapped_the_least_one_gets_most)
{
	for (size_t k = 0; k < 4; k++) {
		struct bench bench;

		bench_init(&bench, 5);
		for (size_t i = 0; i < 4; i++) {
			bench_add(&bench, 1, 1);
			balancer_observe(bench.ready[i], 1000, NOW_US);
			bench_handicap(&bench, i, i == 0 ? HANDICAP_UNIT / 2 : HANDICAP_SICK);
		}
		cr_assert_gt(share_of_first(&bench, kinds[k], 1), 0.85, "%s",
			     balancer_name(kinds[k]));
	}
}

Test(balancer, clients_that_stay_spread_by_their_number)
{
	static const enum balancer_kind exact[] = {BALANCER_ROUND_ROBIN, BALANCER_LEAST_CONNECTIONS,
						   BALANCER_PEAK_EWMA};

	for (size_t k = 0; k < 3; k++) {
		struct bench bench;

		bench_init(&bench, 3);
		bench_add(&bench, 1, 32);
		/* What is under way for a moment says nothing of who will stay. */
		for (size_t i = 0; i < 16; i++)
			bench.connections[i].in_flight = 50;
		for (size_t i = 0; i < 96; i++) {
			struct connection *chosen = balancer_pick_for_client(
				exact[k], &(struct balancer_set){bench.ready, bench.count, false},
				&bench.rng, &bench.rotor, NOW_US);

			cr_assert_not_null(chosen);
			chosen->clients.count++;
		}
		for (size_t i = 0; i < 32; i++)
			cr_assert_eq(bench.connections[i].clients.count, 3, "%s: %zu has %zu",
				     balancer_name(exact[k]), i,
				     bench.connections[i].clients.count);
	}
}

Test(balancer, of_nobody_picks_nobody)
{
	struct bench bench;

	bench_init(&bench, 1);
	for (size_t k = 0; k < 4; k++)
		cr_assert_null(pick(&bench, kinds[k]));
}

Test(balancer, a_peer_that_does_not_read_counts_as_full)
{
	struct outbox_pool outboxes;
	struct bench bench;
	char *at;

	bench_init(&bench, 1);
	bench_add(&bench, 1, 1);
	outbox_pool_init(&outboxes, 16384, 1);
	outbox_init(&bench.connections[0].outbox, &outboxes, SIZE_MAX / 2);
	cr_assert_eq(outbox_reserve(&bench.connections[0].outbox, CONNECTION_STALL_BYTES, &at),
		     WSB_OK);
	memset(at, 0, CONNECTION_STALL_BYTES);
	outbox_commit(&bench.connections[0].outbox, CONNECTION_STALL_BYTES);
	cr_assert_not(connection_is_full(bench.ready[0]));
	cr_assert_eq(outbox_reserve(&bench.connections[0].outbox, 1, &at), WSB_OK);
	*at = 0;
	outbox_commit(&bench.connections[0].outbox, 1);
	cr_assert(connection_is_full(bench.ready[0]));
	outbox_fini(&bench.connections[0].outbox);
	outbox_pool_fini(&outboxes);
}

Test(balancer, peak_ewma_jumps_to_a_peak_and_decays_from_it)
{
	struct connection connection = {0};
	double after_tau;

	balancer_observe(&connection, 1000, NOW_US);
	cr_assert_float_eq(connection.ewma_us, 1000, 1e-9);
	balancer_observe(&connection, 50000, NOW_US);
	cr_assert_float_eq(connection.ewma_us, 50000, 1e-9);
	/* At the same moment a lower sample weighs nothing, after tau 1 - 1/e. */
	balancer_observe(&connection, 1000, NOW_US);
	cr_assert_float_eq(connection.ewma_us, 50000, 1e-9);
	balancer_observe(&connection, 1000, NOW_US + BALANCER_EWMA_TAU_US);
	after_tau = 1000 + 49000 * exp(-1);
	cr_assert_float_eq(connection.ewma_us, after_tau, 1e-6);
	/* A clock that went back does no harm. */
	balancer_observe(&connection, 1000, NOW_US);
	cr_assert_float_eq(connection.ewma_us, after_tau, 1e-6);
}

Test(balancer, peak_ewma_prefers_the_unknown_idle_then_the_known)
{
	struct bench bench;

	bench_init(&bench, 1);
	bench_add(&bench, 1, 3);
	balancer_observe(bench.ready[0], 200, NOW_US);
	balancer_observe(bench.ready[1], 60000000, NOW_US);
	cr_assert_eq(pick(&bench, BALANCER_PEAK_EWMA), bench.ready[2]);
	/* With a request out and no answer yet it is worse than the slowest that answers. */
	bench.connections[2].in_flight = 1;
	bench.connections[0].in_flight = 100;
	cr_assert_eq(pick(&bench, BALANCER_PEAK_EWMA), bench.ready[1]);
}

Test(balancer, peak_ewma_weighs_time_with_the_line)
{
	struct bench bench;

	bench_init(&bench, 1);
	bench_add(&bench, 1, 2);
	balancer_observe(bench.ready[0], 100, NOW_US);
	balancer_observe(bench.ready[1], 1000, NOW_US);
	bench.connections[0].in_flight = 8;
	cr_assert_eq(pick(&bench, BALANCER_PEAK_EWMA), bench.ready[0]);
	bench.connections[0].in_flight = 10;
	cr_assert_eq(pick(&bench, BALANCER_PEAK_EWMA), bench.ready[1]);
}

Test(balancer, peak_ewma_tries_the_slow_one_again_after_a_while)
{
	struct bench bench;

	bench_init(&bench, 1);
	bench_add(&bench, 1, 2);
	balancer_observe(bench.ready[0], 1000, NOW_US);
	balancer_observe(bench.ready[1], 5000, NOW_US - 10 * BALANCER_EWMA_TAU_US);
	cr_assert_eq(pick(&bench, BALANCER_PEAK_EWMA), bench.ready[1]);
}

/* One endpoint ten times slower than the other three must not get a quarter of the traffic. */
Test(balancer, peak_ewma_gives_the_slow_one_a_small_share)
{
	uint64_t ends_us[4][100];
	uint32_t served[4] = {0};
	struct bench bench;
	uint64_t now_us = NOW_US;

	bench_init(&bench, 9);
	for (int i = 0; i < 4; i++)
		bench_add(&bench, 1, 1);
	for (int i = 0; i < 20000; i++, now_us += 500) {
		struct connection *chosen;
		size_t at;

		for (size_t c = 0; c < 4; c++) {
			struct connection *connection = bench.ready[c];

			while (connection->in_flight > 0 && ends_us[c][0] <= now_us) {
				connection->in_flight--;
				memmove(&ends_us[c][0], &ends_us[c][1],
					connection->in_flight * sizeof(ends_us[c][0]));
				balancer_observe(connection, c == 3 ? 20000 : 2000, now_us);
			}
		}
		chosen = balancer_pick(BALANCER_PEAK_EWMA,
				       &(struct balancer_set){bench.ready, 4, false}, NULL,
				       &bench.rng, &bench.rotor, now_us);
		cr_assert_not_null(chosen);
		at = (size_t)(chosen - bench.connections);
		ends_us[at][chosen->in_flight++] = now_us + (at == 3 ? 20000 : 2000);
		served[at]++;
	}
	cr_assert_lt(served[3], 20000 / 20, "%u", served[3]);
}

Test(balancer, has_the_names_of_the_configuration)
{
	cr_assert_str_eq(balancer_name(BALANCER_ROUND_ROBIN), "round-robin");
	cr_assert_str_eq(balancer_name(BALANCER_LEAST_CONNECTIONS), "least-connections");
	cr_assert_str_eq(balancer_name(BALANCER_RANDOM), "random");
	cr_assert_str_eq(balancer_name(BALANCER_PEAK_EWMA), "peak-ewma");
}
