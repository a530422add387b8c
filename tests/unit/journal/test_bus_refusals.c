#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "rig.h"

static struct rig rig;

static void set_up(void)
{
	rig_init(&rig, 1);
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(bus_refusals, .init = set_up, .fini = tear_down);

static enum bus_state state(void)
{
	return bus_state(rig.bus, rig.now_us);
}

static const char *look(const char *epoch, const char *counter, const char *newest, const char *own)
{
	static char text[16384];

	snprintf(text, sizeof(text), "[%s, %s, %s, %s, %s]", epoch, counter, newest,
		 strcmp(newest, "null") == 0 ? "null" : rig_event("1-1", "newest", "x"), own);
	return text;
}

/* What others do is known all the same. */
Test(bus_refusals, a_refused_event_is_sent_anew)
{
	rig_live(&rig);
	rig_publish(&rig, "a");
	rig_publish(&rig, "b");
	rig.said[BUS_COMMANDS][0] = '\0';
	rig_reply(&rig, BUS_COMMANDS, "{\"error\": \"OOM command not allowed\"}");
	rig_reply(&rig, BUS_COMMANDS,
		  look("\"1000\"", "\"5\"", "\"1000-5\"", rig_event("1000-5", "e5", "x")));
	cr_expect_eq(state(), BUS_LIVE);
	cr_expect(rig_told(&rig, "publish refused: OOM command not allowed\n"));
	cr_expect_not(bus_is_sending(rig.bus));
	rig_publish(&rig, "c");
	rig_publish(&rig, "c");
	cr_expect_eq(bus_queued(rig.bus), 3, "what waits is merged");
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "EVALSHA"), 0, "it waits");
	rig_pass(&rig, 500);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "EVALSHA"), 1);
	rig_logged(&rig, 3, "1000-8");
	cr_expect(rig_told(&rig, "publish refused: \n"));
	cr_expect_eq(bus_queued(rig.bus), 0);
}

Test(bus_refusals, an_event_that_meets_a_replica_is_sent_elsewhere)
{
	static const char *const errors[] = {
		"{\"error\": \"READONLY You can't write against a read only replica.\"}",
		"{\"error\": \"ERR Error running script (call to f_1): @user_script:23: "
		"@user_script: 23: -READONLY You can't write against a read only replica. \"}",
	};

	for (size_t i = 0; i < 2; i++) {
		rig_fini(&rig);
		rig_init(&rig, 1);
		rig_live(&rig);
		rig_publish(&rig, "a");
		rig_reply(&rig, BUS_COMMANDS, errors[i]);
		cr_expect_eq(state(), BUS_SUSPECT);
	}
}

/* The link to read on is refused each time that the log is found whole. */
Test(bus_refusals, a_reading_that_is_refused_is_told_once)
{
	rig_live(&rig);
	for (int i = 0; i < 5; i++) {
		rig_reply(&rig, BUS_TAIL, "{\"error\": \"NOPERM no permissions to run 'xread'\"}");
		cr_expect_eq(rig_told(&rig, "-> suspect (refused) NOPERM no permissions to run"),
			     i == 0);
		cr_expect_str_eq(bus_detail(rig.bus), "NOPERM no permissions to run 'xread'");
		rig_pass(&rig, 2000);
		rig_meet(&rig,
			 look("\"1000\"", "\"6\"", "\"1000-6\"", rig_event("1000-5", "e5", "x")));
		cr_expect_eq(state(), BUS_SUSPECT);
		rig_pass(&rig, 10);
		rig_reply(&rig, BUS_COMMANDS, "0");
		bus_opened(rig.bus, BUS_TAIL, rig.now_us);
	}
	cr_expect_not(rig_told(&rig, "suspect"));
	rig_reply(&rig, BUS_TAIL, "null");
}
