/* Whatever causes an invalidation, all who follow hear of it, in order, and miss nothing silently.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/engine/engine.h"
#include "broker/engine/invalidate.h"
#include "tests/unit/engine/stage.h"

#define ASK(id, params)                                                                            \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"wsbroker.invalidate\",\"params\":" params \
	"}"
#define FOLLOW(params)                                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.subscribe\",\"params\":" params "}"

struct scene {
	struct stage stage;
	struct peer *client;
	struct peer *other;
	struct engine *engine;
};

static struct peer *client_of(struct scene *scene, enum token_role role, const char *address)
{
	struct admittance admittance = {.status = 101, .role = role};

	snprintf(admittance.peer, sizeof(admittance.peer), "%s", address);
	return outside_client(&scene->stage.outside, 0, &admittance);
}

static void begin(struct scene *scene)
{
	stage_init(&scene->stage);
	stage_begin_ready(&scene->stage);
	scene->engine = scene->stage.outside.engine;
	scene->client = client_of(scene, ROLE_CLIENT, "127.0.0.1");
	scene->other = client_of(scene, ROLE_CLIENT, "192.0.2.1");
}

static struct position position(uint64_t number)
{
	return (struct position){.epoch = number / 1000, .seq = number % 1000};
}

/* By tag, named in data. */
static void invalidates(struct scene *scene, const char *tag)
{
	const struct span tags[] = {span_text(tag)};
	const struct invalidation what = {.tags = tags, .tag_count = 1};

	invalidate(scene->engine, &what, CAUSE_ADMIN, scene->stage.outside.now_us);
}

static void arrives(struct scene *scene, const char *source, const char *id, const char *tag,
		    uint64_t at)
{
	const struct span tags[] = {span_text(tag)};
	const struct event event = {.source = span_text(source),
				    .id = span_text(id),
				    .position = position(at),
				    .what = {.tags = tags, .tag_count = 1},
				    .cause = span_text("push")};

	invalidate_arrived(scene->engine, &event, scene->stage.outside.now_us);
}

/* The next event that it hears: op and tags. */
static void expect_event(struct peer *peer, const char *op, const char *tags)
{
	const char *heard = hears(peer);
	char text[128];

	cr_assert_not_null(heard, "no event where %s %s was to come", op, tags);
	cr_assert(strstr(heard, "\"method\":\"wsbroker.event\""), "%s", heard);
	cr_assert(strstr(heard, "\"channel\":\"invalidations\""), "%s", heard);
	snprintf(text, sizeof(text), "\"op\":\"%s\"", op);
	cr_assert(strstr(heard, text), "%s: %s", text, heard);
	snprintf(text, sizeof(text), "\"tags\":%s", tags);
	cr_assert(strstr(heard, text), "%s: %s", text, heard);
}

static void follows(struct peer *peer, const char *params)
{
	char text[256];
	const char *heard;

	snprintf(text, sizeof(text), FOLLOW("%s"), params);
	says(peer, text);
	heard = hears(peer);
	cr_assert(heard && strstr(heard, "\"result\":\""), "%s", heard);
}

/* since: the place behind the at-th event so far. */
static void follows_since(struct scene *scene, struct peer *peer, uint64_t seq)
{
	struct position at = journal_top(scene->engine->invalidations.journal);
	char text[128];

	snprintf(text, sizeof(text), "{\"channel\":\"invalidations\",\"since\":\"%llu-%llu\"}",
		 (unsigned long long)at.epoch, (unsigned long long)seq);
	follows(peer, text);
}

Test(invalidate, by_a_call_says_what_was_hit_and_where_it_stands)
{
	struct scene scene;
	char text[128];
	uint64_t epoch;

	begin(&scene);
	epoch = journal_top(scene.engine->invalidations.journal).epoch;
	cr_assert_gt(epoch, 0);
	says(scene.client, ASK("1", "{\"tags\":\"a\"}"));
	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"invalidated\":0,\"position\":"
		 "\"%llu-1\"}}",
		 (unsigned long long)epoch);
	expect_hears(scene.client, text);
	cr_assert_eq(scene.engine->stats.invalidations[CAUSE_CALL], 1);
	/* Without an id there is no answer, but it counts. */
	says(scene.client, "{\"jsonrpc\":\"2.0\",\"method\":\"wsbroker.invalidate\",\"params\":{"
			   "\"all\":true}}");
	expect_silence(scene.client);
	cr_assert_eq(scene.engine->stats.invalidations[CAUSE_CALL], 2);
	stage_end(&scene.stage);
}

Test(invalidate, is_not_for_everybody)
{
	static const struct {
		enum token_role role;
		const char *address;
		bool may;
	} cases[] = {
		{ROLE_CLIENT, "127.0.0.1", true},
		{ROLE_CLIENT, "127.8.8.8", true},
		{ROLE_CLIENT, "::1", true},
		{ROLE_CLIENT, "::ffff:127.0.0.1", true},
		{ROLE_CLIENT, "192.0.2.1", false},
		{ROLE_VIEWER, "192.0.2.1", false},
		{ROLE_PUBLISHER, "192.0.2.1", true},
		{ROLE_OPERATOR, "2001:db8::1", true},
		{ROLE_CLIENT, "::ffff:10.0.0.1", false},
		{ROLE_CLIENT, "", false},
	};
	struct scene scene;

	begin(&scene);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = client_of(&scene, cases[i].role, cases[i].address);

		says(peer, ASK("1", "{\"tags\":[\"a\"]}"));
		if (cases[i].may)
			cr_assert(strstr(hears(peer), "\"invalidated\":0"), "%s", cases[i].address);
		else
			expect_error(peer, .id = "1", .code = -32601, .reason = "method_denied");
	}
	stage_end(&scene.stage);
}

Test(invalidate, refuses_what_makes_no_sense)
{
	static const char *const params[] = {
		"{}",
		"[]",
		"null",
		"{\"tags\":7}",
		"{\"all\":true,\"tags\":[\"a\"]}",
		"{\"tags\":[\"a\"],\"wait\":\"5s\"}",
	};
	struct scene scene;

	begin(&scene);
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text), ASK("1", "%s"), params[i]);
		says(scene.client, text);
		expect_error(scene.client, .id = "1", .code = -32600, .reason = "invalid_request");
	}
	says(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.invalidate\"}");
	expect_error(scene.client, .id = "1", .code = -32600, .reason = "invalid_request");
	cr_assert_eq(journal_count(scene.engine->invalidations.journal), 0);
	stage_end(&scene.stage);
}

Test(invalidate, is_heard_by_all_who_follow_in_order)
{
	struct scene scene;

	begin(&scene);
	follows(scene.client, "{\"channel\":\"invalidations\"}");
	follows(scene.other, "{\"channel\":\"invalidations\"}");
	invalidates(&scene, "a");
	invalidates(&scene, "b");
	for (size_t i = 0; i < 2; i++) {
		struct peer *peer = i == 0 ? scene.client : scene.other;

		expect_event(peer, "invalidate", "[\"a\"]");
		expect_event(peer, "invalidate", "[\"b\"]");
		expect_silence(peer);
	}
	stage_end(&scene.stage);
}

Test(invalidate, too_large_for_one_event_comes_as_several)
{
	struct span tags[EVENT_NAMES_MAX + 1];
	const struct invalidation what = {.tags = tags, .tag_count = EVENT_NAMES_MAX + 1};
	struct scene scene;

	begin(&scene);
	for (size_t i = 0; i <= EVENT_NAMES_MAX; i++)
		tags[i] = span_text(i == EVENT_NAMES_MAX ? "last" : "t");
	follows(scene.client, "{\"channel\":\"invalidations\",\"tags\":[\"last\"]}");
	invalidate(scene.engine, &what, CAUSE_CALL, scene.stage.outside.now_us);
	cr_assert_eq(scene.engine->stats.invalidations[CAUSE_CALL], 1);
	cr_assert_eq(journal_count(scene.engine->invalidations.journal), 2);
	expect_event(scene.client, "invalidate", "[\"last\"]");
	stage_end(&scene.stage);
}

Test(follow, hears_of_the_tags_that_it_asked_for)
{
	const struct invalidation all = {.all = true, .mode = INVALIDATE_SOFT};
	struct scene scene;

	begin(&scene);
	follows(scene.client, "{\"channel\":\"invalidations\",\"tags\":[\"property:*\",\"x\"]}");
	invalidates(&scene, "agent:1");
	expect_silence(scene.client);
	invalidates(&scene, "property:1");
	expect_event(scene.client, "invalidate", "[\"property:1\"]");
	invalidates(&scene, "x");
	expect_event(scene.client, "invalidate", "[\"x\"]");
	invalidate(scene.engine, &all, CAUSE_ADMIN, scene.stage.outside.now_us);
	expect_event(scene.client, "flush", "[]");
	invalidate_resync(scene.engine, "gap", position(0), scene.stage.outside.now_us);
	expect_event(scene.client, "resync", "[]");
	expect_silence(scene.client);
	stage_end(&scene.stage);
}

Test(follow, goes_on_where_it_was)
{
	struct scene scene;

	begin(&scene);
	invalidates(&scene, "a");
	invalidates(&scene, "b");
	follows_since(&scene, scene.client, 1);
	expect_event(scene.client, "invalidate", "[\"b\"]");
	expect_silence(scene.client);
	follows(scene.other, "{\"channel\":\"invalidations\",\"since\":\"start\"}");
	expect_event(scene.other, "invalidate", "[\"a\"]");
	expect_event(scene.other, "invalidate", "[\"b\"]");
	expect_silence(scene.other);
	invalidates(&scene, "c");
	expect_event(scene.client, "invalidate", "[\"c\"]");
	stage_end(&scene.stage);
}

Test(follow, is_told_of_a_hole_and_goes_on_behind_it)
{
	struct scene scene;
	const char *heard;
	char text[64];
	struct position top;

	begin(&scene);
	invalidates(&scene, "a");
	top = journal_top(scene.engine->invalidations.journal);
	follows(scene.client, "{\"channel\":\"invalidations\",\"since\":\"5-5\"}");
	heard = hears(scene.client);
	snprintf(text, sizeof(text), "\"position\":\"%llu-1\"", (unsigned long long)top.epoch);
	cr_assert(strstr(heard, "\"op\":\"resync\"") && strstr(heard, text), "%s", heard);
	expect_silence(scene.client);
	invalidates(&scene, "b");
	expect_event(scene.client, "invalidate", "[\"b\"]");
	stage_end(&scene.stage);
}

Test(follow, begins_behind_the_answer_of_its_batch)
{
	struct scene scene;
	const char *heard;

	begin(&scene);
	invalidates(&scene, "a");
	says(scene.client,
	     "[" FOLLOW("{\"channel\":\"invalidations\",\"since\":\"start\"}") "," ASK(
		     "2", "{\"tags\":[\"b\"]}") "]");
	heard = hears(scene.client);
	cr_assert_eq(heard[0], '[', "%s", heard);
	stage_pass(&scene.stage, 20 * STAGE_MS);
	expect_event(scene.client, "invalidate", "[\"a\"]");
	expect_event(scene.client, "invalidate", "[\"b\"]");
	stage_end(&scene.stage);
}

Test(follow, ends_with_unsubscribe_and_with_the_client)
{
	struct scene scene;
	char id[64], text[256];

	begin(&scene);
	says(scene.client, FOLLOW("{\"channel\":\"invalidations\"}"));
	cr_assert_eq(sscanf(hears(scene.client),
			    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"%63[^\"]\"}", id),
		     1);
	follows(scene.other, "{\"channel\":\"invalidations\"}");
	cr_assert_eq(scene.engine->invalidations.watches.count, 2);
	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"wsbroker.unsubscribe\",\"params\":{"
		 "\"subscription\":\"%s\"}}",
		 id);
	says(scene.client, text);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":true}");
	stage_kill(scene.other);
	cr_assert_eq(scene.engine->invalidations.watches.count, 0);
	invalidates(&scene, "a");
	expect_silence(scene.client);
	stage_end(&scene.stage);
}

/* A long replay and a burst are given out as they are read; who reads nothing is cut. */
Test(follow, that_does_not_read_is_cut)
{
	struct scene scene;
	struct session *session;

	begin(&scene);
	session = scene.client->session;
	follows(scene.client, "{\"channel\":\"invalidations\"}");
	for (size_t i = 0; i < 2000; i++)
		invalidates(&scene, "a");
	cr_assert_eq(session->state, SESSION_OPEN);
	cr_assert_lt(outbox_bytes(&session->outbox), 300000);
	for (size_t i = 0; i < 2000; i++) {
		expect_event(scene.client, "invalidate", "[\"a\"]");
		if (i % 200 == 0)
			stage_pass(&scene.stage, 10 * STAGE_MS);
	}
	expect_silence(scene.client);
	for (size_t i = 0; i < JOURNAL_EVENTS_MAX + 2000; i++)
		invalidates(&scene, "a");
	cr_assert_eq(session->state, SESSION_DRAINING);
	cr_assert_eq(scene.engine->stats.oddities[ODD_SLOW_READER], 1);
	stage_end(&scene.stage);
}

/* Many who do not read take no memory from those who work. */
Test(follow, those_who_do_not_read_share_half_of_the_memory)
{
	struct scene scene;
	struct session *sessions[20];

	stage_init(&scene.stage);
	scene.stage.setup.config.limits.memory_bytes = 1 << 20;
	stage_begin_ready(&scene.stage);
	scene.engine = scene.stage.outside.engine;
	for (size_t i = 0; i < 20; i++) {
		struct peer *peer = client_of(&scene, ROLE_CLIENT, "127.0.0.1");

		follows(peer, "{\"channel\":\"invalidations\"}");
		sessions[i] = peer->session;
	}
	for (size_t i = 0; i < 5000; i++)
		invalidates(&scene, "a");
	cr_expect_lt(engine_buffer_bytes(scene.engine), 1 << 20);
	for (size_t i = 0; i < 20; i++) {
		cr_expect_eq(sessions[i]->state, SESSION_OPEN);
		cr_expect_gt(outbox_bytes(&sessions[i]->outbox), 10000);
	}
	stage_end(&scene.stage);
}

/* 64 globs each: far more than there is time for. */
static void follows_greedily(struct peer *peer, size_t times)
{
	char text[512] = FOLLOW("{\"channel\":\"invalidations\",\"tags\":[\"none\"%s]}");
	char globs[64 * 4 + 1] = "";
	char call[1024];

	for (size_t i = 1; i < 64; i++)
		memcpy(globs + 4 * (i - 1), ",\"x\"", 5);
	snprintf(call, sizeof(call), text, globs);
	for (size_t i = 0; i < times; i++) {
		says(peer, call);
		cr_assert(strstr(hears(peer), "\"result\":\""));
	}
}

/* Who asks for more than there is time for waits; nobody else does. */
Test(follow, greed_costs_only_the_greedy)
{
	struct scene scene;
	size_t heard = 0;

	begin(&scene);
	follows_greedily(scene.other, 1000);
	follows(scene.client, "{\"channel\":\"invalidations\",\"tags\":[\"a\"]}");
	stage_pass(&scene.stage, 1000 * STAGE_MS);
	cr_assert_geq(scene.engine->invalidations.work, 1000000 - 65000);
	for (size_t i = 0; i < 100; i++)
		invalidates(&scene, "a");
	cr_expect_eq(scene.engine->invalidations.work, 0);
	/* All of it would be 6.5 million comparisons, at 20 000 in each millisecond. */
	while (hears(scene.client))
		heard++;
	cr_expect_lt(heard, 20);
	for (size_t passed = 0; passed < 10; passed++) {
		stage_pass(&scene.stage, 10 * STAGE_MS);
		while (hears(scene.client))
			heard++;
	}
	cr_expect_eq(heard, 100);
	stage_end(&scene.stage);
}

#define OTHER "/wsbroker/b/1"

Test(bus, events_of_others_are_applied_and_passed_on_once)
{
	struct scene scene;

	begin(&scene);
	journal_begin(scene.engine->invalidations.journal, position(7000));
	follows(scene.client, "{\"channel\":\"invalidations\"}");
	arrives(&scene, OTHER, "1", "a", 7001);
	expect_event(scene.client, "invalidate", "[\"a\"]");
	cr_assert_eq(scene.engine->stats.invalidations[CAUSE_BUS], 1);
	/* Logged twice by a sender that was not sure. */
	arrives(&scene, OTHER, "1", "a", 7002);
	expect_silence(scene.client);
	cr_assert_eq(scene.engine->stats.invalidations[CAUSE_BUS], 1);
	cr_assert_eq(scene.engine->stats.event_flaws[EVENT_FLAW_DUPLICATE], 1);
	/* Its place is known all the same. */
	cr_assert(position_equal(journal_top(scene.engine->invalidations.journal), position(7002)));
	arrives(&scene, OTHER, "2", "b", 7003);
	expect_event(scene.client, "invalidate", "[\"b\"]");
	/* Out of order: harmless, and not passed on. */
	arrives(&scene, OTHER, "3", "c", 7001);
	expect_silence(scene.client);
	cr_assert_eq(scene.engine->stats.event_flaws[EVENT_FLAW_DUPLICATE], 2);
	stage_end(&scene.stage);
}

static bool was(struct scene *scene, enum event_type type, const char *id, uint64_t at)
{
	const struct span tags[] = {span_text("a")};
	const struct event event = {.type = type,
				    .source = span_text(OTHER),
				    .id = span_text(id),
				    .position = position(at),
				    .what = {.tags = tags, .tag_count = 1},
				    .cause = span_text("push")};

	return invalidate_past(scene->engine, &event);
}

Test(bus, what_was_before_is_shown_to_whom_asks_for_it)
{
	struct scene scene;

	begin(&scene);
	follows(scene.client, "{\"channel\":\"invalidations\"}");
	journal_begin(scene.engine->invalidations.journal, position(7004));
	arrives(&scene, OTHER, "5", "b", 7005);
	expect_event(scene.client, "invalidate", "[\"b\"]");
	/* One that was logged twice, one of a later version, one from elsewhere. */
	cr_assert(was(&scene, EVENT_INVALIDATED, "5", 7004));
	cr_assert(was(&scene, EVENT_OTHER, "", 7003));
	cr_assert(was(&scene, EVENT_INVALIDATED, "2", 7002));
	cr_assert_not(was(&scene, EVENT_INVALIDATED, "0", 7000));
	expect_silence(scene.client);
	cr_assert_eq(scene.engine->stats.invalidations[CAUSE_BUS], 1);
	follows(scene.other, "{\"channel\":\"invalidations\",\"since\":\"7-1\"}");
	expect_event(scene.other, "invalidate", "[\"a\"]");
	expect_event(scene.other, "invalidate", "[\"b\"]");
	expect_silence(scene.other);
	stage_end(&scene.stage);
}

Test(bus, own_events_that_come_back_are_only_passed_on)
{
	struct scene scene;

	begin(&scene);
	journal_begin(scene.engine->invalidations.journal, position(7000));
	follows(scene.client, "{\"channel\":\"invalidations\"}");
	arrives(&scene, scene.engine->invalidations.maker.source, "1", "a", 7001);
	cr_assert_eq(scene.engine->stats.invalidations[CAUSE_BUS], 0);
	expect_event(scene.client, "invalidate", "[\"a\"]");
	stage_end(&scene.stage);
}

Test(bus, events_of_later_versions_are_passed_over)
{
	struct event event = {.type = EVENT_OTHER, .id = span_text("e"), .position = {7, 2}};
	struct event unread = {.type = EVENT_OTHER, .position = {7, 3}};
	struct scene scene;

	begin(&scene);
	journal_begin(scene.engine->invalidations.journal, position(7001));
	follows(scene.client, "{\"channel\":\"invalidations\"}");
	invalidate_arrived(scene.engine, &event, scene.stage.outside.now_us);
	expect_silence(scene.client);
	cr_assert_eq(scene.engine->stats.event_flaws[EVENT_FLAW_UNKNOWN], 1);
	cr_assert(position_equal(journal_top(scene.engine->invalidations.journal), position(7002)));
	/* Of what type it is nobody knows. */
	invalidate_arrived(scene.engine, &unread, scene.stage.outside.now_us);
	cr_assert_eq(scene.engine->stats.event_flaws[EVENT_FLAW_UNKNOWN], 1);
	cr_assert(position_equal(journal_top(scene.engine->invalidations.journal), position(7003)));
	stage_end(&scene.stage);
}

Test(bus, a_resync_reaches_followers_and_the_history)
{
	struct history_query query = {.type = "cache.resync"};
	struct history_walk walk;
	struct history_event past;
	struct scene scene;

	begin(&scene);
	follows(scene.client, "{\"channel\":\"invalidations\"}");
	invalidate_resync(scene.engine, "renumbered", (struct position){UINT64_MAX, 3},
			  scene.stage.outside.now_us);
	expect_event(scene.client, "resync", "[]");
	cr_assert_eq(scene.engine->stats.invalidations[CAUSE_RESYNC], 1);
	history_begin(&walk, engine_history(scene.engine), &query);
	cr_assert(history_next(&walk, &past));
	cr_assert_str_eq(past.reason, "renumbered");
	stage_end(&scene.stage);
}

static void merges(struct scene *scene, const char *tag, enum invalidation_mode mode)
{
	const struct span tags[] = {span_text(tag)};
	const struct invalidation what = {.mode = mode, .tags = tags, .tag_count = 1};

	invalidate_merged(scene->engine, &what, CAUSE_PUSH, STAGE_S, scene->stage.outside.now_us);
}

Test(merge, tells_of_equal_ones_once_at_the_end)
{
	struct scene scene;

	begin(&scene);
	follows(scene.client, "{\"channel\":\"invalidations\"}");
	for (size_t i = 0; i < 5; i++)
		merges(&scene, "a", INVALIDATE_HARD);
	merges(&scene, "b", INVALIDATE_HARD);
	merges(&scene, "a", INVALIDATE_SOFT);
	cr_assert_eq(scene.engine->stats.invalidations[CAUSE_PUSH], 7);
	stage_pass(&scene.stage, 900 * STAGE_MS);
	expect_silence(scene.client);
	merges(&scene, "a", INVALIDATE_HARD);
	stage_pass(&scene.stage, 200 * STAGE_MS);
	expect_event(scene.client, "invalidate", "[\"a\"]");
	expect_event(scene.client, "invalidate", "[\"b\"]");
	expect_event(scene.client, "invalidate", "[\"a\"]");
	expect_silence(scene.client);
	/* A new window. */
	merges(&scene, "a", INVALIDATE_HARD);
	expect_silence(scene.client);
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	expect_event(scene.client, "invalidate", "[\"a\"]");
	/* One is open when the engine ends. */
	merges(&scene, "a", INVALIDATE_HARD);
	stage_end(&scene.stage);
}

Test(merge, holds_nothing_back_from_those_who_stay_when_the_broker_goes)
{
	struct scene scene;

	begin(&scene);
	scene.stage.setup.config.drain.timeout_us = 5 * STAGE_S;
	follows(scene.client, "{\"channel\":\"invalidations\"}");
	merges(&scene, "a", INVALIDATE_HARD);
	expect_silence(scene.client);
	engine_drain(scene.engine, scene.stage.outside.now_us);
	expect_event(scene.client, "invalidate", "[\"a\"]");
	merges(&scene, "b", INVALIDATE_HARD);
	expect_event(scene.client, "invalidate", "[\"b\"]");
	stage_end(&scene.stage);
}
