/* Messages that nobody answers, and what keeps one client's flood of them from others. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/engine/stage.h"

static struct stage stage;

static void set_up(void)
{
	stage_init(&stage);
	stage.pool->size = 1;
	stage.pool->max_in_flight = 8;
	stage.setup.config.limits.in_flight_per_client = 20;
}

TestSuite(notifications, .init = set_up);

static void notify(struct peer *client, int number)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"method\":\"n%d\"}", number);
	says(client, text);
}

/* Reads count messages of a flood, the first of which is number. */
static void expect_flood(struct peer *upstream, int number, int count)
{
	for (int i = number; i < number + count; i++) {
		char text[64];

		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"method\":\"n%d\"}", i);
		expect_hears(upstream, text);
	}
}

/* The upstream reads on until nothing is left. */
static void read_all(struct peer *upstream)
{
	do {
		while (hears(upstream))
			;
		if (upstream->connection->ping_waits)
			peer_pong(upstream);
	} while (is_spoken_to(upstream));
}

Test(notifications, take_places_until_a_pong_shows_that_they_were_read)
{
	struct peer *client, *upstream;

	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	expect_silence(upstream);
	upstream->pings = 0;
	for (int i = 0; i < 20; i++)
		notify(client, i);
	expect_flood(upstream, 0, 8);
	expect_silence(upstream);
	cr_assert_eq(upstream->pings, 1, "one ping asks, at half of the places");
	cr_assert_eq(upstream->connection->unread, 8);
	cr_assert_eq(upstream->connection->in_flight, 0);
	peer_pong(upstream);
	cr_assert_eq(upstream->connection->unread, 8, "four places were free, and are taken again");
	expect_flood(upstream, 8, 4);
	expect_silence(upstream);
	read_all(upstream);
	cr_assert_eq(stage.outside.engine->lanes[0]->queue.count, 0);
	cr_assert_eq(stage.outside.engine->stats.oddities[ODD_NOTIFICATION_EXPIRED], 0);
	stage_end(&stage);
}

Test(notifications, of_one_client_that_wait_keep_it_from_being_read)
{
	struct peer *client, *upstream;

	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	for (int i = 0; i < 8 + 19; i++)
		notify(client, i);
	cr_assert_not(client->paused);
	notify(client, 27);
	cr_assert(client->paused);
	peer_pong(upstream);
	cr_assert_not(client->paused);
	read_all(upstream);
	stage_end(&stage);
}

Test(notifications, of_one_client_let_others_pass)
{
	struct peer *flood, *other, *upstream;

	stage.setup.config.limits.in_flight_per_client = 1000;
	stage_begin_ready(&stage);
	flood = stage_client(&stage);
	other = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	expect_silence(upstream);
	for (int i = 0; i < 500; i++)
		notify(flood, i);
	says(other, GET("1"));
	expect_flood(upstream, 0, 8);
	expect_silence(upstream);
	peer_pong(upstream);
	expect_flood(upstream, 8, 1);
	answers(upstream, hears_request(upstream), "\"result\":1");
	expect_hears(other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	read_all(upstream);
	stage_end(&stage);
}

Test(notifications, are_not_counted_where_no_pings_are_sent)
{
	struct peer *client, *upstream;

	stage.pool->probe.interval_us = 0;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	for (int i = 0; i < 100; i++)
		notify(client, i);
	expect_flood(upstream, 0, 100);
	expect_silence(upstream);
	stage_end(&stage);
}

Test(notifications, that_wait_outlive_their_client)
{
	struct peer *client, *upstream;

	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	expect_silence(upstream);
	for (int i = 0; i < 10; i++)
		notify(client, i);
	stage_kill(client);
	expect_flood(upstream, 0, 8);
	peer_pong(upstream);
	expect_flood(upstream, 8, 2);
	stage_end(&stage);
}
