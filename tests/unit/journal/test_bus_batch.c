/* Several own events in one command: when they leave together, and what becomes of each. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/journal/bus_state.h"
#include "rig.h"

static struct rig rig;

static void set_up(void)
{
	rig_init(&rig, 1);
	rig_live(&rig);
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(bus_batch, .init = set_up, .fini = tear_down);

static enum bus_state state(void)
{
	return bus_state(rig.bus, rig.now_us);
}

static size_t commands(void)
{
	return rig_count(&rig, BUS_COMMANDS, "EVALSHA");
}

/* The number of its first event stands before the new epoch. */
static size_t commands_from(unsigned int number)
{
	char text[40];

	snprintf(text, sizeof(text), "{t}:inbox %u 2000000 ", number);
	return rig_count(&rig, BUS_COMMANDS, text);
}

static size_t events_said(void)
{
	return rig_count(&rig, BUS_COMMANDS, "{\"specversion\"");
}

static void forget_said(void)
{
	rig.said[BUS_COMMANDS][0] = '\0';
}

static void add_many(unsigned int count)
{
	char tag[16];

	for (unsigned int i = 0; i < count; i++) {
		snprintf(tag, sizeof(tag), "t%u", i);
		rig_add(&rig, tag);
	}
	bus_turn(rig.bus, rig.now_us);
}

/* The log ends with this number. */
static const char *look_at(unsigned int seq)
{
	static char look[8192];

	snprintf(look, sizeof(look), "[\"1000\", \"%u\", \"1000-%u\", %s, %s]", seq, seq,
		 rig_event("1000-5", "e5", "x"), rig_event("1000-5", "e5", "x"));
	return look;
}

/* Redis is reached again. */
static void come_back(unsigned int seq)
{
	rig_pass(&rig, 150);
	forget_said();
	rig_meet(&rig, look_at(seq));
}

/* What was refused is looked into, and tried again after a while. */
static void try_again(unsigned int seq)
{
	rig_reply(&rig, BUS_COMMANDS, look_at(seq));
	forget_said();
	rig_pass(&rig, 500);
	rig_reply(&rig, BUS_TAIL, "null");
}

Test(bus_batch, what_one_turn_publishes_leaves_together)
{
	rig_add(&rig, "a");
	rig_add(&rig, "b");
	rig_add(&rig, "a");
	cr_expect_eq(commands(), 0);
	bus_turn(rig.bus, rig.now_us);
	cr_expect_eq(commands(), 1);
	cr_expect_eq(events_said(), 3, "nothing is merged while Redis is there");
	rig_logged(&rig, 3, "1000-8");
	cr_expect_eq(bus_queued(rig.bus), 0);
	cr_expect_eq(bus_stats(rig.bus)->published, 3);
	forget_said();
	bus_turn(rig.bus, rig.now_us);
	cr_expect_eq(commands(), 0);
}

Test(bus_batch, a_few_wait_for_the_answer_and_then_leave_together)
{
	rig_publish(&rig, "a");
	rig_publish(&rig, "b");
	rig_publish(&rig, "c");
	cr_expect_eq(events_said(), 1);
	rig_logged(&rig, 1, "1000-6");
	cr_expect_eq(commands(), 2);
	cr_expect_eq(events_said(), 3);
	cr_expect_eq(commands_from(2), 1);
}

Test(bus_batch, what_fills_a_command_does_not_wait)
{
	add_many(SCRIPT_EVENTS_MAX * 2 + 1);
	cr_expect_eq(commands(), 2);
	cr_expect_eq(commands_from(SCRIPT_EVENTS_MAX + 1), 1);
	rig_logged(&rig, SCRIPT_EVENTS_MAX, "1000-133");
	cr_expect_eq(commands(), 2, "one is under way");
	rig_logged(&rig, SCRIPT_EVENTS_MAX, "1000-261");
	cr_expect_eq(commands(), 3);
	rig_logged(&rig, 1, "1000-262");
	cr_expect_eq(bus_queued(rig.bus), 0);
}

Test(bus_batch, only_so_many_are_under_way)
{
	add_many(SCRIPT_EVENTS_MAX * (BUS_BATCHES_MAX + 2));
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "EVALSHA") <= BUS_BATCHES_MAX, true);
	for (unsigned int i = 0; i < BUS_BATCHES_MAX + 2; i++)
		rig_logged(&rig, SCRIPT_EVENTS_MAX, "1000-6");
	cr_expect_eq(state(), BUS_LIVE);
	cr_expect_eq(bus_queued(rig.bus), 0);
}

/* Long events make short batches. */
Test(bus_batch, is_bounded_in_bytes)
{
	static char long_tag[EVENT_BYTES_MAX / 2];

	memset(long_tag, 'x', sizeof(long_tag) - 1);
	for (int i = 0; i < 8; i++)
		rig_add(&rig, long_tag);
	bus_turn(rig.bus, rig.now_us);
	cr_expect_eq(commands(), 1);
	cr_expect_lt(rig_count(&rig, BUS_COMMANDS, " {\"spec"), 8);
	cr_expect_eq(bus_queued(rig.bus), 8);
}

/* Two are in the log, the third was refused, nobody has tried the others. */
Test(bus_batch, what_is_refused_in_its_middle_is_sent_anew_and_what_was_logged_is_not)
{
	add_many(5);
	rig_reply(&rig, BUS_COMMANDS,
		  "[2, 2, \"1000-7\", \"OOM command not allowed when used memory > 'maxmemory'.\", "
		  "\"\"]");
	cr_expect_eq(state(), BUS_LIVE);
	cr_expect(rig_told(&rig, "publish refused: OOM command not allowed"));
	cr_expect_eq(bus_stats(rig.bus)->published, 2);
	cr_expect_eq(bus_stats(rig.bus)->refused, 3);
	cr_expect_eq(bus_queued(rig.bus), 3);
	try_again(7);
	cr_expect_eq(commands_from(6), 1, "%s", rig.said[BUS_COMMANDS]);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "[\"t2\"]"), 1);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "[\"t0\"]"), 0);
	rig_logged(&rig, 3, "1000-10");
	cr_expect_eq(bus_queued(rig.bus), 0);
}

Test(bus_batch, what_is_refused_comes_again_behind_what_has_left_already)
{
	add_many(SCRIPT_EVENTS_MAX * 2);
	rig_reply(&rig, BUS_COMMANDS, "[126, 126, \"1000-131\", \"OOM no\", \"\"]");
	rig_logged(&rig, SCRIPT_EVENTS_MAX, "1000-259");
	/* The two that were refused, under new numbers, and at once: others were not. */
	rig_reply(&rig, BUS_COMMANDS, look_at(259));
	cr_expect_eq(commands_from(SCRIPT_EVENTS_MAX * 2 + 1), 1);
	rig_logged(&rig, 2, "1000-261");
	cr_expect_eq(bus_queued(rig.bus), 0);
}

Test(bus_batch, without_an_answer_it_comes_again_under_its_numbers)
{
	add_many(3);
	rig_publish(&rig, "d");
	bus_lost(rig.bus, BUS_COMMANDS, "eof", "gone", rig.now_us);
	come_back(5);
	cr_expect_eq(commands_from(1), 1);
	cr_expect_eq(commands(), 1);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "[\"t0\"]"), 1);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "[\"d\"]"), 1);
}

/* Not all that is settled is in the log: another broker may have logged what the inbox asked for.
 */
Test(bus_batch, counts_what_is_in_the_log)
{
	add_many(3);
	rig_reply(&rig, BUS_COMMANDS, "[3, 0, \"\", \"\", \"\"]");
	cr_expect_eq(bus_stats(rig.bus)->published, 0);
	cr_expect_eq(bus_queued(rig.bus), 0);
	cr_expect_eq(state(), BUS_LIVE);
}

/* The log and the counter do not agree, whoever looks: it is tried again, but not without end. */
Test(bus_batch, numbers_that_stand_in_the_way_are_looked_into_and_then_begun_anew)
{
	static const char ahead[] =
		"[0, 0, \"\", \"ERR The ID specified in XADD is equal or smaller "
		"than the target stream top item\", \"\"]";
	size_t tries = 0;

	rig_publish(&rig, "a");
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(commands(), 1);
		forget_said();
		rig_reply(&rig, BUS_COMMANDS, ahead);
		cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "EVAL local function event"), 1);
		rig_reply(&rig, BUS_COMMANDS, look_at(5));
	}
	cr_expect(rig_said(&rig, BUS_COMMANDS, " 1000 2000000 "), "a new epoch");
	cr_expect(rig_told(&rig, "publish refused: ERR The ID specified"));
	cr_expect_eq(state(), BUS_LIVE);
	/* Not even that helps. */
	for (int i = 0; i < 200; i++) {
		if (commands() > 0) {
			tries++;
			forget_said();
			rig_reply(&rig, BUS_COMMANDS, ahead);
		}
		rig_reply(&rig, BUS_TAIL, "null");
		while (rig_count(&rig, BUS_COMMANDS, "EVAL") > 0) {
			bool looks = rig_count(&rig, BUS_COMMANDS, "EVAL local function event") > 0;

			forget_said();
			rig_reply(&rig, BUS_COMMANDS, looks ? look_at(5) : "0");
		}
		rig_pass(&rig, 50);
	}
	cr_expect_leq(tries, 25, "%zu tries in ten seconds", tries);
}

/* Several are under way when the first one says so. */
Test(bus_batch, one_look_is_enough_for_all_that_are_under_way)
{
	static const char ahead[] =
		"[0, 0, \"\", \"ERR The ID specified in XADD is equal or smaller "
		"than the target stream top item\", \"\"]";

	add_many(SCRIPT_EVENTS_MAX * 2);
	rig_reply(&rig, BUS_COMMANDS, ahead);
	rig_reply(&rig, BUS_COMMANDS, ahead);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "EVAL local function event"), 1);
	cr_expect_eq(state(), BUS_LIVE);
	cr_expect_eq(bus_stats(rig.bus)->refused, SCRIPT_EVENTS_MAX * 2);
}

Test(bus_batch, tells_when_channels_are_refused)
{
	rig_publish(&rig, "a");
	rig_reply(&rig, BUS_COMMANDS,
		  "[1, 1, \"1000-6\", \"\", \"NOPERM this user has no permissions\"]");
	cr_expect(rig_told(&rig, "copies refused: NOPERM this user has no permissions"));
	cr_expect_eq(state(), BUS_LIVE);
	cr_expect_eq(bus_queued(rig.bus), 0);
}

Test(bus_batch, an_answer_that_is_none_is_no_answer)
{
	static const char *const answers[] = {
		"\"1000-6\"",
		"null",
		"7",
		"[]",
		"[2, 2, \"1000-7\", \"\"]",
		"[3, 3, \"1000-8\", \"\", \"\"]",
		"[2, 3, \"1000-7\", \"\", \"\"]",
		"[-1, 0, \"\", \"OOM\", \"\"]",
		"[1, 1, \"1000-6\", \"\", \"\"]",
		"[2, 2, \"1000-7\", \"OOM\", \"\"]",
		"[2, 2, \"\", \"\", \"\"]",
		"[2, 2, \"x\", \"\", \"\"]",
		"[\"2\", 2, \"1000-7\", \"\", \"\"]",
		"[2, 2, null, \"\", \"\"]",
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		tear_down();
		set_up();
		add_many(2);
		rig_reply(&rig, BUS_COMMANDS, answers[i]);
		cr_expect(strstr(rig.told, "suspect (protocol)"), "%s: %s", answers[i], rig.told);
		cr_expect_eq(bus_queued(rig.bus), 2, "%s", answers[i]);
		come_back(5);
		cr_expect_eq(commands_from(1), 1, "%s", answers[i]);
	}
}

/* Who stops waits for this. */
Test(bus_batch, says_whether_events_are_on_their_way)
{
	cr_expect_not(bus_is_sending(rig.bus));
	rig_publish(&rig, "a");
	cr_expect(bus_is_sending(rig.bus));
	bus_lost(rig.bus, BUS_COMMANDS, "eof", "gone", rig.now_us);
	cr_expect(bus_is_sending(rig.bus), "it may be back in a moment");
	rig_pass(&rig, 150);
	cr_expect(bus_is_sending(rig.bus), "it is being reached");
	bus_lost(rig.bus, BUS_COMMANDS, "connect", "refused", rig.now_us);
	cr_expect_not(bus_is_sending(rig.bus));
}
