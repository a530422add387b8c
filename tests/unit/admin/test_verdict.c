/* Is all well, and if not, why: worst first. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/admin/verdict.h"
#include "tests/unit/control/sample.h"

static struct sample sample;
static struct verdict verdict;

/* All is well: one pool, whose one endpoint carries all ten connections. */
static void set_up(void)
{
	sample_init(&sample);
	sample.snapshot.pool_count = 1;
	sample.pools[0].endpoint_count = 1;
	sample.pools[0].ready = 10;
	sample.pools[0].endpoints[0].ready = 10;
	sample.pools[0].paused = false;
	sample.pools[0].pinned = false;
	sample.pools[0].queued = 0;
	sample.pools[0].oldest_wait_us = 0;
}

TestSuite(verdict, .init = set_up);

static void expect(enum verdict_kind kind, size_t count)
{
	verdict_reach(&sample.snapshot, &verdict);
	cr_expect_str_eq(verdict_name(verdict.kind), verdict_name(kind));
	cr_expect_eq(verdict.count, count);
	for (size_t i = 0; i < verdict.count; i++) {
		const char *command = verdict.reasons[i].command;

		cr_expect(strncmp(command, "wsbroker ", 9) == 0 ||
			  strncmp(command, "redis-cli ", 10) == 0);
		cr_expect(i == 0 || verdict.reasons[i].severity <= verdict.reasons[i - 1].severity);
	}
}

static void expect_reason(size_t at, const char *text)
{
	cr_assert_lt(at, verdict.count);
	cr_expect_str_eq(verdict.reasons[at].text, text);
}

Test(verdict, ok_has_no_reasons)
{
	expect(VERDICT_OK, 0);
}

Test(verdict, what_the_next_start_would_bring_to_light_is_told)
{
	sample.snapshot.config.reloads = 1;
	sample.snapshot.config.rejected = 1;
	sample.snapshot.config.successful = true;
	expect(VERDICT_OK, 0);
	sample.snapshot.config.successful = false;
	snprintf(sample.snapshot.config.state_error, sizeof(sample.snapshot.config.state_error),
		 "cannot be written: No space left on device");
	expect(VERDICT_DEGRADED, 2);
	expect_reason(0, "the state file cannot be written: No space left on device: what is "
			 "changed at runtime does not outlive a restart");
	expect_reason(1, "the configuration file was refused when it was last read");
}

Test(verdict, a_bus_that_is_lost_degrades_and_one_that_is_not_there_does_not)
{
	struct bus_view *bus = &sample.snapshot.bus;

	bus->state = BUS_EMBEDDED;
	expect(VERDICT_OK, 0);
	*bus = (struct bus_view){.state = BUS_LIVE, .url = "127.0.0.1:6379/0", .reason = "read"};
	expect(VERDICT_OK, 0);
	bus->state = BUS_REPLAY;
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "the bus is being read again from 127.0.0.1:6379/0 (replay)");
	*bus = (struct bus_view){.state = BUS_SUSPECT,
				 .url = "127.0.0.1:6379/0",
				 .reason = "connect",
				 .detail = "",
				 .lag_us = 12000000,
				 .queued = 34};
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "the bus is lost for 12 s (connect at 127.0.0.1:6379/0): invalidations of "
			 "other brokers are not heard, 34 of this one wait");
	cr_expect_str_eq(verdict.reasons[0].command, "wsbroker events --type 'bus.*' --since 10m");
	bus->reason = "replica";
	bus->detail = "it is not a master";
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "the bus is lost for 12 s (replica at 127.0.0.1:6379/0: it is not a "
			 "master): invalidations of other brokers are not heard, 34 of this one "
			 "wait");
	cr_expect_str_eq(verdict.reasons[0].command, "redis-cli INFO replication");
}

Test(verdict, the_command_for_redis_says_which)
{
	static const struct {
		struct bus_url place;
		const char *command;
	} cases[] = {
		{{.host = "127.0.0.1", .port = 6379}, "redis-cli INFO replication"},
		{{.host = "redis.internal", .port = 6379},
		 "redis-cli -h redis.internal INFO replication"},
		{{.host = "::1", .port = 6380, .database = 2, .password = "secret"},
		 "redis-cli -h ::1 -p 6380 -n 2 INFO replication"},
		{{.path = "/run/redis.sock"}, "redis-cli -s '/run/redis.sock' INFO replication"},
	};
	struct bus_view *bus = &sample.snapshot.bus;

	bus->state = BUS_SUSPECT;
	bus->url = "redis";
	bus->reason = "replica";
	bus->detail = "it is not a master";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bus->place = &cases[i].place;
		expect(VERDICT_DEGRADED, 1);
		cr_expect_str_eq(verdict.reasons[0].command, cases[i].command);
	}
}

Test(verdict, what_redis_refuses_is_named_with_what_mends_it)
{
	static const struct {
		enum bus_part part;
		const char *words, *text, *command;
	} cases[] = {
		{BUS_CHANNELS, "NOPERM no permissions",
		 "the channels on Redis are not heard: nothing is known of the other brokers, or "
		 "of what scripts PUBLISH (NOPERM no permissions)",
		 "redis-cli ACL SETUSER wsb '~{p}:*' '&{p}:*' " BUS_RIGHTS},
		{BUS_PUBLISHING, "ERR The user executing the script can't run this command",
		 "invalidations of this broker are not logged on Redis and wait (ERR The user "
		 "executing the script can't run this command)",
		 "redis-cli ACL SETUSER wsb '~{p}:*' '&{p}:*' " BUS_RIGHTS},
		{BUS_PUBLISHING, "OOM command not allowed",
		 "invalidations of this broker are not logged on Redis and wait (OOM command not "
		 "allowed)",
		 "redis-cli INFO memory"},
		{BUS_INBOX_READING, "WRONGTYPE Operation",
		 "the inbox on Redis is not read: what scripts ask for waits (WRONGTYPE Operation)",
		 "redis-cli RENAME '{p}:inbox' '{p}:inbox:other'"},
		{BUS_HEARTBEATS, "ERR odd", "the other brokers do not hear of this one (ERR odd)",
		 "wsbroker events --type 'bus.*' --since 10m"},
		{BUS_TABLE, "too many", "not all other brokers can be known (too many)",
		 "wsbroker brokers"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bus_view *bus = &sample.snapshot.bus;

		*bus = (struct bus_view){.state = BUS_LIVE,
					 .url = "127.0.0.1:6379/0",
					 .reason = "read",
					 .detail = "",
					 .prefix = "{p}",
					 .user = "wsb"};
		bus->refusals[cases[i].part] = cases[i].words;
		expect(VERDICT_DEGRADED, 1);
		expect_reason(0, cases[i].text);
		cr_expect_str_eq(verdict.reasons[0].command, cases[i].command);
	}
}

Test(verdict, missing_connections_degrade)
{
	sample.pools[0].endpoints[0].ready = 7;
	sample.pools[0].ready = 7;
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "pool main has 7 of 10 connections ready");
}

Test(verdict, too_few_connections_degrade)
{
	sample.pools[0].ready = 9;
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "pool main has 9 of 10 connections ready");
}

Test(verdict, an_endpoint_that_is_down_degrades)
{
	sample.pools[0].endpoint_count = 2;
	sample.pools[0].endpoints[1].last_error = "connection refused";
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "endpoint main/b has been down for 9 s: connection refused");
	sample.pools[0].endpoints[1].last_error = "";
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "endpoint main/b has been down for 9 s");
}

Test(verdict, an_endpoint_that_answers_nothing_degrades)
{
	sample.pools[0].endpoints[0].unanswered = 9;
	expect(VERDICT_OK, 0);
	sample.pools[0].endpoints[0].unanswered = 10;
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "endpoint main/a is connected, but has answered none of its last 10 "
			 "requests");
}

Test(verdict, long_waits_degrade_and_short_ones_do_not)
{
	sample.pools[0].queued = 120;
	sample.pools[0].oldest_wait_us = 999999;
	expect(VERDICT_OK, 0);
	sample.pools[0].oldest_wait_us = 1200000;
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "pool main lets 120 requests wait, the longest for 1.2 s");
}

Test(verdict, a_full_house_degrades)
{
	sample.snapshot.clients = 9500;
	sample.snapshot.buffer_bytes = sample.snapshot.buffer_bytes_max / 10 * 9;
	sample.engine.loop_lag_us = 250000;
	expect(VERDICT_DEGRADED, 3);
	expect_reason(0, "9500 of at most 10000 clients are connected");
	expect_reason(1, "buffers hold 90 % of limits.memory");
	expect_reason(2, "the event loop was 0.250 s late: the processor is busy");
	sample.snapshot.clients = 9499;
	sample.snapshot.buffer_bytes = sample.snapshot.buffer_bytes_max / 10 * 7;
	sample.engine.loop_lag_us = 99999;
	expect(VERDICT_OK, 0);
}

Test(verdict, one_pool_of_two_without_connections_degrades)
{
	sample.snapshot.pool_count = 2;
	sample.pools[1].name = "other";
	sample.pools[1].ready = 0;
	sample.endpoints[2].state = "down";
	sample.endpoints[2].ready = 0;
	sample.snapshot.ready = false;
	snprintf(sample.snapshot.ready_reasons, sizeof(sample.snapshot.ready_reasons), "%s",
		 "pool other has no ready connection\n");
	expect(VERDICT_DEGRADED, 2);
	expect_reason(0, "pool other has no ready connection");
	expect_reason(1, "endpoint other/c has been down for 0 s");
}

Test(verdict, no_connection_at_all_is_down)
{
	sample.pools[0].ready = 0;
	sample.pools[0].endpoints[0].ready = 0;
	sample.pools[0].endpoints[0].state = "connecting";
	expect(VERDICT_DOWN, 1);
	expect_reason(0, "pool main has no ready connection");
}

Test(verdict, what_else_keeps_it_from_being_ready_is_told)
{
	sample.snapshot.ready = false;
	snprintf(sample.snapshot.ready_reasons, sizeof(sample.snapshot.ready_reasons), "%s",
		 "listener 127.0.0.1:7080 is not open\n\nand so on");
	expect(VERDICT_DEGRADED, 2);
	expect_reason(0, "listener 127.0.0.1:7080 is not open");
	expect_reason(1, "and so on");
}

Test(verdict, draining_comes_before_everything_else)
{
	sample.snapshot.draining = true;
	sample.snapshot.ready = false;
	sample.pools[0].ready = 0;
	expect(VERDICT_DRAINING, 2);
	expect_reason(0, "draining: 12 clients and 13 requests in flight are left");
}

static void expect_command(size_t at, const char *command)
{
	cr_assert_lt(at, verdict.count);
	cr_expect_str_eq(verdict.reasons[at].command, command);
}

Test(verdict, what_an_operator_asked_for_is_told_and_is_well)
{
	sample.pools[0].endpoint_count = 2;
	sample.pools[0].autoscaled = true;
	sample.pools[0].pinned = true;
	sample.pools[0].endpoints[1].state = "maint";
	sample.pools[0].endpoints[1].reason = "new kernel";
	expect(VERDICT_OK, 2);
	expect_reason(0, "the size of pool main is pinned to 10");
	expect_command(0, "wsbroker pool unpin main");
	expect_reason(1, "endpoint main/b has been maint for 9 s: new kernel");
	expect_command(1, "wsbroker endpoint ready main/b");
}

/* An endpoint in use among peers that are well, and what a case says of it. */
struct ailment {
	const char *what;
	struct endpoint_view view; /* of endpoint a; b and c are well */
	const char *text;	   /* NULL: nothing is worth telling */
};

static void expect_ailment(const struct ailment *ailment)
{
	struct endpoint_view *endpoint = &sample.pools[0].endpoints[0];

	endpoint->unanswered = ailment->view.unanswered;
	endpoint->silent = ailment->view.silent;
	endpoint->held = ailment->view.held;
	endpoint->success = ailment->view.success;
	endpoint->rate = ailment->view.rate;
	endpoint->p50_us = ailment->view.p50_us;
	endpoint->p99_us = ailment->view.p99_us;
	verdict_reach(&sample.snapshot, &verdict);
	cr_expect_eq(verdict.count, ailment->text ? 1 : 0, "%s", ailment->what);
	if (!ailment->text || verdict.count == 0)
		return;
	cr_expect_str_eq(verdict.reasons[0].text, ailment->text, "%s", ailment->what);
	cr_expect_str_eq(verdict.reasons[0].command, "wsbroker endpoint drain main/a");
}

Test(verdict, names_what_ails_an_endpoint)
{
	static const struct ailment ailments[] = {
		{"no faster than its peers",
		 {.success = 1, .rate = 60, .p50_us = 20000, .p99_us = 30000},
		 NULL},
		{"slow",
		 {.success = 1, .rate = 8, .p50_us = 420000, .p99_us = 430000},
		 "endpoint main/a is slow: its p50 is 420 ms, that of its peers 20 ms"},
		{"slow at times",
		 {.success = 1, .rate = 60, .p50_us = 20000, .p99_us = 430000},
		 "endpoint main/a is slow: its p99 is 430 ms, that of its peers 30 ms"},
		{"slow once in a few",
		 {.success = 1, .rate = 9, .p50_us = 20000, .p99_us = 430000},
		 NULL},
		{"less than four times as slow",
		 {.success = 1, .rate = 60, .p50_us = 79000, .p99_us = 119000},
		 NULL},
		{"less than 100 ms slower",
		 {.success = 1, .rate = 60, .p50_us = 119000, .p99_us = 129000},
		 NULL},
		{"idle", {.success = 1}, NULL},
		{"fails at times",
		 {.success = 0.7, .rate = 20, .p50_us = 20000, .p99_us = 30000},
		 "endpoint main/a fails: 70 % of its requests succeed"},
		{"failed once", {.success = 0.7, .rate = 0.3}, NULL},
		{"answers nothing",
		 {.success = 0, .rate = 20, .silent = true, .held = true, .unanswered = 31},
		 "endpoint main/a is connected, but has answered none of its last 31 requests"},
		{"asked, and silent",
		 {.success = 1, .silent = true, .unanswered = 2},
		 "endpoint main/a is connected, but answers nothing"},
		{"held",
		 {.success = 0.2, .rate = 20, .held = true, .p50_us = 420000},
		 "endpoint main/a fails (20 % of its requests succeed), and is only not ejected "
		 "because of "
		 "ejection.max_ejected"},
	};
	static struct endpoint_view three[3];

	for (size_t i = 0; i < 3; i++) {
		three[i] = sample.pools[0].endpoints[0];
		three[i].p50_us = 20000;
		three[i].p99_us = 30000 + i;
	}
	three[1].name = "b";
	three[1].ready = 0;
	three[2].name = "c";
	three[2].ready = 0;
	sample.pools[0].endpoints = three;
	sample.pools[0].endpoint_count = 3;
	for (size_t i = 0; i < sizeof(ailments) / sizeof(ailments[0]); i++)
		expect_ailment(&ailments[i]);
}

Test(verdict, two_slow_ones_of_four_are_named)
{
	static struct endpoint_view four[4];
	static const char *const names[] = {"a", "b", "c", "d"};

	for (size_t i = 0; i < 4; i++) {
		four[i] = sample.pools[0].endpoints[0];
		four[i].name = names[i];
		four[i].ready = i == 0 ? 10 : 0;
		four[i].p50_us = i % 2 ? 20000 : 400000;
	}
	sample.pools[0].endpoints = four;
	sample.pools[0].endpoint_count = 4;
	expect(VERDICT_DEGRADED, 2);
	expect_reason(0, "endpoint main/a is slow: its p50 is 400 ms, that of its peers 20 ms");
	expect_reason(1, "endpoint main/c is slow: its p50 is 400 ms, that of its peers 20 ms");
}

/* What cannot be taken out is not to be drained, and panic over it is none. */
Test(verdict, one_alone_is_not_to_be_drained)
{
	sample.pools[0].panic = true;
	sample.pools[0].endpoints[0].held = true;
	sample.pools[0].endpoints[0].success = 0;
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "endpoint main/a fails (0 % of its requests succeed), and is only not "
			 "ejected because there is no other");
	expect_command(0, "wsbroker endpoint add main URL");
	sample.pools[0].endpoints[0].unanswered = 12;
	expect(VERDICT_DEGRADED, 1);
	expect_reason(0, "endpoint main/a is connected, but has answered none of its last 12 "
			 "requests");
}

Test(verdict, panic_among_several_is_told_first)
{
	sample.pools[0].panic = true;
	sample.pools[0].endpoint_count = 2;
	expect(VERDICT_DEGRADED, 2);
	expect_reason(0, "pool main is in panic: fewer than half of its endpoints are healthy, so "
			 "all are used");
	expect_command(0, "wsbroker endpoints --pool main");
	sample.pools[0].endpoints[1].state = "drained";
	sample.pools[0].endpoints[1].reason = "";
	expect(VERDICT_OK, 1);
}

Test(verdict, each_reason_has_the_command_that_acts_on_it)
{
	sample.pools[0].endpoint_count = 2;
	sample.pools[0].endpoints[1].state = "ejected";
	sample.pools[0].endpoints[1].reason = "consecutive";
	sample.pools[0].endpoints[1].finding = "5 timeouts in a row";
	sample.pools[0].endpoints[1].out_us = 9000000;
	sample.pools[0].queued = 3;
	sample.pools[0].oldest_wait_us = 2000000;
	sample.pools[0].size_max = 1000;
	expect(VERDICT_DEGRADED, 2);
	expect_command(0, "wsbroker pool resize main 20");
	expect_reason(
		1, "endpoint main/b is ejected (consecutive), tried again in 9 s: 5 timeouts in a "
		   "row");
	expect_command(1, "wsbroker endpoint drain main/b");
	sample.pools[0].size_max = 15;
	expect(VERDICT_DEGRADED, 2);
	expect_command(0, "wsbroker pool resize main 15");
	sample.pools[0].size_max = 10;
	expect(VERDICT_DEGRADED, 2);
	expect_command(0, "wsbroker endpoint add main URL");
	sample.pools[0].paused = true;
	sample.pools[0].paused_us = 4000000;
	expect(VERDICT_DEGRADED, 2);
	expect_reason(0, "pool main has been paused for 4 s; 3 requests wait");
	expect_command(0, "wsbroker pool resume main");
}

Test(verdict, an_empty_pool_asks_for_what_stands_aside)
{
	sample.pools[0].ready = 0;
	sample.pools[0].endpoints[0].ready = 0;
	sample.pools[0].endpoints[0].state = "connecting";
	expect(VERDICT_DOWN, 1);
	expect_command(0, "wsbroker events --pool main --since 10m");
	sample.pools[0].endpoint_count = 2;
	sample.pools[0].endpoints[1].state = "drained";
	expect(VERDICT_DOWN, 2);
	expect_command(0, "wsbroker endpoint ready main/b");
}

Test(verdict, keeps_the_worst_of_many)
{
	static struct endpoint_view many[40];

	for (size_t i = 0; i < 40; i++)
		many[i] = (struct endpoint_view){.name = "x", .state = "down", .last_error = ""};
	sample.snapshot.pool_count = 2;
	sample.pools[0].endpoints = many;
	sample.pools[0].endpoint_count = 40;
	sample.pools[1].name = "other";
	sample.pools[1].ready = 0;
	expect(VERDICT_DEGRADED, VERDICT_REASONS_MAX);
	expect_reason(0, "pool other has no ready connection");
}
