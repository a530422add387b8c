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

TestSuite(bus_hearing, .init = set_up, .fini = tear_down);

static enum bus_state state(void)
{
	return bus_state(rig.bus, rig.now_us);
}

static void open_inbox(void)
{
	bus_opened(rig.bus, BUS_INBOX, rig.now_us);
	rig_reply(&rig, BUS_INBOX, "{\"error\": \"BUSYGROUP Consumer Group name already exists\"}");
	cr_assert(strstr(rig.said[BUS_INBOX], "XACK {t}:inbox brokers 0-0 \nXDEL {t}:inbox 0-0 \n"
					      "XPENDING {t}:inbox brokers \n"));
	cr_assert(rig_said(&rig, BUS_INBOX, "XAUTOCLAIM {t}:inbox brokers node-a 5000 0-0"));
	rig_reply(&rig, BUS_INBOX, "0");
	rig_reply(&rig, BUS_INBOX, "0");
	rig_reply(&rig, BUS_INBOX, "[0, null, null, null]");
	rig_reply(&rig, BUS_INBOX, "[\"0-0\", [], []]");
	cr_assert(rig_said(&rig, BUS_INBOX,
			   "XREADGROUP GROUP brokers node-a COUNT 64 BLOCK 1000 "
			   "STREAMS {t}:inbox >"));
}

Test(bus_hearing, turns_what_the_inbox_asks_into_events)
{
	rig_live(&rig);
	open_inbox();
	rig_reply(&rig, BUS_INBOX,
		  "[[\"{t}:inbox\", [[\"7-1\", [\"tags\", \"property:42\"]], "
		  "[\"7-2\", [\"tags\", \"[\\\"a\\\", \\\"b\\\"]\", \"mode\", \"soft\"]], "
		  "[\"7-3\", [\"all\", \"true\"]], "
		  "[\"7-4\", [\"tags\", \"c\", \"tags\", \"[\\\"d\\\"]\"]]]]]");
	cr_expect(strstr(rig.told, "asked property:42\nasked a\nasked b\nasked all\n"
				   "asked c\nasked d\n"));
	/* Each is acknowledged by the script that logs it. */
	bus_turn(rig.bus, rig.now_us);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "{t}:invalidations:msgpack 7-1 {"), 1);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, " 7-2 {"), 1);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "XACK"), 0);
	cr_expect(rig_said(&rig, BUS_INBOX, "XAUTOCLAIM"));
	/* Of one of them another broker was first. */
	rig_reply(&rig, BUS_COMMANDS, "[4, 3, \"1000-8\", \"\", \"\"]");
	cr_expect_eq(bus_queued(rig.bus), 0);
}

/* Whoever takes over an entry of which only the first part was logged logs all of it. */
Test(bus_hearing, acknowledges_an_entry_with_the_last_of_its_events)
{
	static char reading[65536];
	const char *first;
	size_t len;

	rig_live(&rig);
	open_inbox();
	len = (size_t)snprintf(reading, sizeof(reading),
			       "[[\"{t}:inbox\", [[\"7-1\", [\"tags\", \"[");
	for (int i = 0; i < EVENT_NAMES_MAX + 1; i++)
		len += (size_t)snprintf(reading + len, sizeof(reading) - len, "%s\\\"t%d\\\"",
					i > 0 ? "," : "", i);
	snprintf(reading + len, sizeof(reading) - len, "]\"]]]]]");
	rig_reply(&rig, BUS_INBOX, reading);
	bus_turn(rig.bus, rig.now_us);
	first = strstr(rig.said[BUS_COMMANDS], "{\"specve");
	cr_assert(first);
	cr_expect(strstr(first, " 7-1 {\"specve"), "%s", first);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, " 7-1 "), 1);
}

Test(bus_hearing, takes_odd_entries_out_of_the_inbox)
{
	rig_live(&rig);
	open_inbox();
	rig_reply(&rig, BUS_INBOX,
		  "[[\"{t}:inbox\", [[\"7-1\", [\"tag\", \"x\"]], [\"7-2\", []], "
		  "[\"7-3\", [\"tags\", \"[1\"]], [\"7-4\", null], [9, 9], "
		  "[\"7-5\", [\"tags\", \"x\", \"mode\", \"hard\", \"mode\", \"soft\"]], "
		  "[\"7-6\", [7, \"x\"]]]]]");
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "XACK {t}:inbox brokers 7-"), 6);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "XDEL {t}:inbox 7-"), 6);
	cr_expect_not(strstr(rig.told, "asked"));
	cr_expect(rig_told(&rig, "odd inbox: "));
}

Test(bus_hearing, makes_the_group_again_when_it_is_gone)
{
	rig_live(&rig);
	open_inbox();
	rig_reply(&rig, BUS_INBOX, "{\"error\": \"NOGROUP No such key '{t}:inbox'\"}");
	cr_expect(rig_said(&rig, BUS_INBOX, "XGROUP CREATE {t}:inbox brokers 0 MKSTREAM"));
	cr_expect_eq(state(), BUS_LIVE);
}

Test(bus_hearing, the_inbox_alone_may_be_refused)
{
	rig_live(&rig);
	open_inbox();
	rig_reply(&rig, BUS_INBOX, "{\"error\": \"WRONGTYPE Operation against a key\"}");
	cr_expect(rig_told(&rig, "inbox refused: WRONGTYPE Operation against a key\n"));
	cr_expect_eq(state(), BUS_LIVE);
	cr_expect_not(rig.open[BUS_INBOX]);
	cr_expect(bus_refusal(rig.bus, BUS_INBOX_READING));
	rig_pass(&rig, 510);
	cr_expect(rig.open[BUS_INBOX]);
	open_inbox();
	rig_reply(&rig, BUS_INBOX, "{\"error\": \"WRONGTYPE Operation against a key\"}");
	cr_expect_not(rig_told(&rig, "refused"), "it is told once");
	rig_pass(&rig, 480);
	cr_expect_not(rig.open[BUS_INBOX], "it is tried less and less often");
	rig_pass(&rig, 530);
	cr_expect(rig.open[BUS_INBOX]);
	open_inbox();
	rig_reply(&rig, BUS_INBOX, "null");
	cr_expect(rig_told(&rig, "inbox refused: \n"), "it works");
	cr_expect_not(bus_refusal(rig.bus, BUS_INBOX_READING));
	rig_pass(&rig, 10);
	rig_reply(&rig, BUS_INBOX, "{\"error\": \"READONLY You can't write against a replica\"}");
	cr_expect_eq(state(), BUS_SUSPECT, "the log may be elsewhere by now");
}

static void open_hearing(void)
{
	bus_opened(rig.bus, BUS_HEARING, rig.now_us);
	cr_assert(rig_said(&rig, BUS_HEARING,
			   "SUBSCRIBE {t}:invalidate {t}:brokers {t}:brokers:talk"));
	rig_reply(&rig, BUS_HEARING, "[\"subscribe\", \"{t}:invalidate\", 1]");
}

/* What XAUTOCLAIM answers: from Redis 7 on with a list of what was deleted; in 6.2 that stands
 * among the entries as nil, and stays owed, so that the search has to go on behind it. */
Test(bus_hearing, takes_over_what_others_left)
{
	static const char *const answers[] = {
		"[\"0-0\", [[\"7-1\", [\"tags\", \"a\"]]], [\"6-1\"]]",
		"[\"7-9\", [null, [\"7-1\", [\"tags\", \"a\"]], null]]",
		"[\"0-0\", [[\"7-1\", [\"tags\", \"a\"]]]]",
	};

	rig_live(&rig);
	open_inbox();
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		rig.told[0] = '\0';
		rig_reply(&rig, BUS_INBOX, "null");
		rig_pass(&rig, 10);
		cr_expect(rig_said(&rig, BUS_INBOX,
				   i == 2 ? "XAUTOCLAIM {t}:inbox brokers node-a 5000 7-9 COUNT"
					  : "XAUTOCLAIM {t}:inbox brokers node-a 5000 0-0 COUNT"));
		rig_reply(&rig, BUS_INBOX, answers[i]);
		cr_expect_str_eq(rig.told, "asked a\n");
	}
	cr_expect_eq(bus_stats(rig.bus)->malformed, 0);
}

Test(bus_hearing, takes_over_by_hand_where_redis_is_old)
{
	rig_live(&rig);
	bus_opened(rig.bus, BUS_INBOX, rig.now_us);
	rig_reply(&rig, BUS_INBOX, "{\"ok\": \"OK\"}");
	for (int i = 0; i < 3; i++)
		rig_reply(&rig, BUS_INBOX, "0");
	rig_reply(&rig, BUS_INBOX,
		  "{\"error\": \"ERR unknown command `XAUTOCLAIM`, with args beginning with\"}");
	cr_expect(rig_said(&rig, BUS_INBOX, "XPENDING {t}:inbox brokers 0-0 + 64 \n"));
	rig_reply(&rig, BUS_INBOX,
		  "[[\"7-1\", \"x\", 4999, 1], [\"7-2\", \"y\", 5000, 1], [\"7-3\", \"x\", null],"
		  " [], 7, [\"7-4\", \"x\", 90000, 3]]");
	cr_expect(rig_said(&rig, BUS_INBOX, "XCLAIM {t}:inbox brokers node-a 5000 7-2 7-4 \n"));
	rig_reply(&rig, BUS_INBOX, "[[\"7-2\", [\"tags\", \"a\"]], null]");
	cr_expect(rig_told(&rig, "asked a\n"));
	cr_expect(rig_said(&rig, BUS_INBOX, "XREADGROUP"));
	rig_reply(&rig, BUS_INBOX, "null");
	rig_pass(&rig, 10);
	cr_expect(rig_said(&rig, BUS_INBOX, "XPENDING {t}:inbox brokers 0-0 + 64 \n"));
	rig_reply(&rig, BUS_INBOX, "[]");
	cr_expect(rig_said(&rig, BUS_INBOX, "XREADGROUP"), "nothing is owed");
}

/* Else what is logged could not be acknowledged, and would be logged again and again. */
Test(bus_hearing, reads_no_inbox_that_it_may_not_acknowledge)
{
	rig_live(&rig);
	bus_opened(rig.bus, BUS_INBOX, rig.now_us);
	rig_reply(&rig, BUS_INBOX, "{\"ok\": \"OK\"}");
	rig_reply(&rig, BUS_INBOX, "{\"error\": \"NOPERM no permissions to run 'xack'\"}");
	cr_expect(rig_told(&rig, "inbox refused: NOPERM no permissions to run 'xack'\n"));
	cr_expect_not(rig.open[BUS_INBOX]);
	cr_expect_eq(state(), BUS_LIVE);
}

Test(bus_hearing, a_group_that_goes_again_and_again_is_told)
{
	rig_live(&rig);
	open_inbox();
	for (int i = 0; i < 3; i++) {
		cr_expect(rig.open[BUS_INBOX]);
		rig_reply(&rig, BUS_INBOX, "{\"error\": \"NOGROUP No such key\"}");
		rig_reply(&rig, BUS_INBOX, "{\"ok\": \"OK\"}");
		rig_reply(&rig, BUS_INBOX, "0");
		rig_reply(&rig, BUS_INBOX, "0");
		rig_reply(&rig, BUS_INBOX, "{\"error\": \"NOGROUP No such key\"}");
	}
	cr_expect_not(rig.open[BUS_INBOX]);
	cr_expect(rig_told(&rig, "inbox refused: NOGROUP No such key\n"));
}

Test(bus_hearing, hears_what_scripts_publish)
{
	rig_live(&rig);
	open_hearing();
	rig_reply(&rig, BUS_HEARING,
		  "[\"message\", \"{t}:invalidate\", \"{\\\"tags\\\":[\\\"a\\\"]}\"]");
	cr_expect(rig_told(&rig, "heard a\n"));
	rig_reply(&rig, BUS_HEARING, "[\"message\", \"{t}:invalidate\", \"{\"]");
	cr_expect(rig_told(&rig, "odd channel: it is no JSON object"));
	rig_reply(&rig, BUS_HEARING, "[\"message\", \"{t}:invalidate\", null]");
	rig_reply(&rig, BUS_HEARING, "[]");
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "EVAL"), 0, "it is never logged");
	cr_expect(rig.open[BUS_HEARING]);
}

Test(bus_hearing, the_channel_alone_may_be_lost)
{
	rig_live(&rig);
	open_hearing();
	bus_lost(rig.bus, BUS_HEARING, "eof", "", rig.now_us);
	cr_expect_eq(state(), BUS_LIVE);
	rig_reply(&rig, BUS_TAIL, "null");
	rig_pass(&rig, 1000);
	cr_expect(rig.open[BUS_HEARING]);
}

/* Answers what is under way, so that nobody seems silent. */
static void breathe(uint64_t ms)
{
	char look[8192];

	snprintf(look, sizeof(look), "[\"1000\", \"5\", \"1000-5\", null, %s]",
		 rig_event("1000-5", "e5", "x"));
	for (; ms >= 500; ms -= 500) {
		rig_pass(&rig, 500);
		rig_reply(&rig, BUS_TAIL, "null");
		if (rig_count(&rig, BUS_COMMANDS, "EVAL local function event") > 0)
			rig_reply(&rig, BUS_COMMANDS, look);
		if (rig_count(&rig, BUS_COMMANDS, "PUBLISH") > 0)
			rig_reply(&rig, BUS_COMMANDS, "1");
		rig.said[BUS_COMMANDS][0] = '\0';
	}
}

/* Under a user who may do all but this. */
Test(bus_hearing, channels_that_are_refused_are_told_and_tried_again)
{
	struct strbuf behind;

	strbuf_init(&behind);
	rig_live(&rig);
	breathe(500);
	for (int i = 0; i < 3; i++) {
		cr_expect(rig.open[BUS_HEARING]);
		bus_opened(rig.bus, BUS_HEARING, rig.now_us);
		rig_reply(&rig, BUS_HEARING, "{\"error\": \"NOPERM no permissions: a channel\"}");
		cr_expect_eq(rig_told(&rig, "channels refused: NOPERM no permissions: a channel\n"),
			     i == 0, "once");
		cr_expect_eq(state(), BUS_LIVE);
		cr_expect_not(rig.open[BUS_HEARING]);
		breathe((uint64_t)500 << i);
	}
	cr_expect_not(bus_is_applied(rig.bus, 0, &behind, rig.now_us));
	cr_expect_str_eq(behind.text, "node-a (NOPERM no permissions: a channel)");
	open_hearing();
	cr_expect(rig_told(&rig, "channels refused: \n"));
	strbuf_fini(&behind);
}

Test(bus_hearing, channels_of_which_nothing_is_heard_are_tried_again)
{
	rig_live(&rig);
	for (int i = 0; i < 18; i++) {
		breathe(500);
		if (rig.open[BUS_HEARING])
			bus_opened(rig.bus, BUS_HEARING, rig.now_us);
	}
	cr_expect(rig_told(&rig, "channels refused: silent: "));
}

static void beat(const char *source, const char *position)
{
	char json[2048];

	snprintf(json, sizeof(json),
		 "[\"message\", \"{t}:brokers\", \"{\\\"specversion\\\":\\\"1.0\\\",\\\"type\\\":"
		 "\\\"wsbroker.heartbeat.v1\\\",\\\"source\\\":\\\"%s\\\",\\\"id\\\":\\\"1\\\","
		 "\\\"data\\\":{\\\"position\\\":\\\"%s\\\",\\\"op\\\":\\\"heartbeat\\\","
		 "\\\"node\\\":"
		 "\\\"node%s\\\",\\\"version\\\":\\\"1\\\",\\\"clients\\\":3,\\\"score\\\":null}}"
		 "\"]",
		 source, position, source);
	rig_reply(&rig, BUS_HEARING, json);
}

Test(bus_hearing, says_every_second_how_far_it_is)
{
	rig_live(&rig);
	rig_pass(&rig, 1000);
	cr_expect(strstr(rig.said[BUS_COMMANDS], "PUBLISH {t}:brokers {"));
	cr_expect(strstr(rig.said[BUS_COMMANDS], "1000-5"));
	cr_expect(strstr(rig.said[BUS_COMMANDS], "wsbroker.heartbeat.v1"));
}

Test(bus_hearing, heartbeats_that_are_refused_leave_the_bus_alone)
{
	rig_live(&rig);
	rig_pass(&rig, 1000);
	rig_reply(&rig, BUS_COMMANDS, "{\"error\": \"NOPERM no permissions: a channel\"}");
	cr_expect_eq(state(), BUS_LIVE);
	cr_expect(rig_told(&rig, "heartbeats refused: NOPERM"));
	rig_pass(&rig, 1000);
	rig_reply(&rig, BUS_COMMANDS, "0");
	cr_expect(rig_told(&rig, "heartbeats refused: \n"));
	rig_pass(&rig, 1000);
	rig_reply(&rig, BUS_COMMANDS, "{\"error\": \"READONLY it is a replica\"}");
	cr_expect_eq(state(), BUS_SUSPECT);
}

Test(bus_hearing, more_brokers_than_can_be_known_are_told)
{
	char source[16];

	rig_live(&rig);
	open_hearing();
	rig.told[0] = '\0';
	for (int i = 0; i <= BUS_PEERS_MAX + 1; i++) {
		snprintf(source, sizeof(source), "/%d", i);
		beat(source, "1000-5");
	}
	cr_expect(strstr(rig.told,
			 "brokers refused: more than 1024 other brokers share the prefix\n"));
	rig.told[0] = '\0';
	breathe(5000);
	cr_expect(rig_told(&rig, "brokers refused: \n"), "they are gone");
}

Test(bus_hearing, knows_when_every_broker_has_applied_an_event)
{
	struct strbuf behind;
	char reading[8192];
	uint64_t ticket;

	strbuf_init(&behind);
	rig_live(&rig);
	rig_pass(&rig, 10);
	rig.said[BUS_COMMANDS][0] = '\0';
	open_hearing();
	beat("/b", "1000-5");
	beat("/c", "1000-9");
	rig_publish(&rig, "a");
	ticket = bus_ticket(rig.bus);
	cr_expect_not(bus_is_applied(rig.bus, ticket, &behind, rig.now_us));
	cr_expect_str_eq(behind.text, "node-a", "it has not been logged yet");
	rig_logged(&rig, 1, "1000-6");
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("1000-6", "own-1", "a"));
	rig_reply(&rig, BUS_TAIL, reading);
	breathe(1500);
	beat("/b", "1000-5");
	strbuf_clear(&behind);
	rig.said[BUS_COMMANDS][0] = '\0';
	cr_expect_not(bus_is_applied(rig.bus, ticket, &behind, rig.now_us));
	cr_expect_str_eq(behind.text, "node/b");
	cr_expect(rig_said(&rig, BUS_COMMANDS, "PUBLISH {t}:brokers:talk await 1000-6"));
	cr_expect_not(bus_is_applied(rig.bus, ticket, NULL, rig.now_us));
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "await"), 0, "it asks once");
	beat("/b", "1000-6");
	cr_expect(bus_is_applied(rig.bus, ticket, NULL, rig.now_us));
	strbuf_fini(&behind);
}

/* Its number means nothing any more, but the others may still not know. */
Test(bus_hearing, waits_for_the_new_epoch_of_every_broker)
{
	uint64_t ticket;
	char reading[8192];

	rig_live(&rig);
	rig_pass(&rig, 10);
	rig.said[BUS_COMMANDS][0] = '\0';
	open_hearing();
	beat("/b", "1000-5");
	rig_publish(&rig, "a");
	rig_logged(&rig, 1, "1000-6");
	ticket = bus_ticket(rig.bus);
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("2000-1", "e", "b"));
	rig_reply(&rig, BUS_TAIL, reading);
	breathe(1500);
	beat("/b", "1000-5");
	cr_expect_not(bus_is_applied(rig.bus, ticket, NULL, rig.now_us));
	beat("/b", "2000-0");
	cr_expect(bus_is_applied(rig.bus, ticket, NULL, rig.now_us));
}

Test(bus_hearing, answers_at_once_when_somebody_waits)
{
	char reading[8192];

	rig_live(&rig);
	open_hearing();
	rig_pass(&rig, 20);
	rig.said[BUS_COMMANDS][0] = '\0';
	rig_reply(&rig, BUS_HEARING, "[\"message\", \"{t}:brokers:talk\", \"await 1000-6\"]");
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "PUBLISH"), 0);
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("1000-6", "e6", "a"));
	rig_reply(&rig, BUS_TAIL, reading);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "PUBLISH {t}:brokers {"), 1);
	rig_reply(&rig, BUS_HEARING, "[\"message\", \"{t}:brokers:talk\", \"await 1000-2\"]");
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "PUBLISH {t}:brokers {"), 2);
	rig_reply(&rig, BUS_HEARING, "[\"message\", \"{t}:brokers:talk\", \"await nonsense\"]");
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "PUBLISH {t}:brokers {"), 2);
}

Test(bus_hearing, says_good_bye)
{
	rig_live(&rig);
	bus_leave(rig.bus, rig.now_us);
	cr_expect(rig_said(&rig, BUS_COMMANDS, "PUBLISH {t}:brokers:talk leave /wsbroker/a/1"));
	open_hearing();
	beat("/b", "1000-5");
	cr_expect_eq(bus_peers(rig.bus)->list.count, 1);
	rig_reply(&rig, BUS_HEARING, "[\"message\", \"{t}:brokers:talk\", \"leave /b\"]");
	cr_expect_eq(bus_peers(rig.bus)->list.count, 0);
}
