#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/journal/peers.h"

static struct peers peers;

static void set_up(void)
{
	peers_init(&peers);
}

static void tear_down(void)
{
	peers_fini(&peers);
}

TestSuite(peers, .init = set_up, .fini = tear_down);

static enum wsb_err note(const char *source, uint64_t seq, uint64_t now_us)
{
	struct event event = {.type = EVENT_HEARTBEAT,
			      .source = span_text(source),
			      .position = {1, seq},
			      .heartbeat = {.node = span_text(source), .clients = 4}};

	return peers_note(&peers, &event, now_us);
}

Test(peers, live_while_they_are_heard)
{
	const struct bus_peer *peer;

	cr_expect_eq(note("a", 1, 1000), WSB_OK);
	cr_expect_eq(note("a", 2, 2000), WSB_OK);
	cr_assert_eq(peers.list.count, 1);
	peer = list_entry(list_first(&peers.list), struct bus_peer, link);
	cr_expect_eq(peer->position.seq, 2);
	cr_expect(peer_is_live(peer, 2000 + PEER_LIVE_US - 1));
	cr_expect_not(peer_is_live(peer, 2000 + PEER_LIVE_US));
	peers_upkeep(&peers, 2000 + PEER_FORGET_US - 1);
	cr_expect_eq(peers.list.count, 1);
	peers_upkeep(&peers, 2000 + PEER_FORGET_US);
	cr_expect_eq(peers.list.count, 0);
}

Test(peers, name_those_that_are_behind)
{
	struct strbuf behind;

	strbuf_init(&behind);
	cr_expect_eq(note("a", 4, 0), WSB_OK);
	cr_expect_eq(note("b", 5, 0), WSB_OK);
	cr_expect_eq(note("c", 3, 0), WSB_OK);
	cr_expect_not(peers_have_applied(&peers, (struct position){1, 5}, &behind, 10));
	cr_expect_str_eq(behind.text, "a, c");
	peers_leave(&peers, span_text("c"));
	cr_expect_eq(note("a", 5, 0), WSB_OK);
	cr_expect(peers_have_applied(&peers, (struct position){1, 5}, NULL, 10));
	/* Who is silent is not waited for. */
	cr_expect(peers_have_applied(&peers, (struct position){1, 6}, NULL, PEER_LIVE_US));
	strbuf_fini(&behind);
}

static void fill(uint64_t now_us)
{
	char source[16];

	for (int i = 0; i < BUS_PEERS_MAX; i++) {
		snprintf(source, sizeof(source), "%d", i);
		cr_assert_eq(note(source, 9, now_us), WSB_OK);
	}
}

Test(peers, are_bounded)
{
	fill(0);
	cr_expect_eq(note("late", 1, 0), WSB_ELIMIT);
	cr_expect_eq(note("later", 1, 0), WSB_ELIMIT);
	cr_expect_eq(note("7", 10, 0), WSB_OK);
	cr_expect_eq(peers.list.count, BUS_PEERS_MAX);
	cr_expect_eq(peers.refused, 2);
}

/* Of those for whom there is no place nothing is known: they may be behind. */
Test(peers, wait_for_others_for_whom_there_is_no_place)
{
	struct strbuf behind;

	strbuf_init(&behind);
	fill(1000);
	cr_expect(peers_have_applied(&peers, (struct position){1, 9}, NULL, 1000));
	cr_expect_eq(note("late", 9, 1000), WSB_ELIMIT);
	cr_expect(peers_are_too_many(&peers, 1000));
	cr_expect_not(peers_have_applied(&peers, (struct position){1, 9}, &behind, 1000));
	cr_expect_str_eq(behind.text, "others");
	cr_expect_not(peers_are_too_many(&peers, 1000 + PEER_LIVE_US), "they are gone");
	cr_expect(peers_have_applied(&peers, (struct position){1, 9}, NULL, 1000 + PEER_LIVE_US));
	strbuf_fini(&behind);
}

Test(peers, who_is_silent_makes_room_for_who_is_not)
{
	fill(0);
	cr_expect_eq(note("late", 1, PEER_LIVE_US), WSB_OK);
	cr_expect_eq(peers.list.count, BUS_PEERS_MAX);
}

Test(peers, call_themselves_something_short)
{
	static char source[PEER_SOURCE_MAX + 2];

	memset(source, 'x', sizeof(source) - 1);
	cr_expect_eq(note(source, 1, 0), WSB_EINVAL);
	cr_expect_eq(peers.list.count, 0);
}
