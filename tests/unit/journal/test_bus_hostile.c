/* A Redis that answers what it likes, and a bus that must neither fall nor run hot. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/journal/bus_state.h"
#include "common/rng.h"
#include "rig.h"

static struct rig rig;
static struct rng rng;

static void set_up(void)
{
	rig_init(&rig, 2);
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(bus_hostile, .init = set_up, .fini = tear_down);

/* Answers that are empty at once, of a server that does not know how to wait. */
Test(bus_hostile, who_does_not_wait_is_asked_a_hundred_times_a_second)
{
	size_t reads = 0, takes = 0;

	rig_live(&rig);
	bus_opened(rig.bus, BUS_INBOX, rig.now_us);
	rig_reply(&rig, BUS_INBOX, "{\"ok\": \"OK\"}");
	for (int i = 0; i < 3; i++)
		rig_reply(&rig, BUS_INBOX, "0");
	rig_reply(&rig, BUS_TAIL, "null");
	for (int tick = 0; tick < 50; tick++) {
		for (int i = 0; i < 1000 && rig_said(&rig, BUS_TAIL, "XREAD"); i++, reads++)
			rig_reply(&rig, BUS_TAIL, "null");
		for (int i = 0; i < 1000 && rig.said[BUS_INBOX][0]; i++, takes++) {
			bool claims = rig_said(&rig, BUS_INBOX, "XAUTOCLAIM");

			rig_reply(&rig, BUS_INBOX, claims ? "[\"0-0\", []]" : "[[\"x\", []]]");
		}
		rig_pass(&rig, 10);
	}
	cr_expect_eq(bus_state(rig.bus, rig.now_us), BUS_LIVE);
	cr_expect(reads > 50 && reads <= 50 * (BUS_IDLE_READS_MAX + 1), "%zu readings", reads);
	cr_expect(takes > 50 && takes <= 50 * 3, "%zu takes", takes);
}

/* No broker numbers its events so: whoever goes on behind the hole would meet it there again. */
Test(bus_hostile, nothing_arrives_from_before_the_first_place_of_an_epoch)
{
	char reading[4096];

	rig_live(&rig);
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("2000-0", "e", "t"));
	rig_reply(&rig, BUS_TAIL, reading);
	cr_expect(strstr(rig.told, "resync renumbered at 2000-0"));
	cr_expect_not(rig_told(&rig, "arrived"));
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("2000-1", "e1", "t"));
	rig_reply(&rig, BUS_TAIL, reading);
	cr_expect(rig_told(&rig, "arrived 2000-1"));
}

/* Entries that have been read are no news either. */
Test(bus_hostile, who_tells_the_same_again_and_again_is_asked_less)
{
	char reading[8192];
	size_t reads = 0;

	rig_live(&rig);
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("1000-4", "e4", "x"));
	rig_reply(&rig, BUS_TAIL, reading);
	for (; reads < 1000 && rig_said(&rig, BUS_TAIL, "XREAD"); reads++)
		rig_reply(&rig, BUS_TAIL, reading);
	cr_expect_lt(reads, BUS_IDLE_READS_MAX + 1);
	rig_pass(&rig, 10);
	cr_expect(rig_said(&rig, BUS_TAIL, "XREAD"));
}

Test(bus_hostile, what_nobody_reaches_hides_nothing_that_is_awaited)
{
	char reading[8192];

	rig_live(&rig);
	bus_opened(rig.bus, BUS_HEARING, rig.now_us);
	rig_reply(&rig, BUS_HEARING, "[\"subscribe\", \"{t}:invalidate\", 1]");
	rig_reply(&rig, BUS_HEARING,
		  "[\"message\", \"{t}:brokers:talk\", \"await 18446744073709551615-1\"]");
	rig_reply(&rig, BUS_HEARING, "[\"message\", \"{t}:brokers:talk\", \"await 1000-6\"]");
	rig.said[BUS_COMMANDS][0] = '\0';
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("1000-6", "e6", "six"));
	rig_reply(&rig, BUS_TAIL, reading);
	cr_expect(rig_said(&rig, BUS_COMMANDS, "PUBLISH {t}:brokers {"), "it is told at once");
	rig_reply(&rig, BUS_HEARING, "[\"message\", \"{t}:brokers:talk\", \"await 1000-7\"]");
	snprintf(reading, sizeof(reading), "[[\"log\", [%s]]]", rig_entry("1000-7", "e7", "x"));
	rig_reply(&rig, BUS_TAIL, reading);
	cr_expect(rig_said(&rig, BUS_COMMANDS, "PUBLISH {t}:brokers {"));
}

static const char *pick(const char *const *words, size_t count)
{
	return words[rng_below(&rng, count)];
}

/* One answer, of what Redis could have said, or anything. */
static void make(char *out, size_t size, int depth)
{
	static const char *const words[] = {"null",
					    "0",
					    "1",
					    "-1",
					    "9223372036854775807",
					    "\"\"",
					    "\"0-0\"",
					    "\"1000\"",
					    "\"5\"",
					    "\"1000-5\"",
					    "\"1000-6\"",
					    "\"2000-1\"",
					    "\"18446744073709551615-1\"",
					    "\"hash\"",
					    "\"# Replication\\r\\nrole:master\"",
					    "\"role:slave\"",
					    "\"event\"",
					    "\"tags\"",
					    "\"x\"",
					    "\"message\"",
					    "\"pong\"",
					    "\"subscribe\"",
					    "\"{t}:invalidate\"",
					    "\"{t}:brokers\"",
					    "\"{t}:brokers:talk\"",
					    "\"{\\\"tags\\\":[\\\"a\\\"]}\"",
					    "\"await 1000-9\"",
					    "\"leave /x\"",
					    "\"[\\\"a\\\"]\"",
					    "{\"ok\": \"OK\"}",
					    "{\"error\": \"ERR no\"}",
					    "{\"error\": \"NOPERM no\"}",
					    "{\"error\": \"READONLY\"}",
					    "{\"error\": \"NOGROUP\"}",
					    "{\"error\": \"BUSYGROUP\"}",
					    "{\"error\": \"NOSCRIPT\"}",
					    "{\"error\": \"\"}",
					    "{\"error\": \"ERR unknown command `XAUTOCLAIM`\"}",
					    "{\"error\": \"ERR equal or smaller\"}"};
	size_t len = 0, count = rng_below(&rng, 6);

	if (depth == 0 || rng_below(&rng, 3) > 0) {
		snprintf(out, size, "%s", pick(words, sizeof(words) / sizeof(words[0])));
		return;
	}
	if (depth > 1 && rng_below(&rng, 4) == 0) {
		snprintf(out, size, "[[\"log\", [%s]]]", rig_entry("1000-6", "e6", "six"));
		return;
	}
	len += (size_t)snprintf(out, size, "[");
	for (size_t i = 0; i < count && len + 64 < size / 2; i++) {
		if (i > 0)
			len += (size_t)snprintf(out + len, size - len, ", ");
		make(out + len, size - len - 2, depth - 1);
		len += strlen(out + len);
	}
	snprintf(out + len, size - len, "]");
}

static void answer_anything(void)
{
	static char answer[65536];
	enum bus_link link = (enum bus_link)rng_below(&rng, BUS_LINKS);

	if (!rig.open[link])
		return;
	if (rng_below(&rng, 4) == 0)
		bus_opened(rig.bus, link, rig.now_us);
	make(answer, sizeof(answer), 3);
	rig_reply(&rig, link, answer);
}

Test(bus_hostile, survives_whatever_is_answered)
{
	for (uint64_t seed = 0; seed < 300; seed++) {
		rng_init(&rng, seed);
		rig_fini(&rig);
		rig_init(&rig, 2);
		if (seed % 3 > 0)
			rig_live(&rig);
		for (int i = 0; i < 150; i++) {
			if (rng_below(&rng, 5) == 0)
				rig_publish(&rig, i % 2 ? "a" : "b");
			if (rng_below(&rng, 50) == 0)
				bus_lost(rig.bus, (enum bus_link)rng_below(&rng, BUS_LINKS), "eof",
					 "gone", rig.now_us);
			answer_anything();
			if (rng_below(&rng, 3) == 0)
				rig_pass(&rig, 10 * (1 + rng_below(&rng, 60)));
			for (size_t link = 0; link < BUS_LINKS; link++)
				rig.said[link][0] = '\0';
			rig.told[0] = '\0';
		}
		cr_expect_leq(bus_queued(rig.bus), 400);
	}
}
