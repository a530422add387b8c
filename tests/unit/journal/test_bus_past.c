/* What was logged before this broker came. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "rig.h"

#define ASK "XREVRANGE {t}:invalidations:log "

static struct rig rig;

static void begin(void)
{
	rig_init(&rig, 1);
	rig.past_room = 1000;
}

static void end(void)
{
	rig_fini(&rig);
}

TestSuite(bus_past, .init = begin, .fini = end);

/* Live behind 1000-N, with the first question about the past under way. */
static void join(unsigned top)
{
	char look[8192], at[32];

	snprintf(at, sizeof(at), "1000-%u", top);
	snprintf(look, sizeof(look), "[\"1000\", \"%u\", \"%s\", %s, null]", top, at,
		 rig_event(at, "newest", "x"));
	rig_meet(&rig, look);
	rig_read(&rig, "null");
	cr_assert_eq(bus_state(rig.bus, rig.now_us), BUS_LIVE);
}

/* Answers with the events from 1000-LATEST down to 1000-EARLIEST. */
static void show(unsigned latest, unsigned earliest)
{
	static char page[RIG_TEXT_MAX];
	size_t len = (size_t)snprintf(page, sizeof(page), "[");

	for (unsigned seq = latest; seq >= earliest; seq--) {
		char at[32];

		snprintf(at, sizeof(at), "1000-%u", seq);
		len += (size_t)snprintf(page + len, sizeof(page) - len, "%s%s",
					seq == latest ? "" : ", ", rig_entry(at, at, "t"));
	}
	snprintf(page + len, sizeof(page) - len, "]");
	rig_reply(&rig, BUS_COMMANDS, page);
}

Test(bus_past, is_asked_for_page_by_page)
{
	join(100);
	cr_assert(rig_said(&rig, BUS_COMMANDS, ASK "1000-100 - COUNT 64 "));
	show(100, 37);
	cr_assert(strstr(rig.told, "past 1000-100 type=0 id=1000-100\npast 1000-99 "));
	cr_assert(rig_told(&rig, "past 1000-37 "));
	cr_assert(rig_said(&rig, BUS_COMMANDS, ASK "1000-36 - COUNT 64 "));
	/* The rest has been trimmed. */
	show(36, 20);
	cr_assert(rig_told(&rig, "past 1000-20 "));
	cr_assert_not(rig_said(&rig, BUS_COMMANDS, ASK));
	cr_assert_eq(bus_position(rig.bus).seq, 100);
	cr_assert_not(rig_told(&rig, "arrived"));
}

Test(bus_past, is_left_where_there_is_no_room)
{
	rig.past_room = 3;
	join(100);
	show(100, 37);
	cr_assert(strstr(rig.told, "past 1000-98 "));
	cr_assert_not(rig_told(&rig, "past 1000-97 "));
	cr_assert_eq(rig_count(&rig, BUS_COMMANDS, ASK), 1);
}

Test(bus_past, ends_before_a_hole_and_passes_what_is_no_event)
{
	static char page[8192];

	join(5);
	snprintf(page, sizeof(page), "[%s, [\"1000-4\", [\"event\", \"nonsense\"]], [9], %s]",
		 rig_entry("1000-5", "e5", "t"), rig_entry("1000-3", "e3", "t"));
	rig_reply(&rig, BUS_COMMANDS, page);
	cr_assert(strstr(rig.told, "past 1000-5 type=0 id=e5\npast 1000-4 "));
	cr_assert_not(rig_told(&rig, "past 1000-3 "));
	cr_assert_eq(rig_count(&rig, BUS_COMMANDS, ASK), 1);
	rig_pass(&rig, 200);
	cr_assert_eq(bus_state(rig.bus, rig.now_us), BUS_LIVE);
}

Test(bus_past, may_be_refused)
{
	join(5);
	rig_reply(&rig, BUS_COMMANDS, "{\"error\": \"NOPERM no right to run xrevrange\"}");
	cr_assert_eq(bus_state(rig.bus, rig.now_us), BUS_LIVE);
	cr_assert_eq(rig_count(&rig, BUS_COMMANDS, ASK), 1);
}

Test(bus_past, is_asked_for_again_after_a_lost_connection)
{
	char look[8192];

	join(100);
	show(100, 37);
	bus_lost(rig.bus, BUS_COMMANDS, "eof", "", rig.now_us);
	rig_pass(&rig, 3000);
	snprintf(look, sizeof(look), "[\"1000\", \"100\", \"1000-100\", %s, %s]",
		 rig_event("1000-100", "newest", "x"), rig_event("1000-100", "newest", "x"));
	rig_meet(&rig, look);
	rig.said[BUS_COMMANDS][0] = '\0';
	rig_read(&rig, "null");
	cr_assert(rig_said(&rig, BUS_COMMANDS, ASK "1000-36 - COUNT 64 "));
}

Test(bus_past, is_nothing_where_the_log_is_empty)
{
	rig_meet(&rig, "[\"1000\", null, null, null, null]");
	rig_read(&rig, "null");
	cr_assert_eq(bus_state(rig.bus, rig.now_us), BUS_LIVE);
	cr_assert_eq(rig_count(&rig, BUS_COMMANDS, ASK), 0);
}
