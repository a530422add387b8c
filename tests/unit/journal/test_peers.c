#include <criterion/criterion.h>
#include <stdio.h>
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

static void note(const char *source, uint64_t seq, uint64_t now_us)
{
	struct event event = {.type = EVENT_HEARTBEAT,
			      .source = span_text(source),
			      .position = {1, seq},
			      .heartbeat = {.node = span_text(source), .clients = 4}};

	peers_note(&peers, &event, now_us);
}

Test(peers, live_while_they_are_heard)
{
	const struct bus_peer *peer;

	note("a", 1, 1000);
	note("a", 2, 2000);
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
	note("a", 4, 0);
	note("b", 5, 0);
	note("c", 3, 0);
	cr_expect_not(peers_have_applied(&peers, (struct position){1, 5}, &behind, 10));
	cr_expect_str_eq(behind.text, "a, c");
	peers_leave(&peers, span_text("c"));
	note("a", 5, 0);
	cr_expect(peers_have_applied(&peers, (struct position){1, 5}, NULL, 10));
	/* Who is silent is not waited for. */
	cr_expect(peers_have_applied(&peers, (struct position){1, 6}, NULL, PEER_LIVE_US));
	strbuf_fini(&behind);
}

Test(peers, are_bounded)
{
	char source[16];

	for (int i = 0; i < BUS_PEERS_MAX + 5; i++) {
		snprintf(source, sizeof(source), "%d", i);
		note(source, 1, 0);
	}
	cr_expect_eq(peers.list.count, BUS_PEERS_MAX);
	cr_expect_eq(peers.refused, 5);
}
