/* How fast what was made stale all at once is refreshed. */
#include <criterion/criterion.h>

#include "broker/engine/refresh_pace.h"
#include "common/clock.h"

#define TICK_US	     10000
#define TICKS_PER_S  (US_PER_S / TICK_US)
#define BEGINNING_US US_PER_S

struct upstream {
	struct refresh_pace pace;
	uint64_t now_us;
	double loads; /* due, a fraction at most after each tick */
	int refreshed;
};

/* Some seconds of loads at this rate. stale: as much as is allowed is refreshed at the pace. */
static void pass(struct upstream *upstream, int seconds, double rate, bool stale, bool usual)
{
	upstream->refreshed = 0;
	for (uint64_t tick = 0; tick < (uint64_t)seconds * TICKS_PER_S; tick++) {
		for (upstream->loads += rate / (double)TICKS_PER_S; upstream->loads >= 1;
		     upstream->loads--)
			refresh_pace_loaded(&upstream->pace);
		while (stale && refresh_pace_allows(&upstream->pace))
			upstream->refreshed++;
		upstream->now_us += TICK_US;
		refresh_pace_turn(&upstream->pace, usual, upstream->now_us);
	}
}

static void serves(struct upstream *upstream, int seconds, double rate)
{
	pass(upstream, seconds, rate, false, true);
}

/* Refreshes in all of these seconds, while others are loaded at this rate. */
static int refreshes(struct upstream *upstream, int seconds, double others)
{
	pass(upstream, seconds, others, true, true);
	return upstream->refreshed;
}

#define expect_about(value, wanted)                                                                \
	do {                                                                                       \
		int was = value;                                                                   \
		cr_assert(was >= (wanted)*9 / 10 - 1 && was <= (wanted)*11 / 10 + 1, "%d", was);   \
	} while (0)

/* One that has served loads at this rate for some seconds. */
static struct upstream upstream_of(int seconds, double rate)
{
	struct upstream upstream = {.now_us = BEGINNING_US};

	refresh_pace_init(&upstream.pace, upstream.now_us);
	serves(&upstream, seconds, rate);
	return upstream;
}

static void softens(struct upstream *upstream, size_t entries, uint64_t seconds)
{
	refresh_pace_softened(&upstream->pace, entries, seconds * US_PER_S, upstream->now_us);
}

Test(refresh_pace, a_few_are_refreshed_at_once)
{
	struct upstream upstream = upstream_of(10, 0);

	softens(&upstream, REFRESH_PACE_FEW, 300);
	cr_assert_geq(refreshes(&upstream, 1, 0), REFRESH_PACE_FEW);
}

/* However often there are a few. */
Test(refresh_pace, no_more_than_a_few_a_second_are_refreshed_at_once)
{
	struct upstream upstream = upstream_of(10, 0);
	int refreshed = 0;

	for (int i = 0; i < 100; i++)
		softens(&upstream, 1, 300);
	while (refresh_pace_allows(&upstream.pace))
		refreshed++;
	cr_assert_leq(refreshed, REFRESH_PACE_FEW + 1, "%d", refreshed);
}

/* The upstream is hardly used: the least that does is what it sees. */
Test(refresh_pace, many_are_refreshed_evenly_while_they_may_be_served)
{
	struct upstream upstream = upstream_of(60, 3);

	softens(&upstream, 180, 30);
	for (int second = 0; second < 28; second++)
		cr_assert_leq(refreshes(&upstream, 1, 0), 8, "%d", upstream.refreshed);
	upstream = upstream_of(60, 3);
	softens(&upstream, 180, 30);
	cr_assert_geq(refreshes(&upstream, 29, 0), 175, "%d", upstream.refreshed);
}

Test(refresh_pace, many_that_cannot_be_refreshed_in_time_are_no_herd)
{
	struct upstream upstream = upstream_of(60, 100);

	softens(&upstream, 100000, 30);
	for (int second = 0; second < 30; second++)
		cr_assert_leq(refreshes(&upstream, 1, 0), 175, "%d", upstream.refreshed);
	upstream = upstream_of(60, 0);
	softens(&upstream, 100000, 30);
	expect_about(refreshes(&upstream, 30, 0), 30 * REFRESH_PACE_FEW);
}

Test(refresh_pace, others_are_taken_into_account)
{
	struct upstream upstream = upstream_of(60, 100);

	softens(&upstream, 100000, 30);
	refreshes(&upstream, 2, 50);
	expect_about(refreshes(&upstream, 1, 50), 110);
	refreshes(&upstream, 2, 100);
	expect_about(refreshes(&upstream, 1, 100), 100);
}

Test(refresh_pace, what_is_over_is_forgotten)
{
	struct upstream upstream = upstream_of(60, 0);

	softens(&upstream, 1000, 30);
	serves(&upstream, 61, 0);
	expect_about(refreshes(&upstream, 30, 0), 30);
}

Test(refresh_pace, is_the_rate_of_the_loads_where_less_would_do)
{
	struct upstream upstream = upstream_of(60, 200);

	softens(&upstream, 300, 300);
	expect_about(refreshes(&upstream, 1, 200), 200 + 20);
	expect_about(refreshes(&upstream, 10, 200), 2000);
}

Test(refresh_pace, gives_no_burst_for_what_was_not_used)
{
	struct upstream upstream = upstream_of(600, 200);
	int at_once = 0;

	while (refresh_pace_allows(&upstream.pace))
		at_once++;
	cr_assert_leq(at_once, 21, "%d", at_once);
}

/* What is stale is not loaded for another reason. */
Test(refresh_pace, does_not_slow_down_for_its_own_sake)
{
	struct upstream upstream = upstream_of(60, 200);

	refreshes(&upstream, 29, 0);
	cr_assert_geq(refreshes(&upstream, 1, 0), 200 * 7 / 10);
}

Test(refresh_pace, does_not_grow_by_what_it_lets_through)
{
	struct upstream upstream = upstream_of(60, 100);

	refreshes(&upstream, 60, 100);
	expect_about(refreshes(&upstream, 1, 100), 100);
}

Test(refresh_pace, bursts_of_loads_are_not_usual)
{
	struct upstream upstream = upstream_of(60, 50);

	serves(&upstream, 2, 5000);
	serves(&upstream, 15, 50);
	cr_assert_leq(refreshes(&upstream, 1, 50), 80, "%d", upstream.refreshed);
	serves(&upstream, 60, 50);
	serves(&upstream, 1, 0);
	cr_assert_leq(refreshes(&upstream, 1, 50), 50 + 10, "%d", upstream.refreshed);
}

Test(refresh_pace, learns_nothing_while_the_loads_are_not_the_usual_ones)
{
	struct upstream upstream = upstream_of(60, 50);

	pass(&upstream, 30, 5000, false, false);
	expect_about(refreshes(&upstream, 1, 50), 50 + 5);
}

Test(refresh_pace, falls_again_when_nothing_is_stale)
{
	struct upstream upstream = upstream_of(60, 500);

	serves(&upstream, 60, 20);
	expect_about(refreshes(&upstream, 1, 20), 20 + 2);
}
