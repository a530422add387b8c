/* Requests of routes with `cache`: what is answered out of it, what is stored. */
#include <criterion/criterion.h>

#include "tests/unit/engine/larder.h"

Test(cached, a_hit_is_answered_with_the_id_of_who_asks)
{
	struct larder larder;

	larder_open(&larder);
	fills(&larder, "{\"a\":[1,2]}");
	says(larder.client, ASK("x"));
	expect_hears(larder.client, GOT("x", "{\"a\":[1,2]}"));
	says(larder.client,
	     "{\"params\":[1.0],\"method\":\"get\",\"id\":null,\"jsonrpc\":\"2.0\"}");
	expect_hears(larder.client, GOT(null, "{\"a\":[1,2]}"));
	expect_silence(larder.upstream);
	cr_assert_eq(larder.stats->hits, 2);
	cr_assert_eq(larder.stats->misses, 1);
	cr_assert_eq(larder.stats->stored, 1);
	cr_assert_eq(larder.stage.outside.engine->lanes[0]->traffic.results[RESULT_CACHED], 2);
	larder_end(&larder);
}

Test(cached, each_knows_where_its_answer_came_from)
{
	struct larder larder;

	larder_open(&larder);
	says(larder.client, WHY(1));
	brings(&larder, "7");
	expect_told(larder.client, "miss", "absent");
	stage_pass(&larder.stage, 1500 * STAGE_MS);
	says(larder.client, WHY(2));
	expect_part(larder.client, "\"result\":7,\"wsbroker\":{\"cache\":\"hit\",\"age_ms\":1500,");
	larder_end(&larder);
}

Test(cached, both_encodings_share_an_entry)
{
	static const char request[] = "\x84\xa7jsonrpc\xa3"
				      "2.0\xa2id\xa1z\xa6method\xa3get\xa6params\x91\x01";
	static const char answer[] = "\x83\xa7jsonrpc\xa3"
				     "2.0\xa2id\xa1z\xa6result\x92\x01\xa1x";
	struct larder larder;

	larder_open(&larder);
	fills(&larder, "[1,\"x\"]");
	says_bytes(larder.client, request, sizeof(request) - 1);
	expect_hears(larder.client, answer);
	expect_silence(larder.upstream);
	cr_assert_eq(larder.stats->hits, 1);
	larder_end(&larder);
}

/* The first who asks in the other encoding has it turned for all who come after. */
Test(cached, an_entry_is_kept_in_both_encodings)
{
	static const char request[] = "\x84\xa7jsonrpc\xa3"
				      "2.0\xa2id\xa1z\xa6method\xa3get\xa6params\x91\x01";
	static const char answer[] = "\x83\xa7jsonrpc\xa3"
				     "2.0\xa2id\xa1z\xa6result\x92\x01\xa1x";
	struct cache_stats before, after;
	struct larder larder;

	larder_init(&larder);
	larder_begin(&larder);
	fills(&larder, "[1,\"x\"]");
	for (int i = 0; i < 3; i++) {
		cache_read_stats(larder.stage.outside.engine->cached.cache, &before);
		says_bytes(larder.client, request, sizeof(request) - 1);
		expect_hears(larder.client, answer);
		cache_read_stats(larder.stage.outside.engine->cached.cache, &after);
		cr_assert_eq(after.payload_plain_bytes - before.payload_plain_bytes,
			     i == 0 ? sizeof(answer) - 1 - 2 : 0);
	}
	says(larder.client, ASK(1));
	expect_hears(larder.client, GOT(1, "[1,\"x\"]"));
	cr_assert_eq(after.entries, 1);
	/* An invalidation is about both. */
	cr_assert_eq(invalidates(&larder, INVALIDATE_HARD, NULL), 1);
	says_bytes(larder.client, request, sizeof(request) - 1);
	brings(&larder, "[2]");
	expect_part(larder.client, "\xa6result\x91\x02");
	larder_end(&larder);
}

/* What the other encoding cannot carry is said each time, and served to the others. */
Test(cached, an_entry_that_one_encoding_cannot_carry_is_the_others)
{
	static const char request[] = "\x84\xa7jsonrpc\xa3"
				      "2.0\xa2id\xa1z\xa6method\xa3get\xa6params\x91\x01";
	struct larder larder;

	larder_init(&larder);
	larder_begin(&larder);
	fills(&larder, "123456789012345678901234567890");
	for (int i = 0; i < 2; i++) {
		says_bytes(larder.client, request, sizeof(request) - 1);
		expect_part(larder.client, "not_transcodable");
		says(larder.client, ASK(1));
		expect_hears(larder.client, GOT(1, "123456789012345678901234567890"));
	}
	larder_end(&larder);
}

Test(cached, an_entry_ends_with_its_ttl)
{
	struct larder larder;

	larder_open(&larder);
	fills(&larder, "1");
	stage_pass(&larder.stage, 59 * STAGE_S);
	says(larder.client, ASK(1));
	expect_hears(larder.client, GOT(1, "1"));
	stage_pass(&larder.stage, 2 * STAGE_S);
	fills(&larder, "2");
	larder_end(&larder);
}

Test(cached, a_ttl_of_0_does_not_end)
{
	struct larder larder;

	larder_init(&larder);
	larder.rule->ttl_us = 0;
	larder_begin(&larder);
	fills(&larder, "1");
	stage_pass(&larder.stage, 100 * STAGE_S);
	says(larder.client, ASK(1));
	expect_hears(larder.client, GOT(1, "1"));
	larder_end(&larder);
}

Test(cached, batches_and_posts_are_served)
{
	struct larder larder;
	struct peer *post;

	larder_open(&larder);
	fills(&larder, "5");
	says(larder.client, "[" ASK(1) "," ASK(2) "]");
	expect_hears(larder.client, "[" GOT(1, "5") "," GOT(2, "5") "]");
	post = stage_post(&larder.stage, ASK(3));
	cr_assert_eq(post->status, 200);
	cr_assert_str_eq(strbuf_span(&post->body).at, GOT(3, "5"));
	/* A miss among hits. */
	says(larder.client, "[" ASK(1) ",{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"other\"}]");
	expect_silence(larder.client);
	brings(&larder, "6");
	expect_hears(larder.client, "[" GOT(1, "5") "," GOT(2, "6") "]");
	larder_end(&larder);
}

Test(cached, two_clients_share_only_what_the_route_lets_them)
{
	struct larder larder;
	struct peer *other;

	larder_init(&larder);
	larder.rule->scope.kind = CACHE_SCOPE_CLIENT;
	larder_begin(&larder);
	fills(&larder, "1");
	other = stage_client(&larder.stage);
	says(other, ASK(9));
	brings(&larder, "2");
	expect_hears(other, GOT(9, "2"));
	says(larder.client, ASK(3));
	expect_hears(larder.client, GOT(3, "1"));
	larder_end(&larder);
}

Test(cached, a_post_of_somebody_unknown_leaves_nothing_behind)
{
	struct larder larder;
	struct peer *post;

	larder_init(&larder);
	larder.rule->scope.kind = CACHE_SCOPE_CLIENT;
	larder_begin(&larder);
	post = stage_post(&larder.stage, WHY(1));
	brings(&larder, "1");
	cr_assert_eq(post->status, 200);
	cr_assert_not_null(strstr(strbuf_span(&post->body).at, "\"reason\":\"scope_missing\""));
	cr_assert_eq(larder.stats->stored, 0);
	cr_assert_eq(larder.stats->uncacheable, 1);
	larder_end(&larder);
}

Test(cached, a_request_may_bypass_refresh_or_insist)
{
	struct larder larder;

	larder_open(&larder);
	says(larder.client, WISH(1, "only"));
	expect_error(larder.client, .id = "1", .code = -32005, .reason = "not_cached",
		     .retryable = true, .pool = "main");
	fills(&larder, "1");
	says(larder.client, WISH(2, "bypass"));
	brings(&larder, "2");
	expect_told(larder.client, "bypass", "asked");
	says(larder.client, WISH(3, "only"));
	expect_part(larder.client, "\"result\":1,\"wsbroker\":{\"cache\":\"hit\"");
	says(larder.client, WISH(4, "refresh"));
	brings(&larder, "3");
	expect_told(larder.client, "refreshed", "asked");
	says(larder.client, ASK(5));
	expect_hears(larder.client, GOT(5, "3"));
	expect_silence(larder.upstream);
	larder_end(&larder);
}

/* What is asked and answered, whether it is stored then, and what is said of that. */
struct storing {
	const char *member;
	const char *told;
	const char *tag;
	bool allow_null;
	uint64_t max_entry;
	uint32_t max_tags;
	bool stored;
};

static void expect_storing(const struct storing *param)
{
	const char *tag = param->tag;
	struct larder larder;

	larder_init(&larder);
	larder.rule->allow_null = param->allow_null;
	larder.rule->tags = &tag;
	larder.rule->tag_count = tag != NULL;
	if (param->max_entry)
		larder.stage.setup.config.cache.store.max_entry_bytes = param->max_entry;
	if (param->max_tags)
		larder.stage.setup.config.cache.store.max_tags = param->max_tags;
	larder_begin(&larder);
	says(larder.client, WHY(1));
	answers(larder.upstream, hears_request(larder.upstream), param->member);
	expect_told(larder.client, "miss", param->told);
	says(larder.client, ASK(2));
	cr_assert_eq(!is_spoken_to(larder.upstream), param->stored, "%s", param->member);
	if (!param->stored)
		brings(&larder, "1");
	cr_assert_not_null(hears(larder.client));
	larder_end(&larder);
}

#define TEN	"0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONG	"\"result\":\"" HUNDRED HUNDRED HUNDRED "\"" /* a result of 302 bytes */

Test(cached, only_what_may_be_stored_is)
{
	static const struct storing cases[] = {
		{"\"result\":1", "absent", .stored = true},
		{"\"error\":{\"code\":1,\"message\":\"x\"}", "error", .stored = false},
		{"\"result\":null", "null", .stored = false},
		{"\"result\":null", "absent", .allow_null = true, .stored = true},
		{"\"result\":{\"id\":4}", "absent", .tag = "thing:{result.id}", .stored = true},
		{"\"result\":{\"no\":4}", "tag_missing", .tag = "thing:{result.id}"},
		{"\"result\":{\"no\":4}", "absent", .tag = "thing:{result.id}?", .stored = true},
		{"\"result\":[1,2,3]", "too_many_tags", .tag = "thing:{result[*]}", .max_tags = 2},
		{LONG, "too_large", .max_entry = 301},
		{LONG, "absent", .max_entry = 302, .stored = true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_storing(&cases[i]);
}

Test(cached, notifications_and_odd_requests_go_their_way)
{
	struct larder larder;

	larder_open(&larder);
	fills(&larder, "1");
	says(larder.client, "{\"jsonrpc\":\"2.0\",\"method\":\"get\",\"params\":[1]}");
	expect_hears(larder.upstream, "{\"jsonrpc\":\"2.0\",\"method\":\"get\",\"params\":[1]}");
	says(larder.client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\",\"params\":"
			    "{\"a\":1,\"a\":2},\"wsbroker\":{\"explain\":true}}");
	brings(&larder, "2");
	expect_part(larder.client, "\"cache\":\"uncacheable\"");
	cr_assert_eq(larder.stats->uncacheable, 1);
	larder_end(&larder);
}

Test(cached, a_load_whose_client_has_gone_is_stored)
{
	struct larder larder;
	struct peer *other;

	larder_open(&larder);
	other = stage_client(&larder.stage);
	says(other, ASK(1));
	stage_kill(other);
	brings(&larder, "1");
	says(larder.client, ASK(2));
	expect_hears(larder.client, GOT(2, "1"));
	larder_end(&larder);
}

/* The race that this cache is judged by, in the engine's own words. */
Test(cached, what_was_asked_before_an_invalidation_is_not_stored_after_it)
{
	static const char *tags[] = {"thing:{result.id}"};
	struct larder larder;

	larder_init(&larder);
	larder.rule->tags = tags;
	larder.rule->tag_count = 1;
	larder_begin(&larder);
	says(larder.client, WHY(1));
	invalidates(&larder, INVALIDATE_HARD, "thing:4");
	brings(&larder, "{\"id\":4}");
	expect_told(larder.client, "miss", "invalidated");
	/* Another thing is another matter. */
	says(larder.client, WHY(2));
	invalidates(&larder, INVALIDATE_HARD, "thing:5");
	brings(&larder, "{\"id\":4}");
	expect_told(larder.client, "miss", "absent");
	says(larder.client, ASK(3));
	expect_hears(larder.client, GOT(3, "{\"id\":4}"));
	larder_end(&larder);
}

/* It had not been sent yet: nothing of what it brings is older. */
Test(cached, what_waits_for_a_connection_has_not_begun)
{
	struct larder larder;

	larder_init(&larder);
	larder.stage.pool->max_in_flight = 1;
	larder_begin(&larder);
	says(larder.client, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"other\"}");
	says(larder.client, WHY(1));
	invalidates(&larder, INVALIDATE_HARD, NULL);
	brings(&larder, "0");
	brings(&larder, "1");
	cr_assert_not_null(hears(larder.client));
	expect_told(larder.client, "miss", "absent");
	says(larder.client, ASK(3));
	expect_hears(larder.client, GOT(3, "1"));
	larder_end(&larder);
}

/* A retry does not make a load younger: the first attempt may be what was answered. */
Test(cached, a_retried_load_is_as_old_as_its_first_attempt)
{
	struct larder larder;
	struct peer *first, *second;
	uint64_t id;

	larder_init(&larder);
	larder.stage.pool->size = 2;
	setup_endpoint(larder.stage.pool, "b");
	larder.stage.any->idempotent = true;
	larder_begin(&larder);
	says(larder.client, WHY(1));
	first = stage_asked(&larder.stage);
	second = stage_other(&larder.stage, first);
	hears_request(first);
	invalidates(&larder, INVALIDATE_HARD, NULL);
	stage_kill(first);
	id = hears_request(second);
	answers(second, id, "\"result\":1");
	expect_told(larder.client, "miss", "invalidated");
	larder_end(&larder);
}
