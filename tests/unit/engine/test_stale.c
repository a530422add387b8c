/* Entries past their ttl, or made untrue softly: served while they are refreshed, or where the
 * upstream fails. */
#include <criterion/criterion.h>

#include "tests/unit/engine/larder.h"

/* How long after its ttl a stored "1" may be served: while it is refreshed, and where that fails.
 * Its ttl has passed. */
static void begin_gone_stale(struct larder *larder, uint64_t while_revalidate_us,
			     uint64_t if_error_us)
{
	larder->rule->stale_while_revalidate_us = while_revalidate_us;
	larder->rule->stale_if_error_us = if_error_us;
	larder_begin(larder);
	fills(larder, "1");
	stage_pass(&larder->stage, 61 * STAGE_S);
}

/* A stored "1" that has 10 s left of 60, where entries are refreshed 12 s ahead. */
static void begin_soon_stale(struct larder *larder)
{
	larder->rule->prefetch_threshold = 0.8;
	larder_begin(larder);
	fills(larder, "1");
	stage_pass(&larder->stage, 50 * STAGE_S);
}

static void says_numbered(struct larder *larder, int number)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\",\"params\":[%d]}", number);
	says(larder->client, text);
}

Test(stale, entries_are_served_and_refreshed_once)
{
	struct larder larder;

	larder_init(&larder);
	begin_gone_stale(&larder, 30 * STAGE_S, 0);
	says(larder.client, WHY(1));
	expect_told(larder.client, "stale", "expired");
	says(larder.client, ASK(2));
	expect_hears(larder.client, GOT(2, "1"));
	brings(&larder, "2");
	expect_silence(larder.upstream);
	expect_silence(larder.client);
	says(larder.client, ASK(3));
	expect_hears(larder.client, GOT(3, "2"));
	cr_assert_eq(larder.stats->stale, 2);
	cr_assert_eq(larder.stats->own_loads[OWN_LOAD_STALE], 1);
	/* Nobody has asked for that, so nobody's request is counted. */
	cr_assert_eq(larder.stage.outside.engine->lanes[0]->traffic.results[RESULT_ABANDONED], 0);
	stage_pass(&larder.stage, 100 * STAGE_S);
	fills(&larder, "3");
	larder_end(&larder);
}

Test(stale, entries_are_refreshed_once_whatever_is_invalidated_meanwhile)
{
	struct larder larder;

	larder_init(&larder);
	begin_gone_stale(&larder, 30 * STAGE_S, 0);
	for (int i = 0; i < 10; i++) {
		says(larder.client, ASK(1));
		expect_hears(larder.client, GOT(1, "1"));
		invalidates(&larder, INVALIDATE_HARD, "another");
	}
	brings(&larder, "2");
	expect_silence(larder.upstream);
	says(larder.client, ASK(2));
	expect_hears(larder.client, GOT(2, "2"));
	larder_end(&larder);
}

Test(stale, a_refresh_that_comes_to_nothing_is_not_tried_again_at_once)
{
	struct larder larder;

	larder_init(&larder);
	begin_gone_stale(&larder, 30 * STAGE_S, 0);
	for (int time = 0; time < 3; time++) {
		says(larder.client, ASK(1));
		answers(larder.upstream, hears_request(larder.upstream), "\"error\":{}");
		for (int i = 0; i < 10; i++)
			says(larder.client, ASK(1));
		expect_silence(larder.upstream);
		stage_pass(&larder.stage, 1100 * STAGE_MS);
	}
	for (int i = 0; i < 33; i++)
		expect_hears(larder.client, GOT(1, "1"));
	larder_end(&larder);
}

Test(stale, soft_invalidation_keeps_the_value_for_the_time_being)
{
	struct larder larder;

	larder_init(&larder);
	larder.rule->stale_while_revalidate_us = 30 * STAGE_S;
	larder_begin(&larder);
	fills(&larder, "1");
	cr_assert_eq(invalidates(&larder, INVALIDATE_SOFT, NULL), 1);
	says(larder.client, WHY(1));
	expect_told(larder.client, "stale", "invalidated");
	says(larder.client, WISH(2, "only"));
	expect_part(larder.client, "\"code\":-32005");
	brings(&larder, "2");
	says(larder.client, ASK(3));
	expect_hears(larder.client, GOT(3, "2"));
	larder_end(&larder);
}

/* Whatever the number of entries, the upstream sees few refreshes a second. */
Test(stale, what_was_made_stale_at_once_is_refreshed_at_a_pace)
{
	struct larder larder;
	int refreshed = 0;

	larder_init(&larder);
	larder.rule->stale_while_revalidate_us = 30 * STAGE_S;
	larder_begin(&larder);
	for (int i = 0; i < 100; i++) {
		says_numbered(&larder, i);
		brings(&larder, "1");
		cr_assert_not_null(hears(larder.client));
	}
	stage_pass(&larder.stage, 30 * STAGE_S);
	invalidates(&larder, INVALIDATE_SOFT, NULL);
	for (int i = 0; i < 100; i++) {
		says_numbered(&larder, i);
		expect_hears(larder.client, GOT(1, "1"));
		if (is_spoken_to(larder.upstream)) {
			brings(&larder, "2");
			refreshed++;
		}
		stage_pass(&larder.stage, 20 * STAGE_MS);
	}
	cr_assert_geq(refreshed, 6, "%d", refreshed);
	cr_assert_leq(refreshed, 9, "%d", refreshed);
	cr_assert_eq(larder.stats->paced, (uint64_t)(100 - refreshed));
	larder_end(&larder);
}

Test(stale, what_is_asked_for_again_and_again_is_refreshed_ahead)
{
	struct larder larder;

	larder_init(&larder);
	begin_soon_stale(&larder);
	says(larder.client, ASK(1));
	says(larder.client, ASK(1));
	expect_silence(larder.upstream);
	says(larder.client, ASK(1));
	brings(&larder, "2");
	says(larder.client, ASK(1));
	expect_silence(larder.upstream);
	cr_assert_eq(larder.stats->own_loads[OWN_LOAD_AHEAD], 1);
	for (int i = 0; i < 3; i++)
		expect_hears(larder.client, GOT(1, "1"));
	expect_hears(larder.client, GOT(1, "2"));
	larder_end(&larder);
}

/* Another client's connection might answer as if he had asked. */
Test(stale, nothing_is_refreshed_ahead_where_clients_stay_on_a_connection)
{
	struct larder larder;

	larder_init(&larder);
	larder.stage.pool->affinity = AFFINITY_CLIENT;
	begin_soon_stale(&larder);
	for (int i = 0; i < 5; i++) {
		says(larder.client, ASK(1));
		expect_hears(larder.client, GOT(1, "1"));
	}
	expect_silence(larder.upstream);
	cr_assert_eq(larder.stats->own_loads[OWN_LOAD_AHEAD], 0);
	larder_end(&larder);
}

Test(stale, refreshes_do_not_stand_in_the_way_of_clients)
{
	struct larder larder;

	larder_init(&larder);
	larder.stage.pool->max_in_flight = 1;
	begin_gone_stale(&larder, 30 * STAGE_S, 0);
	says(larder.client, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"other\"}");
	says(larder.client, ASK(1));
	expect_hears(larder.client, GOT(1, "1"));
	brings(&larder, "0");
	expect_hears(larder.client, GOT(9, "0"));
	expect_silence(larder.upstream);
	larder_end(&larder);
}

Test(stale, a_failed_upstream_is_covered_for)
{
	const struct request_record *record;
	struct requests *requests;
	struct larder larder;

	larder_init(&larder);
	begin_gone_stale(&larder, 0, 300 * STAGE_S);
	requests = &larder.stage.outside.engine->requests;
	says(larder.client, WHY(1));
	says(larder.client, WHY(2));
	hears_request(larder.upstream);
	requests->settings.slow_us = 1;
	stage_pass(&larder.stage, STAGE_S / 10);
	stage_kill(larder.upstream);
	expect_told(larder.client, "stale", "upstream_lost");
	expect_told(larder.client, "stale", "upstream_lost");
	cr_assert_eq(larder.stats->stale_error, 2);
	/* What is kept of it says the same. */
	record = requests_get(requests, requests->newest_id);
	cr_assert_not_null(record);
	cr_expect_str_eq(record->cache, "stale");
	cr_expect_str_eq(record->reason, "upstream_lost");
	cr_expect(record->aged && record->age_us > 60 * STAGE_S && record->age_us < 62 * STAGE_S);
	/* Not for who wants no old one. */
	says(larder.client, WISH(3, "refresh"));
	stage_pass(&larder.stage, 6 * STAGE_S);
	expect_part(larder.client, "\"id\":3,\"error\"");
	larder_end(&larder);
}

/* An entry that is fresh but in doubt is not what the route serves instead of an error. */
Test(stale, what_is_in_doubt_covers_only_where_it_is_told_to)
{
	for (int told = 0; told < 2; told++) {
		struct larder larder;
		struct engine *engine;

		larder_init(&larder);
		larder.rule->trust = TRUST_ASK;
		larder.rule->stale_if_error_us = told ? 300 * STAGE_S : 0;
		larder_begin(&larder);
		engine = larder.stage.outside.engine;
		fills(&larder, "1");
		engine->cached.suspect_us = larder.stage.outside.now_us;
		says(larder.client, WHY(1));
		hears_request(larder.upstream);
		stage_kill(larder.upstream);
		expect_part(larder.client,
			    told ? "\"cache\":\"stale\"" : "\"error\":{\"code\":-32001");
		larder_end(&larder);
	}
}

Test(stale, what_was_invalidated_hard_covers_for_nobody)
{
	struct larder larder;

	larder_init(&larder);
	larder.rule->stale_if_error_us = 300 * STAGE_S;
	larder.rule->stale_while_revalidate_us = 300 * STAGE_S;
	larder_begin(&larder);
	fills(&larder, "1");
	cr_assert_eq(invalidates(&larder, INVALIDATE_HARD, NULL), 1);
	says(larder.client, ASK(1));
	hears_request(larder.upstream);
	stage_kill(larder.upstream);
	expect_part(larder.client, "\"reason\":\"upstream_lost\"");
	larder_end(&larder);
}

Test(stale, an_error_that_counts_as_a_failure_is_covered_for)
{
	struct larder larder;
	static const char *listed[] = {"-5"};

	larder_init(&larder);
	larder.stage.pool->ejection.errors = listed;
	larder.stage.pool->ejection.error_count = 1;
	begin_gone_stale(&larder, 0, 300 * STAGE_S);
	says(larder.client, ASK(1));
	/* An error that is the application's own goes through. */
	answers(larder.upstream, hears_request(larder.upstream), "\"error\":{\"code\":-4}");
	expect_part(larder.client, "\"error\":{\"code\":-4}");
	says(larder.client, WHY(2));
	answers(larder.upstream, hears_request(larder.upstream), "\"error\":{\"code\":-5}");
	expect_told(larder.client, "stale", "error");
	larder_end(&larder);
}

Test(stale, a_refresh_is_joined_by_who_misses)
{
	struct larder larder;

	larder_init(&larder);
	begin_gone_stale(&larder, 5 * STAGE_S, 0);
	says(larder.client, ASK(1));
	expect_hears(larder.client, GOT(1, "1"));
	stage_pass(&larder.stage, 5 * STAGE_S);
	says(larder.client, WHY(2));
	brings(&larder, "2");
	expect_told(larder.client, "joined", "joined");
	expect_silence(larder.upstream);
	larder_end(&larder);
}

/* While events of others may be missing, an entry is believed as long as its route says. */
Test(stale, a_suspect_bus_is_trusted_as_the_rule_says)
{
	static const struct {
		enum cache_trust trust;
		uint64_t age_us, suspect_us; /* how old, and since when suspect */
		bool served;
	} cases[] = {
		{TRUST_TTL, 50 * STAGE_S, 40 * STAGE_S, true},
		{TRUST_BRIEFLY, 50 * STAGE_S, STAGE_S, true},
		{TRUST_BRIEFLY, 50 * STAGE_S, 3 * STAGE_S, false},
		{TRUST_BRIEFLY, STAGE_S, 40 * STAGE_S, true},
		{TRUST_BRIEFLY, 3 * STAGE_S, 40 * STAGE_S, false},
		{TRUST_ASK, STAGE_S, STAGE_S, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct larder larder;
		struct engine *engine;

		larder_init(&larder);
		larder.rule->trust = cases[i].trust;
		larder_begin(&larder);
		engine = larder.stage.outside.engine;
		fills(&larder, "1");
		stage_pass(&larder.stage, cases[i].age_us);
		engine->cached.suspect_us = larder.stage.outside.now_us - cases[i].suspect_us;
		says(larder.client, WHY(1));
		if (!cases[i].served)
			brings(&larder, "2");
		expect_told(larder.client, cases[i].served ? "hit" : "miss",
			    cases[i].served ? "fresh" : "suspect");
		larder_end(&larder);
	}
}
