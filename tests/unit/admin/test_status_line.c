#include <criterion/criterion.h>
#include "broker/admin/status_line.h"
#include "tests/unit/control/sample.h"

static struct sample sample;
static struct strbuf line;

/* All is well: one pool with all of its connections. */
static void set_up(void)
{
	strbuf_init(&line);
	sample_init(&sample);
	sample.snapshot.pool_count = 1;
	sample.snapshot.clients = 12;
	sample.pools[0].endpoint_count = 1;
	sample.pools[0].ready = 10;
	sample.pools[0].endpoints[0].ready = 10;
	sample.pools[0].paused = false;
	sample.pools[0].pinned = false;
	sample.pools[0].queued = 0;
	sample.pools[0].oldest_wait_us = 0;
}

static void tear_down(void)
{
	strbuf_fini(&line);
}

TestSuite(status_line, .init = set_up, .fini = tear_down);

static void expect(const char *text)
{
	strbuf_clear(&line);
	status_line(&sample.snapshot, &line);
	cr_expect_str_eq(line.text, text);
}

Test(status_line, of_a_broker_that_is_well)
{
	expect("ok: 1 of 1 pool is ready, 12 clients");
	sample.snapshot.clients = 1;
	expect("ok: 1 of 1 pool is ready, 1 client");
}

Test(status_line, says_the_worst_first)
{
	sample.pools[0].endpoints[0].ready = 7;
	sample.pools[0].ready = 7;
	expect("degraded: pool main has 7 of 10 connections ready; 1 of 1 pool is ready, 12 "
	       "clients");
	sample.snapshot.pool_count = 2;
	sample.pools[0].endpoints[0].ready = 0;
	sample.pools[0].ready = 0;
	sample.pools[1].ready = 0;
	status_line(&sample.snapshot, &line);
	cr_expect_not_null(strstr(line.text, "down: pool "), "%s", line.text);
	cr_expect_not_null(strstr(line.text, "; 0 of 2 pools are ready, 12 clients"), "%s",
			   line.text);
}

Test(status_line, of_a_drain)
{
	sample.snapshot.draining = true;
	sample.snapshot.requests_in_flight = 3;
	expect("draining: 12 clients and 3 requests in flight are left");
}
