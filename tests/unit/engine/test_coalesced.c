/* Equal misses at once: one load, and what becomes of those who wait for it. */
#include <criterion/criterion.h>

#include "tests/unit/engine/larder.h"

#define CLIENTS 50

Test(coalesced, equal_misses_are_one_load)
{
	struct larder larder;
	struct peer *clients[CLIENTS];

	larder_open(&larder);
	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i] = stage_client(&larder.stage);
		says(clients[i], i % 2 ? ASK("q") : WHY("q"));
	}
	brings(&larder, "[8]");
	expect_silence(larder.upstream);
	for (size_t i = 1; i < CLIENTS; i += 2)
		expect_hears(clients[i], GOT("q", "[8]"));
	expect_told(clients[0], "miss", "absent");
	expect_told(clients[2], "joined", "joined");
	cr_assert_eq(larder.stats->joined, CLIENTS - 1);
	cr_assert_eq(larder.stage.outside.engine->lanes[0]->traffic.attempts, 1);
	cr_assert_eq(larder.stage.outside.engine->lanes[0]->traffic.results[RESULT_OK], CLIENTS);
	larder_end(&larder);
}

Test(coalesced, an_error_is_an_answer_for_all)
{
	struct larder larder;

	larder_open(&larder);
	says(larder.client, ASK(1));
	says(larder.client, ASK(2));
	answers(larder.upstream, hears_request(larder.upstream), "\"error\":{\"code\":7}");
	expect_part(larder.client, "\"id\":2,\"error\":{\"code\":7}");
	expect_part(larder.client, "\"id\":1,\"error\":{\"code\":7}");
	expect_silence(larder.upstream);
	larder_end(&larder);
}

Test(coalesced, who_comes_after_an_invalidation_loads_for_himself)
{
	struct larder larder;
	uint64_t first, second;

	larder_open(&larder);
	says(larder.client, ASK(1));
	says(larder.client, ASK(2));
	first = hears_request(larder.upstream);
	invalidates(&larder, INVALIDATE_HARD, "whatever");
	says(larder.client, ASK(3));
	says(larder.client, ASK(4));
	second = hears_request(larder.upstream);
	expect_silence(larder.upstream);
	answers(larder.upstream, second, "\"result\":\"new\"");
	expect_hears(larder.client, GOT(4, "\"new\""));
	expect_hears(larder.client, GOT(3, "\"new\""));
	/* Those who came before get what they came for, and it is not stored over the newer. */
	answers(larder.upstream, first, "\"result\":\"old\"");
	expect_hears(larder.client, GOT(2, "\"old\""));
	expect_hears(larder.client, GOT(1, "\"old\""));
	says(larder.client, ASK(5));
	expect_hears(larder.client, GOT(5, "\"new\""));
	larder_end(&larder);
}

Test(coalesced, a_lost_leader_costs_the_others_one_more_try)
{
	struct larder larder;

	larder_init(&larder);
	larder.stage.pool->size = 2;
	larder_begin(&larder);
	says(larder.client, ASK(1));
	says(larder.client, ASK(2));
	says(larder.client, WHY(3));
	larder.upstream = stage_asked(&larder.stage);
	hears_request(larder.upstream);
	stage_kill(larder.upstream);
	expect_part(larder.client, "\"id\":1,\"error\":{\"code\":-32001");
	larder.upstream = stage_upstream(&larder.stage, 0);
	brings(&larder, "1");
	expect_told(larder.client, "joined", "joined");
	expect_hears(larder.client, GOT(2, "1"));
	cr_assert_eq(larder.stats->led_anew, 1);
	larder_end(&larder);
}

/* Of two upstreams the one that is asked takes its time, and the other one brings the answer. */
static struct peer *is_overtaken(struct larder *larder)
{
	struct peer *slow = stage_asked(&larder->stage);
	struct peer *fast = stage_other(&larder->stage, slow);

	hears_request(slow);
	stage_pass(&larder->stage, 150 * STAGE_MS);
	answers(fast, hears_request(fast), "\"result\":1");
	return slow;
}

Test(coalesced, a_slow_leader_is_overtaken)
{
	struct larder larder;
	struct peer *slow;

	larder_init(&larder);
	larder.stage.pool->size = 2;
	larder.stage.any->attempt_timeout_us = 100 * STAGE_MS;
	larder_begin(&larder);
	says(larder.client, ASK(1));
	says(larder.client, ASK(2));
	says(larder.client, ASK(3));
	slow = is_overtaken(&larder);
	expect_hears(larder.client, GOT(3, "1"));
	expect_hears(larder.client, GOT(2, "1"));
	expect_silence(larder.client);
	/* The first one still waits for its own. */
	answers(slow, 1, "\"result\":0");
	expect_hears(larder.client, GOT(1, "0"));
	says(larder.client, ASK(4));
	expect_hears(larder.client, GOT(4, "1"));
	larder_end(&larder);
}

Test(coalesced, a_slow_leader_that_gets_no_answer_has_what_the_other_brought)
{
	struct larder larder;

	larder_init(&larder);
	larder.stage.pool->size = 2;
	larder.stage.any->attempt_timeout_us = 100 * STAGE_MS;
	larder.stage.any->timeout_us = STAGE_S;
	larder_begin(&larder);
	says(larder.client, WHY(1));
	says(larder.client, ASK(2));
	is_overtaken(&larder);
	expect_hears(larder.client, GOT(2, "1"));
	stage_pass(&larder.stage, STAGE_S);
	/* It is fresh, though it has been counted as a miss. */
	expect_told(larder.client, "hit", "timeout");
	cr_assert_eq(larder.stats->stale_error, 0);
	cr_assert_eq(larder.stats->hits, 0);
	larder_end(&larder);
}

Test(coalesced, each_keeps_its_own_deadline)
{
	struct larder larder;

	larder_open(&larder);
	says(larder.client, ASK(1));
	says(larder.client, ASKS(2, ",\"wsbroker\":{\"timeout\":\"200ms\"}"));
	says(larder.client, ASK(3));
	stage_pass(&larder.stage, 300 * STAGE_MS);
	expect_part(larder.client, "\"id\":2,\"error\":{\"code\":-32002");
	expect_silence(larder.client);
	brings(&larder, "1");
	expect_hears(larder.client, GOT(3, "1"));
	expect_hears(larder.client, GOT(1, "1"));
	larder_end(&larder);
}

/* A third of that is no time at all, in which a slow load would be looked at again and again. */
Test(coalesced, a_deadline_of_a_moment_keeps_nobody_busy)
{
	struct larder larder;

	larder_open(&larder);
	says(larder.client, ASK(1));
	stage_pass(&larder.stage, 10 * STAGE_MS);
	for (int i = 0; i < 3; i++)
		says(larder.client, ASKS(2, ",\"wsbroker\":{\"timeout\":\"1us\"}"));
	stage_pass(&larder.stage, STAGE_MS / 2);
	stage_pass(&larder.stage, 10 * STAGE_MS);
	for (int i = 0; i < 3; i++)
		expect_part(larder.client, "\"id\":2,\"error\":{\"code\":-32002");
	brings(&larder, "1");
	expect_hears(larder.client, GOT(1, "1"));
	larder_end(&larder);
}

Test(coalesced, a_leader_that_gives_up_first_leaves_the_load_to_the_next)
{
	struct larder larder;

	larder_open(&larder);
	says(larder.client, ASKS(1, ",\"wsbroker\":{\"timeout\":\"200ms\"}"));
	says(larder.client, ASK(2));
	hears_request(larder.upstream);
	stage_pass(&larder.stage, 300 * STAGE_MS);
	expect_part(larder.client, "\"id\":1,\"error\":{\"code\":-32002");
	brings(&larder, "2");
	expect_hears(larder.client, GOT(2, "2"));
	larder_end(&larder);
}

Test(coalesced, a_leader_whose_client_goes_loads_for_the_others)
{
	struct larder larder;
	struct peer *leader;

	larder_open(&larder);
	leader = stage_client(&larder.stage);
	says(leader, ASK(1));
	says(larder.client, ASK(2));
	stage_kill(leader);
	brings(&larder, "1");
	expect_silence(larder.upstream);
	expect_hears(larder.client, GOT(2, "1"));
	larder_end(&larder);
}

Test(coalesced, a_leader_that_goes_while_it_waits_is_replaced)
{
	struct larder larder;
	struct peer *leader;

	larder_init(&larder);
	larder.stage.pool->max_in_flight = 1;
	larder_begin(&larder);
	says(larder.client, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"other\"}");
	leader = stage_client(&larder.stage);
	says(leader, ASK(1));
	says(larder.client, ASK(2));
	stage_kill(leader);
	brings(&larder, "0");
	brings(&larder, "1");
	expect_hears(larder.client, GOT(9, "0"));
	expect_hears(larder.client, GOT(2, "1"));
	larder_end(&larder);
}

/* The queue's patience is that of each who waits, and is not begun anew with each leader. */
Test(coalesced, all_give_up_together_where_no_connection_comes_up)
{
	struct larder larder;

	larder_init(&larder);
	larder.stage.pool->queue.age_us = STAGE_S;
	larder_begin(&larder);
	stage_kill(larder.upstream);
	for (int i = 0; i < 20; i++)
		says(larder.client, ASK(1));
	stage_pass(&larder.stage, 900 * STAGE_MS);
	expect_silence(larder.client);
	stage_pass(&larder.stage, 200 * STAGE_MS);
	for (int i = 0; i < 20; i++)
		expect_error(larder.client, .id = "1", .code = -32000, .reason = "unavailable",
			     .retryable = true, .pool = "main", .limit = "pools.queue.age");
	larder_end(&larder);
}

Test(coalesced, both_encodings_wait_for_one_load)
{
	static const char request[] = "\x84\xa7jsonrpc\xa3"
				      "2.0\xa2id\x05\xa6method\xa3get\xa6params\x91\x01";
	static const char answer[] = "\x83\xa7jsonrpc\xa3"
				     "2.0\xa2id\x05\xa6result\x91\x01";
	struct larder larder;
	struct peer *other;

	larder_open(&larder);
	other = stage_client(&larder.stage);
	says(larder.client, ASK(1));
	says_bytes(other, request, sizeof(request) - 1);
	brings(&larder, "[1]");
	expect_silence(larder.upstream);
	expect_hears(other, answer);
	expect_hears(larder.client, GOT(1, "[1]"));
	larder_end(&larder);
}

/* Each of them gets his own id, in either encoding, though it is turned once for all. */
Test(coalesced, many_in_the_other_encoding_are_answered_alike)
{
	char request[] = "\x84\xa7jsonrpc\xa3"
			 "2.0\xa2id\x05\xa6method\xa3get\xa6params\x91\x01";
	char answer[] = "\x83\xa7jsonrpc\xa3"
			"2.0\xa2id\x05\xa6result\x91\x01";
	struct larder larder;
	struct peer *others[3];

	larder_init(&larder);
	larder_begin(&larder);
	says(larder.client, ASK(1));
	for (int i = 0; i < 3; i++) {
		others[i] = stage_client(&larder.stage);
		request[16] = (char)(10 + i);
		says_bytes(others[i], request, sizeof(request) - 1);
	}
	brings(&larder, "[1]");
	for (int i = 0; i < 3; i++) {
		answer[16] = (char)(10 + i);
		expect_hears(others[i], answer);
	}
	expect_hears(larder.client, GOT(1, "[1]"));
	larder_end(&larder);
}
