/* Who is well enough to carry requests, and how much of them. */
#include <criterion/criterion.h>
#include <string.h>
#include "broker/pool/health.h"
#include "common/clock.h"
#include "tests/unit/pool/rig.h"

static void begin_with(struct rig *rig, size_t endpoints, uint32_t size)
{
	rig_init(rig, endpoints, size);
	rig->settings.ejection = (struct ejection_settings){
		.consecutive = 5,
		.ratio = 0.5,
		.min_requests = 50,
		.window_us = 10 * US_PER_S,
		.base_us = 30 * US_PER_S,
		.max_us = 300 * US_PER_S,
		.max_ejected = 0.5,
	};
	rig->settings.probe = (struct probe_settings){.interval_us = US_PER_S,
						      .timeout_us = US_PER_S,
						      .fall = 2,
						      .rise = 1,
						      .method = "h"};
}

static void begin(struct rig *rig, size_t endpoints, uint32_t size)
{
	begin_with(rig, endpoints, size);
	rig_start(rig);
	rig_run(rig, 20 * RIG_STEP_US);
}

static struct endpoint *at(struct rig *rig, size_t endpoint)
{
	return rig->pool->endpoints[endpoint];
}

static void succeed(struct rig *rig, size_t endpoint, size_t times)
{
	for (size_t i = 0; i < times; i++)
		health_good(at(rig, endpoint), 1000, rig->now_us);
}

static void fail(struct rig *rig, size_t endpoint, size_t times)
{
	for (size_t i = 0; i < times; i++)
		health_bad(at(rig, endpoint), FAILURE_ERROR, 1000, rig->now_us);
}

static bool is_used(const struct rig *rig, size_t endpoint)
{
	for (size_t i = 0; i < rig->pool->ready_count; i++)
		if (rig->pool->ready[i]->endpoint->index == endpoint)
			return true;
	return false;
}

/* One request that may be a trial; returns the endpoint that it went to. */
static size_t ask(struct rig *rig, bool spare, bool good)
{
	struct lease_wish wish = {.spare = spare};
	struct connection *connection;
	size_t endpoint;

	cr_assert_eq(pool_lease(rig->pool, &wish, rig->now_us, &connection), LEASE_OK);
	endpoint = connection->endpoint->index;
	if (good)
		succeed(rig, endpoint, 1);
	else
		fail(rig, endpoint, 1);
	pool_return(connection, 1000, rig->now_us);
	return endpoint;
}

Test(health, failures_in_a_row_take_an_endpoint_out_and_its_connections_elsewhere)
{
	struct rig rig;

	begin(&rig, 4, 8);
	fail(&rig, 2, 4);
	succeed(&rig, 2, 1);
	fail(&rig, 2, 4);
	cr_assert(is_used(&rig, 2));
	fail(&rig, 2, 1);
	cr_assert_not(is_used(&rig, 2));
	cr_assert_eq(at(&rig, 2)->state, ENDPOINT_EJECTED);
	cr_assert_eq(at(&rig, 2)->stats.ejections[FAILURE_ERROR], 1);
	cr_assert(strstr(at(&rig, 2)->finding, "5 in a row"), "%s", at(&rig, 2)->finding);
	rig_run(&rig, 50 * RIG_STEP_US);
	cr_assert_eq(rig.pool->ready_count, 8);
	cr_assert_eq(at(&rig, 2)->ready, 1, "one stays, to be probed and tried");
	rig_stop(&rig);
}

Test(health, the_ratio_counts_from_its_volume_on)
{
	struct rig rig;

	begin(&rig, 4, 4);
	for (int i = 0; i < 24; i++) {
		fail(&rig, 1, 1);
		succeed(&rig, 1, 1);
	}
	cr_assert(is_used(&rig, 1));
	fail(&rig, 1, 1);
	succeed(&rig, 1, 1);
	fail(&rig, 1, 1);
	cr_assert_not(is_used(&rig, 1));
	rig_stop(&rig);
}

Test(health, never_more_than_max_ejected_are_out)
{
	static const struct {
		size_t endpoints;
		double max_ejected;
		uint32_t out;
	} cases[] = {{1, 0.5, 0}, {2, 0.5, 1}, {3, 0.5, 1}, {4, 0.5, 2}, {5, 0.5, 2},
		     {2, 0.1, 1}, {4, 0.1, 1}, {4, 0, 0},   {4, 1, 4},	 {1, 1, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;
		uint32_t out = 0;

		begin_with(&rig, cases[i].endpoints, 8);
		rig.settings.ejection.max_ejected = cases[i].max_ejected;
		rig_start(&rig);
		rig_run(&rig, 20 * RIG_STEP_US);
		for (size_t e = 0; e < cases[i].endpoints; e++)
			fail(&rig, e, 20);
		for (size_t e = 0; e < cases[i].endpoints; e++)
			out += at(&rig, e)->outlier.state == BREAKER_OPEN;
		cr_assert_eq(out, cases[i].out, "%zu endpoints, %g: %u", cases[i].endpoints,
			     cases[i].max_ejected, out);
		cr_assert(rig.pool->panic, "all fail: it is panic");
		cr_assert_eq(rig.pool->ready_count, rig.pool->states[CONNECTION_READY].count,
			     "and all are used");
		rig_stop(&rig);
	}
}

Test(health, one_that_was_held_goes_when_there_is_room)
{
	struct rig rig;

	begin_with(&rig, 4, 4);
	rig.settings.ejection.max_ejected = 0.25;
	rig.settings.ejection.base_us = US_PER_S;
	rig_start(&rig);
	rig_run(&rig, 20 * RIG_STEP_US);
	fail(&rig, 0, 5);
	fail(&rig, 1, 5);
	cr_assert_not(is_used(&rig, 0));
	cr_assert(is_used(&rig, 1));
	cr_assert(at(&rig, 1)->held);
	rig_run(&rig, 1200 * RIG_STEP_US);
	cr_assert_eq(at(&rig, 0)->outlier.state, BREAKER_TRIAL);
	for (int i = 0; i < OUTLIER_TRIALS; i++)
		cr_assert_eq(ask(&rig, true, true), 0);
	rig_run(&rig, 5 * RIG_STEP_US);
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_ACTIVE);
	cr_assert_eq(at(&rig, 1)->state, ENDPOINT_EJECTED);
	rig_stop(&rig);
}

Test(health, a_held_one_that_recovers_is_let_off)
{
	struct rig rig;

	begin(&rig, 1, 4);
	fail(&rig, 0, 7);
	cr_assert(at(&rig, 0)->held);
	cr_assert(rig.pool->panic);
	succeed(&rig, 0, 1);
	cr_assert_not(at(&rig, 0)->held);
	cr_assert_not(rig.pool->panic);
	rig_stop(&rig);
}

Test(health, below_half_it_is_panic_and_all_are_used)
{
	struct rig rig;

	begin(&rig, 4, 8);
	fail(&rig, 0, 5);
	fail(&rig, 1, 5);
	cr_assert_not(rig.pool->panic, "two of four are enough");
	cr_assert_eq(is_used(&rig, 0) + is_used(&rig, 1), 0);
	fail(&rig, 2, 5);
	cr_assert(rig.pool->panic);
	for (size_t e = 0; e < 4; e++)
		cr_assert(is_used(&rig, e), "endpoint %zu", e);
	cr_assert_eq(rig.pool->panics, 1);
	succeed(&rig, 2, 1);
	cr_assert_not(rig.pool->panic);
	cr_assert_not(is_used(&rig, 0));
	rig_stop(&rig);
}

Test(health, endpoints_that_are_down_count_for_panic)
{
	struct rig rig;

	begin(&rig, 3, 6);
	for (size_t e = 0; e < 2; e++) {
		rig.refuses[e] = true;
		rig_kill(&rig, e);
	}
	rig_run(&rig, 300 * RIG_STEP_US);
	cr_assert(at(&rig, 0)->down && at(&rig, 1)->down);
	cr_assert(rig.pool->panic);
	cr_assert_eq(at(&rig, 0)->outlier.state, BREAKER_CLOSED,
		     "who has no connection need not be ejected");
	rig_stop(&rig);
}

Test(health, a_tier_is_left_when_none_of_it_is_well)
{
	struct rig rig;

	begin_with(&rig, 4, 4);
	rig.endpoints[2].tier = rig.endpoints[3].tier = 2;
	rig_start(&rig);
	rig_run(&rig, 20 * RIG_STEP_US);
	fail(&rig, 0, 5);
	cr_assert_eq(rig.pool->tier, 1);
	cr_assert_not(rig.pool->panic, "one of two in this tier is enough");
	fail(&rig, 1, 5);
	cr_assert_eq(rig.pool->tier, 2);
	cr_assert_not(rig.pool->panic);
	cr_assert(is_used(&rig, 2) && is_used(&rig, 3));
	rig_run(&rig, 40 * US_PER_S);
	cr_assert_eq(at(&rig, 0)->outlier.state, BREAKER_TRIAL);
	for (int i = 0; i < 2 * OUTLIER_TRIALS; i++)
		ask(&rig, true, true);
	cr_assert_eq(rig.pool->tier, 1, "trials reach the lower tier");
	rig_stop(&rig);
}

Test(health, after_its_time_a_few_requests_try_it)
{
	struct rig rig;
	size_t tried = 0;
	uint64_t until_us;

	begin_with(&rig, 2, 4);
	rig.settings.slow_start_us = 5 * US_PER_S;
	rig_start(&rig);
	rig_run(&rig, 20 * RIG_STEP_US);
	fail(&rig, 0, 5);
	until_us = at(&rig, 0)->outlier.until_us;
	rig_run(&rig, until_us - rig.now_us);
	for (int i = 0; i < 20; i++)
		cr_assert_eq(ask(&rig, true, true), 1, "not yet");
	rig_run(&rig, 5 * RIG_STEP_US);
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_TRIAL);
	cr_assert_eq(ask(&rig, false, true), 1, "what is not idempotent does not try it");
	for (int i = 0; i < 20 && at(&rig, 0)->state == ENDPOINT_TRIAL; i++)
		tried += ask(&rig, true, true) == 0;
	cr_assert_eq(tried, OUTLIER_TRIALS);
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_ACTIVE);
	cr_assert(at(&rig, 0)->handicap > 0, "and it starts slowly");
	rig_run(&rig, 6 * US_PER_S);
	cr_assert_eq(at(&rig, 0)->handicap, 0);
	rig_stop(&rig);
}

Test(health, a_failed_trial_ejects_it_for_longer)
{
	struct rig rig;
	uint64_t first_us, second_us;

	begin(&rig, 2, 4);
	fail(&rig, 0, 5);
	first_us = at(&rig, 0)->outlier.until_us - rig.now_us;
	rig_run(&rig, first_us + 5 * RIG_STEP_US);
	cr_assert_eq(ask(&rig, true, false), 0);
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_EJECTED);
	second_us = at(&rig, 0)->outlier.until_us - rig.now_us;
	cr_assert_gt(second_us, first_us + 15 * US_PER_S);
	rig_stop(&rig);
}

Test(health, what_was_asked_before_the_trial_says_nothing_of_it)
{
	struct rig rig;

	begin(&rig, 2, 4);
	fail(&rig, 0, 5);
	rig_run(&rig, at(&rig, 0)->outlier.until_us - rig.now_us + 5 * RIG_STEP_US);
	health_good(at(&rig, 0), 20 * US_PER_S, rig.now_us);
	health_good(at(&rig, 0), 20 * US_PER_S, rig.now_us);
	health_good(at(&rig, 0), 20 * US_PER_S, rig.now_us);
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_TRIAL);
	health_bad(at(&rig, 0), FAILURE_TIMEOUT, 20 * US_PER_S, rig.now_us);
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_TRIAL);
	rig_stop(&rig);
}

Test(health, other_requests_try_it_when_none_that_is_idempotent_comes)
{
	struct rig rig;

	begin(&rig, 2, 4);
	fail(&rig, 0, 5);
	rig_run(&rig, at(&rig, 0)->outlier.until_us - rig.now_us + 5 * RIG_STEP_US);
	cr_assert_eq(ask(&rig, false, true), 1);
	rig_run(&rig, US_PER_S);
	cr_assert_eq(ask(&rig, false, true), 0);
	rig_stop(&rig);
}

Test(health, connections_lost_together_are_one_failure)
{
	struct rig rig;

	begin(&rig, 2, 40);
	rig_run(&rig, 2 * US_PER_S);
	rig_kill(&rig, 0);
	cr_assert_eq(at(&rig, 0)->outlier.in_a_row, 1);
	cr_assert_eq(at(&rig, 0)->outlier.state, BREAKER_CLOSED);
	for (int i = 0; i < 4; i++) {
		rig_run(&rig, 2 * US_PER_S);
		rig_kill(&rig, 0);
	}
	rig_run(&rig, 2 * US_PER_S);
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_EJECTED, "five times in a row are five");
	cr_assert_eq(at(&rig, 0)->stats.ejections[FAILURE_CLOSE], 1);
	rig_stop(&rig);
}

Test(health, a_polite_good_bye_is_no_failure)
{
	static const struct {
		uint16_t code;
		uint32_t failures;
	} cases[] = {{1000, 0}, {1001, 0}, {1012, 0}, {1011, 1}, {1013, 1}, {0, 1}, {4000, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct connection *connection;
		struct rig rig;

		begin(&rig, 2, 4);
		connection = rig_find(&rig, 0, CONNECTION_READY);
		connection->close_code = cases[i].code;
		rig_lose(&rig, connection, "closed");
		cr_assert_eq(at(&rig, 0)->outlier.in_a_row, cases[i].failures, "%u", cases[i].code);
		rig_stop(&rig);
	}
}

Test(health, failed_connects_are_counted_and_eject_nobody)
{
	struct rig rig;

	begin_with(&rig, 2, 4);
	rig.refuses[0] = true;
	rig_start(&rig);
	rig_run(&rig, 10 * US_PER_S);
	cr_assert_gt(at(&rig, 0)->stats.by_kind[FAILURE_CONNECT], 5);
	cr_assert_eq(at(&rig, 0)->outlier.state, BREAKER_CLOSED);
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_DOWN);
	rig_stop(&rig);
}

Test(health, probes_that_fail_take_it_out_and_one_that_passes_brings_it_back)
{
	struct rig rig;

	begin(&rig, 2, 4);
	health_probed(at(&rig, 0), PROBE_LATE, rig.now_us);
	cr_assert(is_used(&rig, 0));
	health_probed(at(&rig, 0), PROBE_REFUSED, rig.now_us);
	cr_assert_not(is_used(&rig, 0));
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_UNHEALTHY);
	cr_assert_eq(at(&rig, 0)->stats.by_kind[FAILURE_PROBE], 2);
	health_probed(at(&rig, 0), PROBE_PASSED, rig.now_us);
	cr_assert(is_used(&rig, 0));
	cr_assert_eq(at(&rig, 0)->state, ENDPOINT_ACTIVE);
	rig_stop(&rig);
}

/* Asked, it answers nothing, while the other one answers. */
static void hush(struct rig *rig, size_t asked)
{
	struct connection *connection;

	for (size_t i = 0; i < asked; i++) {
		const struct connection *other = rig_find(rig, 1, CONNECTION_READY);
		struct lease_wish wish = {.avoid = {&other, NULL, 1}};

		cr_assert_eq(pool_lease(rig->pool, &wish, rig->now_us, &connection), LEASE_OK);
		cr_assert_eq(connection->endpoint->index, 0);
	}
}

Test(health, a_black_hole_keeps_the_least_share)
{
	struct rig rig;

	begin(&rig, 2, 2);
	hush(&rig, 5);
	rig_run(&rig, 900 * RIG_STEP_US);
	succeed(&rig, 1, 1);
	rig_run(&rig, 50 * RIG_STEP_US);
	cr_assert_not(at(&rig, 0)->silent);
	rig_run(&rig, 60 * RIG_STEP_US);
	cr_assert(at(&rig, 0)->silent);
	cr_assert_eq(at(&rig, 0)->handicap, HANDICAP_SICK);
	cr_assert(is_used(&rig, 0), "it may only be slow");
	succeed(&rig, 0, 1);
	rig_run(&rig, 2 * RIG_STEP_US);
	cr_assert_not(at(&rig, 0)->silent);
	cr_assert_eq(at(&rig, 0)->handicap, 0);
	rig_stop(&rig);
}

static void seek_answers(void *found, enum log_level level, struct span line)
{
	*(bool *)found |= level > LOG_DEBUG && memmem(line.at, line.len, ".answers", 8);
}

Test(health, who_is_silent_until_it_is_given_up_has_not_answered)
{
	bool found = false;
	struct log log;
	struct rig rig;

	log_init(&log, LOG_INFO, LOG_LOGFMT, seek_answers, &found, NULL);
	begin(&rig, 2, 2);
	rig.pool->log = &log;
	hush(&rig, 5);
	rig_run(&rig, 900 * RIG_STEP_US);
	succeed(&rig, 1, 1);
	rig_run(&rig, 110 * RIG_STEP_US);
	cr_assert(at(&rig, 0)->silent);
	rig_kill(&rig, 0);
	health_upkeep(rig.pool, rig.now_us);
	cr_expect_not(at(&rig, 0)->silent || found);
	rig_stop(&rig);
}

Test(health, silence_means_nothing_while_nobody_answers_or_few_were_asked)
{
	struct rig rig;

	begin(&rig, 2, 2);
	hush(&rig, 5);
	rig_run(&rig, 3 * US_PER_S);
	cr_assert_not(at(&rig, 0)->silent, "nobody answers");
	succeed(&rig, 0, 1);
	hush(&rig, 4);
	rig_run(&rig, RIG_STEP_US);
	succeed(&rig, 1, 1);
	rig_run(&rig, 3 * US_PER_S);
	cr_assert_not(at(&rig, 0)->silent, "too few");
	rig_stop(&rig);
}

Test(health, silence_is_measured_by_how_long_answers_take)
{
	struct rig rig;

	begin(&rig, 2, 2);
	health_good(at(&rig, 0), 2 * US_PER_S, rig.now_us);
	hush(&rig, 5);
	rig_run(&rig, 3 * US_PER_S);
	succeed(&rig, 1, 1);
	rig_run(&rig, US_PER_S);
	cr_assert_not(at(&rig, 0)->silent);
	rig_run(&rig, 3 * US_PER_S);
	cr_assert(at(&rig, 0)->silent);
	rig_stop(&rig);
}

Test(health, whoever_joins_a_running_pool_starts_slowly)
{
	struct connection *connection;
	struct rig rig;

	begin_with(&rig, 2, 4);
	rig.settings.slow_start_us = 10 * US_PER_S;
	rig_start(&rig);
	rig_run(&rig, 50 * RIG_STEP_US);
	cr_assert_not(rig.pool->shares_uneven, "all have begun together");
	rig_lose(&rig, rig_find(&rig, 0, CONNECTION_READY), "asked");
	rig_run(&rig, 5 * RIG_STEP_US);
	connection = list_entry(rig.pool->states[CONNECTION_READY].head.prev, struct connection,
				state_link);
	cr_assert_eq(connection->handicap, HANDICAP_UNIT - HANDICAP_UNIT / 10);
	cr_assert(health_is_ramping(connection, connection->ramp_us + 10 * US_PER_S - 1));
	cr_assert_not(health_is_ramping(connection, connection->ramp_us + 10 * US_PER_S));
	cr_assert_eq(connection->endpoint->handicap, 0, "its endpoint was there all the time");
	rig_run(&rig, 5 * US_PER_S);
	cr_assert(connection->handicap > 450 && connection->handicap < 520, "%u",
		  connection->handicap);
	rig_run(&rig, 6 * US_PER_S);
	cr_assert_eq(connection->handicap, 0);
	cr_assert_not(rig.pool->shares_uneven);
	rig_stop(&rig);
}

Test(health, an_endpoint_that_comes_back_starts_slowly)
{
	struct rig rig;

	begin_with(&rig, 2, 4);
	rig.settings.slow_start_us = 10 * US_PER_S;
	rig.refuses[0] = true;
	rig_start(&rig);
	rig_run(&rig, 12 * US_PER_S);
	rig.refuses[0] = false;
	while (!rig_find(&rig, 0, CONNECTION_READY))
		rig_run(&rig, RIG_STEP_US);
	cr_assert_gt(at(&rig, 0)->handicap, HANDICAP_UNIT / 2);
	rig_run(&rig, 12 * US_PER_S);
	cr_assert_eq(at(&rig, 0)->handicap, 0);
	rig_stop(&rig);
}

/* What must hold whatever happens. */
static void check_bounds(struct rig *rig)
{
	const struct pool *pool = rig->pool;
	uint64_t max_us = pool->settings->ejection.max_us;
	uint32_t out = 0;

	for (size_t e = 0; e < pool->endpoint_count; e++) {
		const struct endpoint *endpoint = pool->endpoints[e];

		out += endpoint->outlier.state != BREAKER_CLOSED;
		if (endpoint->outlier.state != BREAKER_OPEN || endpoint->ready == 0)
			continue;
		cr_assert_leq(rig->now_us, endpoint->outlier.until_us + 2 * RIG_STEP_US,
			      "an ejected endpoint always comes back for a trial");
		cr_assert_leq(endpoint->outlier.until_us, rig->now_us + max_us * 11 / 10);
	}
	cr_assert_leq(out, health_ejectable(pool), "never more than max_ejected");
	if (pool->states[CONNECTION_READY].count > 0)
		cr_assert_gt(pool->ready_count, 0, "somebody always serves");
}

static void play_at_random(struct rig *rig, struct rng *rng, size_t endpoints)
{
	size_t e = rng_below(rng, endpoints);

	switch (rng_below(rng, 8)) {
	case 0:
	case 1:
		fail(rig, e, rng_below(rng, 8));
		break;
	case 2:
	case 3:
		succeed(rig, e, rng_below(rng, 8));
		break;
	case 4:
		rig->refuses[e] = !rig->refuses[e];
		if (rng_below(rng, 4) == 0)
			rig_kill(rig, e);
		break;
	case 5:
		health_probed(at(rig, e), (enum probe_result)rng_below(rng, PROBE_RESULTS),
			      rig->now_us);
		break;
	default:
		if (rig->pool->ready_count > 0)
			ask(rig, rng_below(rng, 2), rng_below(rng, 3) > 0);
		break;
	}
}

Test(health, its_bounds_hold_whatever_happens)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		size_t endpoints;
		struct rng rng;
		struct rig rig;

		rng_init(&rng, seed);
		endpoints = 1 + rng_below(&rng, 6);
		begin_with(&rig, endpoints, (uint32_t)(1 + rng_below(&rng, 8)));
		rig.settings.ejection.base_us = 20 * US_PER_MS;
		rig.settings.ejection.max_us = 100 * US_PER_MS;
		rig.settings.ejection.window_us = 200 * US_PER_MS;
		rig.settings.ejection.min_requests = 10;
		rig.settings.ejection.max_ejected = rng_unit(&rng);
		rig.settings.slow_start_us = rng_below(&rng, 2) * 50 * US_PER_MS;
		rig.settings.balancer = (enum balancer_kind)rng_below(&rng, 4);
		for (size_t e = 0; e < endpoints; e++)
			rig.endpoints[e].tier = 1 + (uint32_t)rng_below(&rng, 2);
		rig_start(&rig);
		for (int step = 0; step < 400; step++) {
			play_at_random(&rig, &rng, endpoints);
			check_bounds(&rig);
			rig_run(&rig, rng_below(&rng, 5) * RIG_STEP_US);
		}
		rig_stop(&rig);
	}
}
