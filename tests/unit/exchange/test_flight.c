#include <criterion/criterion.h>
#include <stdio.h>
#include "broker/exchange/flight.h"

#define KEY(text) span_text(text)

struct sky {
	struct flights flights;
	struct exchange_slab slab;
};

static void sky_init(struct sky *sky)
{
	cr_assert_eq(flights_init(&sky->flights, 7), WSB_OK);
	exchange_slab_init(&sky->slab);
}

static void sky_fini(struct sky *sky)
{
	cr_assert_eq(sky->flights.count, 0);
	cr_assert_eq(sky->flights.followers, 0);
	cr_assert_eq(sky->flights.heap_bytes, 0);
	flights_fini(&sky->flights);
	exchange_slab_fini(&sky->slab);
}

static struct exchange *one(struct sky *sky)
{
	struct exchange *exchange;

	cr_assert_eq(exchange_create(&exchange, &sky->slab, 4), WSB_OK);
	return exchange;
}

static struct flight *opened(struct sky *sky, const char *key, struct exchange *leader)
{
	struct flight *flight;

	cr_assert_eq(flight_open(&flight, &sky->flights, KEY(key), FLIGHT_MISS, leader), WSB_OK);
	return flight;
}

static struct exchange *joined(struct sky *sky, struct flight *flight)
{
	struct exchange *exchange = one(sky);

	flight_join(&sky->flights, flight, exchange);
	return exchange;
}

static void ends(struct sky *sky, struct exchange *exchange)
{
	if (exchange->flight)
		flight_leave(&sky->flights, exchange);
	exchange_destroy(&sky->slab, exchange);
}

Test(flight, is_found_by_its_key_for_as_long_as_somebody_is_in_it)
{
	struct sky sky;
	struct exchange *leader, *follower;
	struct flight *flight;

	sky_init(&sky);
	leader = one(&sky);
	cr_assert_null(flight_find(&sky.flights, KEY("a")));
	flight = opened(&sky, "a", leader);
	cr_assert_eq(flight_find(&sky.flights, KEY("a")), flight);
	cr_assert_null(flight_find(&sky.flights, KEY("b")));
	cr_assert(flight_ends_with(leader));
	follower = joined(&sky, flight);
	cr_assert_not(flight_ends_with(leader));
	ends(&sky, leader);
	cr_assert_eq(flight_find(&sky.flights, KEY("a")), flight);
	ends(&sky, follower);
	cr_assert_null(flight_find(&sky.flights, KEY("a")));
	sky_fini(&sky);
}

Test(flight, that_has_not_begun_is_joined_whatever_was_invalidated_meanwhile)
{
	struct sky sky;
	struct exchange *leader;
	struct flight *flight;

	sky_init(&sky);
	leader = one(&sky);
	flight = opened(&sky, "a", leader);
	cr_assert(flight_may_join(flight, 1));
	cr_assert(flight_may_join(flight, 99));
	ends(&sky, leader);
	sky_fini(&sky);
}

/* The commonest bug of its kind: who comes after an invalidation gets what was asked before. */
Test(flight, is_not_joined_after_an_invalidation)
{
	struct sky sky;
	struct exchange *leader;
	struct flight *flight;

	sky_init(&sky);
	leader = one(&sky);
	flight = opened(&sky, "a", leader);
	flight_begin(&sky.flights, flight, 5, 1000);
	cr_assert(flight_may_join(flight, 5));
	cr_assert_not(flight_may_join(flight, 6));
	/* A second try does not make it younger: the first may still be what answers. */
	flight_begin(&sky.flights, flight, 6, 2000);
	cr_assert_not(flight_may_join(flight, 6));
	cr_assert_eq(flight->began_us, 1000);
	ends(&sky, leader);
	sky_fini(&sky);
}

Test(flight, that_is_newer_takes_the_place_of_an_older_one)
{
	struct sky sky;
	struct exchange *first, *second, *waits;
	struct flight *older, *newer;

	sky_init(&sky);
	first = one(&sky);
	older = opened(&sky, "a", first);
	flight_begin(&sky.flights, older, 5, 1000);
	waits = joined(&sky, older);
	second = one(&sky);
	newer = opened(&sky, "a", second);
	flight_begin(&sky.flights, newer, 6, 2000);
	cr_assert_eq(flight_find(&sky.flights, KEY("a")), newer);
	/* The older one keeps its own. */
	cr_assert_eq(older->followers.count, 1);
	/* Once the newer one is stored, the older answer must not be stored over it. */
	flight_stored(&sky.flights, newer);
	cr_assert(older->outdated);
	ends(&sky, first);
	ends(&sky, waits);
	ends(&sky, second);
	sky_fini(&sky);
}

Test(flight, that_is_stored_first_does_not_outdate_what_began_later)
{
	struct sky sky;
	struct exchange *first, *second, *third;
	struct flight *older, *newer, *foreign;

	sky_init(&sky);
	first = one(&sky);
	older = opened(&sky, "a", first);
	flight_begin(&sky.flights, older, 5, 1000);
	second = one(&sky);
	newer = opened(&sky, "a", second);
	third = one(&sky);
	foreign = opened(&sky, "b", third);
	flight_stored(&sky.flights, older);
	cr_assert_not(newer->outdated);
	flight_begin(&sky.flights, newer, 5, 2000);
	flight_begin(&sky.flights, foreign, 5, 2000);
	flight_stored(&sky.flights, older);
	cr_assert_not(newer->outdated);
	flight_stored(&sky.flights, foreign);
	cr_assert_not(newer->outdated);
	ends(&sky, first);
	ends(&sky, second);
	ends(&sky, third);
	sky_fini(&sky);
}

Test(flight, without_a_leader_is_led_anew_by_who_has_waited_longest)
{
	struct sky sky;
	struct exchange *leader, *second, *third;
	struct flight *flight;

	sky_init(&sky);
	leader = one(&sky);
	leader->attempts_made = 2;
	leader->tried[1] = (const void *)leader;
	flight = opened(&sky, "a", leader);
	second = joined(&sky, flight);
	third = joined(&sky, flight);
	cr_assert_null(flights_next_lost(&sky.flights));
	ends(&sky, leader);
	cr_assert_eq(flights_next_lost(&sky.flights), flight);
	cr_assert_eq(flight_lead_anew(&sky.flights, flight), second);
	cr_assert(second->leads);
	cr_assert_not(third->leads);
	/* It goes elsewhere. */
	cr_assert_eq(second->attempts_made, 2);
	cr_assert_eq((const void *)second->tried[1], (const void *)leader);
	cr_assert_null(flights_next_lost(&sky.flights));
	ends(&sky, second);
	cr_assert_eq(flights_next_lost(&sky.flights), flight);
	cr_assert_eq(flight_lead_anew(&sky.flights, flight), third);
	ends(&sky, third);
	sky_fini(&sky);
}

Test(flight, that_is_slow_has_a_second_leader_and_no_third)
{
	struct sky sky;
	struct exchange *all[4];
	struct flight *flight;

	sky_init(&sky);
	all[0] = one(&sky);
	flight = opened(&sky, "a", all[0]);
	for (size_t i = 1; i < 4; i++)
		all[i] = joined(&sky, flight);
	cr_assert_eq(flight_lead_anew(&sky.flights, flight), all[1]);
	cr_assert_null(flight_lead_anew(&sky.flights, flight));
	/* Not lost while one still leads. */
	ends(&sky, all[0]);
	cr_assert_null(flights_next_lost(&sky.flights));
	cr_assert_eq(flight_lead_anew(&sky.flights, flight), all[2]);
	for (size_t i = 1; i < 4; i++)
		ends(&sky, all[i]);
	cr_assert_null(flights_next_lost(&sky.flights));
	sky_fini(&sky);
}

Test(flight, that_is_lost_and_left_by_all_is_forgotten)
{
	struct sky sky;
	struct exchange *leader, *follower;
	struct flight *flight;

	sky_init(&sky);
	leader = one(&sky);
	flight = opened(&sky, "a", leader);
	follower = joined(&sky, flight);
	ends(&sky, leader);
	ends(&sky, follower);
	cr_assert_null(flights_next_lost(&sky.flights));
	sky_fini(&sky);
}

Test(flight, holds_as_many_keys_as_there_are_and_long_ones)
{
	enum { COUNT = 3000 };
	struct exchange *all[COUNT];
	struct sky sky;
	char key[512];

	sky_init(&sky);
	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof(key), "%0*d", i % 2 ? 8 : 400, i);
		all[i] = one(&sky);
		opened(&sky, key, all[i]);
	}
	cr_assert_eq(sky.flights.heap_bytes, (size_t)COUNT / 2 * 400);
	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof(key), "%0*d", i % 2 ? 8 : 400, i);
		cr_assert_eq(flight_find(&sky.flights, KEY(key)), all[i]->flight);
	}
	for (int i = 0; i < COUNT; i++)
		ends(&sky, all[i]);
	sky_fini(&sky);
}
