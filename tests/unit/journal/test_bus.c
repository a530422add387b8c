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

TestSuite(bus, .init = set_up, .fini = tear_down);

static enum bus_state state(void)
{
	return bus_state(rig.bus, rig.now_us);
}

static void at(uint64_t epoch, uint64_t seq)
{
	struct position position = bus_position(rig.bus);

	cr_expect_eq(position.epoch, epoch, "epoch is %llu", (unsigned long long)position.epoch);
	cr_expect_eq(position.seq, seq, "seq is %llu", (unsigned long long)position.seq);
}

/* Everything is lost and comes back; the log stands like this. */
static void come_back(const char *look)
{
	bus_lost(rig.bus, BUS_COMMANDS, "eof", "gone", rig.now_us);
	rig.told[0] = '\0';
	rig_pass(&rig, 150);
	rig_meet(&rig, look);
}

static const char *look(const char *epoch, const char *counter, const char *newest, const char *own)
{
	static char text[16384];

	snprintf(text, sizeof(text), "[%s, %s, %s, %s, %s]", epoch, counter, newest,
		 strcmp(newest, "null") == 0 ? "null" : rig_event("1-1", "newest", "x"), own);
	return text;
}

Test(bus, joins_a_log_that_is_there)
{
	cr_expect_eq(state(), BUS_SUSPECT);
	rig_live(&rig);
	at(1000, 5);
	cr_expect_eq(bus_stats(rig.bus)->resyncs, 0);
	cr_expect_eq(bus_known_us(rig.bus, rig.now_us), rig.now_us);
	rig_reply(&rig, BUS_TAIL, "null");
	cr_expect(rig_said(&rig, BUS_TAIL,
			   "XREAD COUNT 512 BLOCK 1000 STREAMS {t}:invalidations:log "
			   "1000-5"));
}

Test(bus, begins_the_numbering_where_there_is_none)
{
	rig_meet(&rig, "[null, null, null, null, null]");
	/* Expected nothing, the epoch is the clock's, and no event tells of it. */
	cr_expect(strstr(rig.said[BUS_COMMANDS], "{t}:invalidations:log  2000000 1000 "
						 "{t}:invalidations {t}:invalidations:msgpack \n"));
	rig_reply(&rig, BUS_COMMANDS, "1");
	rig_reply(&rig, BUS_COMMANDS, "[\"2000000\", null, null, null, null]");
	at(2000000, 0);
	cr_expect(rig_told(&rig, "resync joined at 2000000-0"));
	rig_read(&rig, "null");
	cr_expect_eq(state(), BUS_LIVE);
}

Test(bus, delivers_what_comes_in_order)
{
	char reading[16384];

	rig_live(&rig);
	snprintf(reading, sizeof(reading), "[[\"log\", [%s, %s]]]",
		 rig_entry("1000-6", "e6", "six"), rig_entry("1000-7", "e7", "seven"));
	rig_reply(&rig, BUS_TAIL, reading);
	at(1000, 7);
	cr_expect_str_eq(rig.told, "arrived 1000-6 type=0 id=e6 tag=six\n"
				   "arrived 1000-7 type=0 id=e7 tag=seven\n");
	rig.told[0] = '\0';
	/* Once more does no harm. */
	rig_reply(&rig, BUS_TAIL, reading);
	cr_expect_str_eq(rig.told, "");
	cr_expect_eq(state(), BUS_LIVE);
}

Test(bus, tells_a_gap_and_goes_on_behind_it)
{
	char reading[8192];

	rig_live(&rig);
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("1000-9", "e9", "nine"));
	rig_reply(&rig, BUS_TAIL, reading);
	cr_expect_str_eq(rig.told, "live -> resync (gap) \nresync gap at 1000-8\n"
				   "arrived 1000-9 type=0 id=e9 tag=nine\n"
				   "resync -> live (read) \n");
	at(1000, 9);
}

Test(bus, keeps_the_place_of_what_cannot_be_read)
{
	rig_live(&rig);
	rig_reply(&rig, BUS_TAIL,
		  "[[\"log\", [[\"1000-6\", [\"event\", \"no event\"]], [\"1000-7\", [\"x\", "
		  "\"y\"]], "
		  "[\"1000-8\", []], [7, 8], [\"weird\", null]]]]");
	at(1000, 8);
	cr_expect_eq(bus_stats(rig.bus)->malformed, 5);
	cr_expect(strstr(rig.told, "arrived 1000-6 type=4"));
	cr_expect(strstr(rig.told, "arrived 1000-8 type=4"));
	cr_expect_not(rig_told(&rig, "resync"));
	cr_expect_eq(state(), BUS_LIVE);
}

Test(bus, replays_what_was_missed)
{
	char reading[8192];

	rig_live(&rig);
	come_back(look("\"1000\"", "\"6\"", "\"1000-6\"", rig_event("1000-5", "e5", "x")));
	cr_expect_eq(state(), BUS_REPLAY);
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("1000-6", "e6", "six"));
	rig_read(&rig, reading);
	cr_expect_eq(state(), BUS_LIVE);
	at(1000, 6);
	cr_expect_not(strstr(rig.told, "resync"));
	cr_expect(rig_told(&rig, "arrived 1000-6"));
}

/* The first hole: the numbering restarts, and the reader would wait for ever. */
Test(bus, notices_that_the_data_is_lost)
{
	char reading[8192];

	rig_live(&rig);
	come_back("[null, null, null, null, null]");
	/* Above what is remembered and what the clock says; and it is told to all. */
	cr_expect(strstr(
		rig.said[BUS_COMMANDS],
		"  2000000 1000 {t}:invalidations {t}:invalidations:msgpack  {\"specversion\""));
	cr_expect(strstr(rig.said[BUS_COMMANDS], "wsbroker.cache.resync.v1"));
	rig_reply(&rig, BUS_COMMANDS, "1");
	rig_reply(&rig, BUS_COMMANDS, look("\"2000000\"", "\"1\"", "\"2000000-1\"", "null"));
	at(2000000, 0);
	cr_expect(strstr(rig.told, "resync renumbered at 2000000-0"));
	cr_expect_eq(state(), BUS_RESYNC);
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]",
		 rig_entry("2000000-1", "newest", "x"));
	rig_read(&rig, reading);
	cr_expect_eq(state(), BUS_LIVE);
}

Test(bus, another_broker_was_first_to_renumber)
{
	rig_live(&rig);
	come_back(look("\"1000\"", "\"3\"", "\"1000-3\"", "null"));
	cr_expect(strstr(rig.said[BUS_COMMANDS],
			 " 1000 2000000 1000 {t}:invalidations {t}:invalidations:msgpack  {"));
	rig_reply(&rig, BUS_COMMANDS, "0");
	rig_reply(&rig, BUS_COMMANDS, look("\"3000000\"", "\"2\"", "\"3000000-2\"", "null"));
	at(3000000, 0);
	cr_expect(rig_told(&rig, "resync renumbered at 3000000-0"));
}

/* The second hole: contiguous numbers of other events. */
Test(bus, notices_that_its_own_entry_is_another_one)
{
	rig_live(&rig);
	come_back(look("\"1000\"", "\"9\"", "\"1000-9\"", rig_event("1000-5", "other", "x")));
	cr_expect(strstr(rig.said[BUS_COMMANDS],
			 " 1000 2000000 1000 {t}:invalidations {t}:invalidations:msgpack  {"));
	cr_expect_not(rig_told(&rig, "resync"));
	rig_reply(&rig, BUS_COMMANDS, "1");
	rig_reply(&rig, BUS_COMMANDS, look("\"2000000\"", "\"1\"", "\"2000000-1\"", "null"));
	cr_expect(rig_told(&rig, "resync renumbered at 2000000-0"));
}

/* What a new epoch begins with is not missing, and its own resync has been told. */
Test(bus, reads_a_new_epoch_from_its_first_event)
{
	char reading[16384];

	rig_live(&rig);
	come_back(look("\"2000\"", "\"2\"", "\"2000-2\"", "null"));
	at(2000, 0);
	rig.told[0] = '\0';
	snprintf(reading, sizeof(reading),
		 "[[\"log\", [[\"2000-1\", [\"event\", "
		 "\"{\\\"specversion\\\":\\\"1.0\\\",\\\"type\\\":"
		 "\\\"wsbroker.cache.resync.v1\\\",\\\"source\\\":\\\"/b\\\","
		 "\\\"id\\\":\\\"r\\\",\\\"data\\\":{\\\"position\\\":"
		 "\\\"2000-1\\\",\\\"op\\\":\\\"resync\\\"}}\"]], %s]]]",
		 rig_entry("2000-2", "e", "new"));
	rig_read(&rig, reading);
	cr_expect_not(strstr(rig.told, "resync renumbered"));
	cr_expect(strstr(rig.told, "arrived 2000-1 type=2"));
	cr_expect(strstr(rig.told, "arrived 2000-2 type=0 id=e tag=new"));
	at(2000, 2);
}

Test(bus, gives_up_what_was_trimmed_without_renumbering)
{
	rig_live(&rig);
	come_back(look("\"1000\"", "\"5000\"", "\"1000-5000\"", "null"));
	at(1000, 5000);
	cr_expect(rig_told(&rig, "resync gap at 1000-5000"));
}

Test(bus, an_epoch_below_the_remembered_one_is_raised)
{
	rig_live(&rig);
	come_back(look("\"900\"", "\"50\"", "\"900-50\"", "null"));
	cr_expect(strstr(rig.said[BUS_COMMANDS], " 900 2000000 1000 {t}"));
}

Test(bus, never_settles_on_a_numbering_that_changes_for_ever)
{
	rig_live(&rig);
	come_back(look("\"900\"", "\"50\"", "\"900-50\"", "null"));
	for (int i = 0; i < 20 && rig.open[BUS_COMMANDS]; i++) {
		rig_reply(&rig, BUS_COMMANDS, "0");
		rig_reply(&rig, BUS_COMMANDS, look("\"900\"", "\"50\"", "\"900-50\"", "null"));
	}
	cr_expect_not(rig.open[BUS_COMMANDS]);
	cr_expect_eq(state(), BUS_SUSPECT);
}

/* An entry that somebody wrote by hand: nobody goes there, and its epoch is not exceeded. */
Test(bus, an_impossible_number_is_begun_anew)
{
	static const char *const ids[] = {"18446744073709551615-1", "1000-18446744073709551615",
					  "9007199254740993-7"};
	char reading[16384], found[16384];

	for (size_t i = 0; i < 3; i++) {
		rig_fini(&rig);
		rig_init(&rig, 1);
		rig_live(&rig);
		snprintf(reading, sizeof(reading), "[[\"log\", [%s, %s]]]",
			 rig_entry(ids[i], "far", "x"), rig_entry("1000-6", "e6", "six"));
		rig_reply(&rig, BUS_TAIL, reading);
		at(1000, 5);
		cr_expect_eq(state(), BUS_SUSPECT);
		cr_expect_not(strstr(rig.told, "arrived"));
		snprintf(found, sizeof(found), "\"%s\"", ids[i]);
		rig_pass(&rig, 150);
		rig_meet(&rig, look("\"1000\"", "\"5\"", found, rig_event("1000-5", "e5", "x")));
		cr_expect(rig_said(&rig, BUS_COMMANDS, " 1000 2000000 "), "%s", ids[i]);
	}
}

Test(bus, an_impossible_epoch_is_begun_anew)
{
	static const char *const epochs[] = {"\"18446744073709551615\"",
					     "\"9007199254740993\"",
					     "\"-1\"",
					     "\"0\"",
					     "\"1e9\"",
					     "\"\"",
					     "\"abc\""};

	for (size_t i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++) {
		rig_fini(&rig);
		rig_init(&rig, 1);
		rig_live(&rig);
		come_back(look(epochs[i], "\"5\"", "null", "null"));
		cr_expect(rig_said(&rig, BUS_COMMANDS, " 2000000 "), "%s", epochs[i]);
	}
}

Test(bus, a_new_numbering_is_seen_while_reading)
{
	rig_live(&rig);
	rig_reply(
		&rig, BUS_TAIL,
		"[[\"log\", [[\"2000-1\", [\"event\", "
		"\"{\\\"specversion\\\":\\\"1.0\\\",\\\"type\\\":\\\"wsbroker.cache.resync.v1\\\","
		"\\\"source\\\":\\\"/b\\\",\\\"id\\\":\\\"r\\\",\\\"data\\\":{\\\"position\\\":"
		"\\\"2000-1\\\",\\\"op\\\":\\\"resync\\\"}}\"]]]]]");
	at(2000, 1);
	cr_expect(strstr(rig.told, "resync renumbered at 2000-1"));
	cr_expect_not(rig_told(&rig, "arrived"));
}

Test(bus, is_suspect_after_two_and_a_half_silent_seconds)
{
	rig_live(&rig);
	rig_pass(&rig, 2490);
	cr_expect_eq(state(), BUS_LIVE);
	rig_pass(&rig, 10);
	cr_expect_eq(state(), BUS_SUSPECT);
	cr_expect(strstr(rig.told, "live -> suspect (silent)"));
	cr_expect_not(rig.open[BUS_TAIL]);
	rig_pass(&rig, 150);
	cr_expect(rig.open[BUS_COMMANDS]);
}

/* It is not Redis that was silent: what it has said is only not read yet. */
Test(bus, that_stood_still_itself_is_suspect_and_keeps_its_connections)
{
	rig_live(&rig);
	rig.now_us += 30000000;
	cr_expect_eq(state(), BUS_SUSPECT);
	bus_tick(rig.bus, rig.now_us);
	cr_expect(rig.open[BUS_TAIL]);
	/* This may have been answered long ago; what is asked now is not. */
	rig.said[BUS_TAIL][0] = '\0';
	rig_reply(&rig, BUS_TAIL, "null");
	cr_expect_eq(state(), BUS_SUSPECT);
	cr_expect(rig_said(&rig, BUS_TAIL, "XREAD COUNT 512 STREAMS"));
	rig_reply(&rig, BUS_TAIL, "null");
	cr_expect_eq(state(), BUS_LIVE);
	cr_expect_not(rig_told(&rig, "resync"));
}

/* The answer is read before the first tick. */
Test(bus, that_stood_still_does_not_believe_what_it_reads_first)
{
	rig_live(&rig);
	rig.now_us += 30000000;
	rig_reply(&rig, BUS_TAIL, "null");
	cr_expect_eq(state(), BUS_SUSPECT);
	rig_pass(&rig, 10);
	rig_reply(&rig, BUS_TAIL, "null");
	rig_reply(&rig, BUS_TAIL, "null");
	cr_expect_eq(state(), BUS_LIVE);
}

/* Else the end of a log that has been lost would pass for the end of what happened. */
Test(bus, reads_nothing_before_the_log_is_found_whole)
{
	rig_live(&rig);
	bus_lost(rig.bus, BUS_COMMANDS, "eof", "gone", rig.now_us);
	rig_pass(&rig, 150);
	bus_opened(rig.bus, BUS_COMMANDS, rig.now_us);
	rig_reply(&rig, BUS_COMMANDS, "\"role:master\"");
	rig_reply(&rig, BUS_COMMANDS, "\"hash\"");
	rig_pass(&rig, 100);
	cr_expect_not(rig.open[BUS_TAIL]);
	rig_reply(&rig, BUS_COMMANDS,
		  look("\"1000\"", "\"5\"", "\"1000-5\"", rig_event("1000-5", "e5", "x")));
	rig_pass(&rig, 10);
	cr_expect(rig.open[BUS_TAIL]);
}

/* A name that leads to several, a proxy that reads from replicas: what is read to its end is not
 * the log that is written. */
Test(bus, that_reads_a_log_without_its_own_events_is_not_live)
{
	char reading[8192];

	rig_live(&rig);
	rig_publish(&rig, "a");
	rig_logged(&rig, 1, "1000-6");
	rig_reply(&rig, BUS_TAIL, "null");
	rig_reply(&rig, BUS_TAIL, "null");
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("1000-6", "own-1", "a"));
	rig_reply(&rig, BUS_TAIL, reading);
	cr_expect_eq(state(), BUS_LIVE, "it only lagged behind");
	rig_publish(&rig, "b");
	rig_logged(&rig, 1, "1000-7");
	for (int i = 0; i < 3; i++) {
		rig_reply(&rig, BUS_TAIL, "null");
		cr_expect_eq(state(), BUS_LIVE);
		rig_pass(&rig, 1000);
		rig_reply(&rig, BUS_COMMANDS, "1");
	}
	rig_reply(&rig, BUS_TAIL, "null");
	cr_expect_eq(state(), BUS_SUSPECT);
	cr_expect(strstr(rig.told, "(behind)"));
}

/* Redis said that it is logged, and failed over before anybody had read it. */
Test(bus, notices_that_an_acknowledged_event_is_lost)
{
	rig_live(&rig);
	rig_publish(&rig, "a");
	rig_logged(&rig, 1, "1000-6");
	come_back(look("\"1000\"", "\"5\"", "\"1000-5\"", rig_event("1000-5", "e5", "x")));
	cr_expect(strstr(rig.said[BUS_COMMANDS],
			 " 1000 2000000 1000 {t}:invalidations {t}:invalidations:msgpack  {"));
}

Test(bus, looks_again_however_much_is_under_way)
{
	const char *whole;

	rig_live(&rig);
	whole = look("\"1000\"", "\"5\"", "\"1000-5\"", rig_event("1000-5", "e5", "x"));
	bus_opened(rig.bus, BUS_HEARING, rig.now_us);
	for (int i = 0; i < 1100; i++) {
		rig_reply(&rig, BUS_HEARING,
			  "[\"message\", \"{t}:brokers:talk\", \"await 1000-1\"]");
		rig.said[BUS_COMMANDS][0] = '\0';
	}
	for (int i = 0; i < 7; i++) {
		rig_pass(&rig, 1000);
		rig_reply(&rig, BUS_TAIL, "null");
		rig_reply(&rig, BUS_COMMANDS, whole);
	}
	/* The look is on its way, and its answer lets go what waits for it. */
	rig.said[BUS_COMMANDS][0] = '\0';
	rig_publish(&rig, "a");
	for (int i = 0; i < 960 && rig_count(&rig, BUS_COMMANDS, "EVALSHA") == 0; i++)
		rig_reply(&rig, BUS_COMMANDS, whole);
	cr_expect_eq(state(), BUS_LIVE, "%s", rig.told);
	cr_expect(rig_said(&rig, BUS_COMMANDS, "EVALSHA"));
}

/* Where AUTH is no command its arguments come back in the error. */
Test(bus, keeps_a_password_out_of_what_it_tells)
{
	rig_fini(&rig);
	rig_init(&rig, 1);
	rig.urls[0].password = "secret";
	bus_opened(rig.bus, BUS_COMMANDS, rig.now_us);
	rig_reply(
		&rig, BUS_COMMANDS,
		"{\"error\": \"ERR unknown command `AUTH`, with args beginning with: `secret`\"}");
	cr_expect(strstr(rig.told, "(auth) ERR"));
	cr_expect_not(strstr(rig.told, "secret"));
}

Test(bus, waits_between_tries_and_ever_longer)
{
	size_t tries = 0;

	for (int i = 0; i < 1000; i++) {
		if (rig.open[BUS_COMMANDS]) {
			tries++;
			bus_lost(rig.bus, BUS_COMMANDS, "connect", "refused", rig.now_us);
		}
		rig_pass(&rig, 10);
	}
	/* Ten seconds: 2 s apart at most, and half of that on average. */
	cr_expect(tries >= 8 && tries <= 40, "%zu tries", tries);
	cr_expect_eq(state(), BUS_SUSPECT);
	cr_expect_str_eq(bus_reason(rig.bus), "connect");
}

Test(bus, an_answer_to_nothing_ends_the_connection)
{
	rig_live(&rig);
	rig_reply(&rig, BUS_TAIL, "null");
	rig_reply(&rig, BUS_TAIL, "null");
	bus_opened(rig.bus, BUS_INBOX, rig.now_us);
	rig_reply(&rig, BUS_INBOX, "{\"ok\": \"OK\"}");
	cr_expect_eq(state(), BUS_LIVE);
	rig_reply(&rig, BUS_COMMANDS, "1");
	rig_reply(&rig, BUS_COMMANDS, "1");
	cr_expect_eq(state(), BUS_SUSPECT);
}

Test(bus, sends_an_event_by_the_hash_of_the_script)
{
	rig_live(&rig);
	rig_publish(&rig, "a");
	cr_expect_eq(bus_queued(rig.bus), 1);
	cr_expect(rig_said(
		&rig, BUS_COMMANDS,
		"EVALSHA hash 5 {t}:epoch {t}:position "
		"{t}:invalidations:log {t}:source:/wsbroker/a/1 "
		"{t}:inbox 1 2000000 1000 {t}:invalidations {t}:invalidations:msgpack  {"));
	rig_logged(&rig, 1, "1000-6");
	cr_expect_eq(bus_queued(rig.bus), 0);
	cr_expect_eq(bus_stats(rig.bus)->published, 1);
}

Test(bus, sends_the_text_where_the_script_is_forgotten)
{
	rig_live(&rig);
	rig_publish(&rig, "a");
	rig_publish(&rig, "b");
	rig.said[BUS_COMMANDS][0] = '\0';
	rig_reply(&rig, BUS_COMMANDS, "{\"error\": \"NOSCRIPT No matching script.\"}");
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "EVAL local mu"), 1, "%s", rig.said[0]);
	rig_logged(&rig, 2, "1000-7");
	cr_expect_eq(bus_queued(rig.bus), 0);
	cr_expect_eq(bus_stats(rig.bus)->refused, 0);
	rig.said[BUS_COMMANDS][0] = '\0';
	rig_publish(&rig, "c");
	cr_expect(rig_said(&rig, BUS_COMMANDS, "EVALSHA hash"));
}

Test(bus, sends_again_under_the_same_number)
{
	rig_live(&rig);
	rig_publish(&rig, "a");
	rig_publish(&rig, "b");
	rig_logged(&rig, 1, "1000-6");
	come_back(look("\"1000\"", "\"6\"", "\"1000-6\"", rig_event("1000-5", "e5", "x")));
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "{t}:inbox 2 2000000"), 2, "%s", rig.said[0]);
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "{t}:inbox 1 2000000"), 1);
}

Test(bus, queues_while_away_and_merges)
{
	bus_lost(rig.bus, BUS_COMMANDS, "connect", "refused", rig.now_us);
	for (int i = 0; i < 100; i++)
		rig_publish(&rig, i % 2 ? "a" : "b");
	cr_expect_eq(bus_queued(rig.bus), 2);
	rig_pass(&rig, 150);
	rig_meet(&rig, "[\"1000\", \"0\", null, null, null]");
	cr_expect_eq(rig_count(&rig, BUS_COMMANDS, "EVALSHA"), 1);
	rig_logged(&rig, 2, "1000-7");
	cr_expect_eq(bus_queued(rig.bus), 0);
}

Test(bus, a_stream_ahead_of_its_counter_is_looked_into)
{
	rig_live(&rig);
	rig_publish(&rig, "a");
	rig.said[BUS_COMMANDS][0] = '\0';
	rig_reply(&rig, BUS_COMMANDS,
		  "[0, 0, \"\", \"ERR The ID specified in XADD is equal or smaller\", \"\"]");
	rig_reply(&rig, BUS_COMMANDS,
		  look("\"1000\"", "\"5\"", "\"1000-8\"", rig_event("1000-5", "e5", "x")));
	cr_expect(rig_said(&rig, BUS_COMMANDS,
			   " 1000 2000000 1000 {t}:invalidations {t}:invalidations:msgpack  {"));
	cr_expect_eq(bus_queued(rig.bus), 1);
}

Test(bus, goes_to_the_url_that_is_a_master)
{
	rig_fini(&rig);
	rig_init(&rig, 3);
	bus_lost(rig.bus, BUS_COMMANDS, "connect", "refused", rig.now_us);
	rig_pass(&rig, 10);
	cr_expect_eq(rig.dialled, 1);
	bus_opened(rig.bus, BUS_COMMANDS, rig.now_us);
	rig_reply(&rig, BUS_COMMANDS, "\"role:slave\\r\\nmaster_host:x\"");
	cr_expect(rig_told(&rig, "(replica)"));
	cr_expect_str_eq(bus_place(rig.bus)->label, "second");
	rig_pass(&rig, 10);
	cr_expect_eq(rig.dialled, 2);
	bus_opened(rig.bus, BUS_COMMANDS, rig.now_us);
	cr_expect(strstr(rig.said[BUS_COMMANDS], "AUTH u p \nSELECT 3 \nINFO replication \n"));
	rig_reply(&rig, BUS_COMMANDS, "{\"ok\": \"OK\"}");
	rig_reply(&rig, BUS_COMMANDS, "{\"error\": \"ERR DB index is out of range\"}");
	cr_expect(rig_told(&rig, "(database) ERR DB index"));
	/* The round is over: a pause, and the first one again. */
	rig_pass(&rig, 40);
	cr_expect_not(rig.open[BUS_COMMANDS]);
	rig_pass(&rig, 110);
	cr_expect_eq(rig.dialled, 0);
}

/* Whatever Redis answers, wherever: no harm, and the connection is begun anew where it must be. */
Test(bus, survives_answers_of_every_kind)
{
	static const char *const answers[] = {
		"null",
		"1",
		"-1",
		"\"\"",
		"\"x\"",
		"[]",
		"[null]",
		"[[]]",
		"[[[]]]",
		"[1,2,3,4,5]",
		"[[\"a\",[[\"1-1\"]]]]",
		"{\"ok\":\"OK\"}",
		"{\"error\":\"ERR no\"}",
		"[\"message\"]",
		"[\"message\",1,2]",
		"[null,null,null,null,null]",
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		for (size_t link = 0; link < BUS_LINKS; link++) {
			rig_fini(&rig);
			rig_init(&rig, 1);
			rig_live(&rig);
			rig_publish(&rig, "a");
			bus_opened(rig.bus, BUS_INBOX, rig.now_us);
			bus_opened(rig.bus, BUS_HEARING, rig.now_us);
			rig_reply(&rig, (enum bus_link)link, answers[i]);
			rig_pass(&rig, 3000);
		}
	}
}
