/* Messages that nobody asked for: from one connection, to whom the rules say. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/engine/pushes.h"
#include "broker/engine/reconfigure.h"
#include "tests/unit/engine/stage.h"

#define NEWS  "{\"jsonrpc\":\"2.0\",\"method\":\"news\",\"params\":{\"n\":1,\"to\":[\"ann\",7]}}"
#define OTHER "{\"jsonrpc\":\"2.0\",\"method\":\"other\",\"params\":{}}"

static struct push_settings rules[] = {
	{.method = "news", .forward = FORWARD_ALL},
	{.method = "quiet", .forward = FORWARD_NONE},
};

struct scene {
	struct stage stage;
	struct peer *client;
	struct peer *other;
};

static void scene_init(struct scene *scene, uint32_t connections)
{
	stage_init(&scene->stage);
	scene->stage.pool->size = connections;
	rules[0] = (struct push_settings){.method = "news", .forward = FORWARD_ALL};
	scene->stage.setup.config.push = rules;
	scene->stage.setup.config.push_count = 2;
}

static void settle_down(struct scene *scene)
{
	for (int i = 0; i < 10; i++) {
		stage_pass(&scene->stage, 100 * STAGE_MS);
		stage_open_dials(&scene->stage);
	}
}

static void begin(struct scene *scene)
{
	stage_begin_ready(&scene->stage);
	settle_down(scene);
	scene->client = stage_client(&scene->stage);
	scene->other = stage_client(&scene->stage);
}

/* The one whose pushes count; the others are asked for by number. */
static struct peer *source(struct scene *scene, bool is_source, size_t at)
{
	list_each(&scene->stage.outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->kind == PEER_UPSTREAM && peer->connection->push_source == is_source &&
		    at-- == 0)
			return peer;
	}
	return NULL;
}

static struct traffic_stats *traffic(struct scene *scene)
{
	return &scene->stage.outside.engine->lanes[0]->traffic;
}

Test(pushes, the_same_from_all_connections_is_handled_once)
{
	struct scene scene;

	scene_init(&scene, 3);
	begin(&scene);
	cr_assert_not_null(source(&scene, true, 0));
	cr_assert_null(source(&scene, true, 1));
	for (size_t i = 0; i < 3; i++)
		says(stage_upstream(&scene.stage, i), NEWS);
	expect_hears(scene.client, NEWS);
	expect_silence(scene.client);
	expect_hears(scene.other, NEWS);
	cr_assert_eq(traffic(&scene)->pushes_forwarded, 1);
	cr_assert_eq(traffic(&scene)->pushes_elsewhere, 2);
	says(source(&scene, true, 0), OTHER);
	expect_silence(scene.client);
	cr_assert_eq(scene.stage.outside.engine->stats.oddities[ODD_PUSH], 1);
	says(source(&scene, true, 0), "{\"method\":\"quiet\"}");
	expect_silence(scene.client);
	cr_assert_eq(traffic(&scene)->pushes_dropped, 1);
	stage_end(&scene.stage);
}

/* Some number their events, and some write null where others write nothing. */
Test(pushes, an_id_that_nobody_waits_for_is_the_upstreams_own)
{
	static const char *const pushes[] = {
		"{\"id\":null,\"method\":\"news\"}",
		"{\"id\":\"evt_1\",\"method\":\"news\",\"params\":[1]}",
		"{\"id\":777,\"method\":\"news\"}",
	};
	static const char *const others[] = {
		"{\"id\":\"evt_1\",\"method\":\"other\"}",
		"{\"id\":\"evt_1\",\"result\":1}",
		"{\"id\":777,\"method\":\"news\",\"error\":{\"code\":1}}",
		"{\"id\":777,\"method\":\"news\",\"result\":1}",
	};
	struct scene scene;

	scene_init(&scene, 1);
	begin(&scene);
	for (size_t i = 0; i < 3; i++) {
		says(source(&scene, true, 0), pushes[i]);
		expect_hears(scene.client, pushes[i]);
	}
	cr_assert_eq(traffic(&scene)->pushes_forwarded, 3);
	for (size_t i = 0; i < 4; i++) {
		says(source(&scene, true, 0), others[i]);
		expect_silence(scene.client);
	}
	cr_assert_eq(scene.stage.outside.engine->stats.oddities[ODD_UNKNOWN_ID], 4);
	/* One that is waited for is an answer, and a late one reaches nobody. */
	says(scene.client, GET("5"));
	hears_request(source(&scene, true, 0));
	says(source(&scene, true, 0), "{\"id\":1,\"method\":\"news\",\"result\":1}");
	expect_hears(scene.client, "{\"id\":5,\"method\":\"news\",\"result\":1}");
	says(source(&scene, true, 0), "{\"id\":1,\"method\":\"news\",\"result\":1}");
	expect_silence(scene.client);
	cr_assert_eq(scene.stage.outside.engine->stats.oddities[ODD_LATE], 1);
	stage_end(&scene.stage);
}

Test(pushes, rules_change_with_the_configuration)
{
	struct push_settings others[] = {{.method = "other", .forward = FORWARD_ALL}};
	struct config next;
	struct scene scene;

	scene_init(&scene, 1);
	begin(&scene);
	next = scene.stage.setup.config;
	next.holds = 0;
	next.push = others;
	next.push_count = 1;
	cr_assert_eq(engine_reconfigure(scene.stage.outside.engine, &next, NULL,
					scene.stage.outside.now_us),
		     WSB_OK);
	rules[0].method = "gone";
	says(source(&scene, true, 0), NEWS);
	expect_silence(scene.client);
	says(source(&scene, true, 0), OTHER);
	expect_hears(scene.client, OTHER);
	stage_end(&scene.stage);
}

Test(pushes, another_takes_over_at_once)
{
	struct scene scene;

	scene_init(&scene, 2);
	begin(&scene);
	stage_kill(source(&scene, true, 0));
	says(source(&scene, true, 0), NEWS);
	expect_hears(scene.client, NEWS);
	stage_end(&scene.stage);
}

Test(pushes, each_endpoint_may_have_a_source)
{
	struct scene scene;

	scene_init(&scene, 4);
	scene.stage.pool->push_source = PUSH_SOURCE_ENDPOINT;
	setup_endpoint(scene.stage.pool, "b");
	begin(&scene);
	cr_assert_not_null(source(&scene, true, 1));
	cr_assert_null(source(&scene, true, 2));
	cr_assert_neq(source(&scene, true, 0)->connection->endpoint,
		      source(&scene, true, 1)->connection->endpoint);
	stage_end(&scene.stage);
}

Test(pushes, a_dedicated_connection_carries_no_request)
{
	struct scene scene;
	struct peer *dedicated;

	scene_init(&scene, 2);
	scene.stage.pool->push_source = PUSH_SOURCE_DEDICATED;
	begin(&scene);
	dedicated = source(&scene, true, 0);
	cr_assert_not_null(dedicated);
	cr_assert(dedicated->connection->dedicated);
	cr_assert_not_null(stage_upstream(&scene.stage, 2), "size does not count it");
	cr_assert_null(stage_upstream(&scene.stage, 3));
	expect_silence(dedicated);
	for (int i = 0; i < 20; i++)
		says(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}");
	expect_silence(dedicated);
	says(dedicated, NEWS);
	expect_hears(scene.client, NEWS);
	stage_kill(dedicated);
	settle_down(&scene);
	cr_assert_not_null(source(&scene, true, 0));
	cr_assert(source(&scene, true, 0)->connection->dedicated);
	stage_end(&scene.stage);
}

Test(pushes, steps_for_the_source_are_played_on_it_alone)
{
	static const char call[] = "{\"subscribe\":\"all\"}";
	struct scene scene;
	struct greeting_step *step;
	struct peer *first;

	scene_init(&scene, 2);
	step = setup_greeting(scene.stage.pool);
	step->send = call;
	step->push_source = true;
	step->timeout_us = STAGE_S;
	step->expect = json_pack("{s:s}", "ok", "yes");
	begin(&scene);
	first = source(&scene, true, 0);
	expect_hears(first, call);
	says(first, "{\"ok\":\"yes\"}");
	expect_silence(source(&scene, false, 0));
	stage_kill(first);
	first = source(&scene, true, 0);
	expect_hears(first, call);
	/* No answer in time: it is no good. */
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	cr_assert_eq(first->state, PEER_ABORTED);
	stage_end(&scene.stage);
	json_decref(step->expect);
}

/* An event between two ticks would be lost otherwise. */
Test(pushes, somebody_is_the_source_at_any_time)
{
	struct scene scene;
	struct peer *first;

	scene_init(&scene, 2);
	begin(&scene);
	first = source(&scene, true, 0);
	pool_renew(scene.stage.outside.engine->lanes[0]->pool, scene.stage.outside.now_us);
	for (int i = 0; i < 400; i++) {
		stage_pass(&scene.stage, 10 * STAGE_MS);
		cr_assert_not_null(source(&scene, true, 0));
		stage_open_dials(&scene.stage);
	}
	cr_assert_neq(source(&scene, true, 0), first);
	cr_assert_null(source(&scene, true, 1));
	stage_end(&scene.stage);
}

enum wish { DRAINED, IN_MAINTENANCE, REMOVED, RENEWED, SMALLER, WISHES };

static void wishes(struct scene *scene, enum wish wish)
{
	struct pool *pool = scene->stage.outside.engine->lanes[0]->pool;
	struct endpoint *endpoint = source(scene, true, 0)->connection->endpoint;
	const uint64_t now_us = scene->stage.outside.now_us;

	switch (wish) {
	case DRAINED:
		pool_set_wish(endpoint, WISH_DRAIN, NULL, now_us);
		break;
	case IN_MAINTENANCE:
		pool_set_wish(endpoint, WISH_MAINT, NULL, now_us);
		break;
	case REMOVED:
		pool_set_wish(endpoint, WISH_REMOVE, NULL, now_us);
		break;
	case RENEWED:
		pool_renew(pool, now_us);
		break;
	default:
		pool_resize(pool, 1, "asked", "", now_us);
		break;
	}
}

/* Says it on all connections that are there, as a broadcast does. */
static void everybody_says(struct scene *scene, const char *text)
{
	list_each(&scene->stage.outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->kind == PEER_UPSTREAM && peer->state == PEER_OPEN)
			says(peer, text);
	}
}

/* Whatever an operator wishes, each push is handled once, and none is thought to be missing. */
Test(pushes, a_source_that_is_told_to_go_hands_over)
{
	for (enum wish wish = DRAINED; wish < WISHES; wish++) {
		struct scene scene;
		struct peer *first;
		char text[128];

		scene_init(&scene, 2);
		setup_endpoint(scene.stage.pool, "b");
		rules[0].method = "*";
		begin(&scene);
		first = source(&scene, true, 0);
		wishes(&scene, wish);
		for (int i = 0; i < 500; i++) {
			snprintf(text, sizeof(text), "{\"method\":\"news\",\"params\":[%d]}", i);
			everybody_says(&scene, text);
			expect_hears(scene.client, text);
			expect_silence(scene.client);
			stage_pass(&scene.stage, 10 * STAGE_MS);
			stage_open_dials(&scene.stage);
		}
		cr_expect(wish == SMALLER || source(&scene, true, 0) != first, "%d", wish);
		cr_expect_null(source(&scene, true, 1), "%d", wish);
		cr_expect_eq(scene.stage.outside.engine->lanes[0]->push_gaps, 0, "%d", wish);
		stage_end(&scene.stage);
	}
}

/* It listens only once it has been told to, and that has been answered. */
Test(pushes, the_old_source_is_heard_until_the_new_one_has_subscribed)
{
	static const char call[] = "{\"subscribe\":\"all\"}";
	struct scene scene;
	struct greeting_step *step;
	struct peer *first, *second;

	scene_init(&scene, 2);
	setup_endpoint(scene.stage.pool, "b");
	step = setup_greeting(scene.stage.pool);
	*step = (struct greeting_step){
		.send = call, .push_source = true, .timeout_us = 9 * STAGE_S};
	step->expect = json_pack("{s:s}", "ok", "yes");
	begin(&scene);
	first = source(&scene, true, 0);
	second = source(&scene, false, 0);
	expect_hears(first, call);
	says(first, "{\"ok\":\"yes\"}");
	wishes(&scene, IN_MAINTENANCE);
	stage_pass(&scene.stage, 5 * STAGE_S);
	expect_hears(second, call);
	says(first, NEWS);
	expect_hears(scene.client, NEWS);
	says(second, "{\"ok\":\"yes\"}");
	stage_pass(&scene.stage, 1500 * STAGE_MS);
	cr_assert_neq(first->state, PEER_OPEN);
	says(second, NEWS);
	expect_hears(scene.client, NEWS);
	cr_assert_eq(scene.stage.outside.engine->lanes[0]->push_gaps, 0);
	stage_end(&scene.stage);
	json_decref(step->expect);
}

Test(pushes, those_go_to_whom_they_name)
{
	struct scene scene;
	struct session *session;
	json_t *match = json_pack("{s:s}", "/params/to", "identity");

	scene_init(&scene, 1);
	rules[0] =
		(struct push_settings){.method = "news", .forward = FORWARD_MATCH, .match = match};
	begin(&scene);
	session = scene.other->session;
	session->identity = strdup("ann");
	says(source(&scene, true, 0), NEWS);
	expect_silence(scene.client);
	expect_hears(scene.other, NEWS);
	says(source(&scene, true, 0), "{\"method\":\"news\",\"params\":{\"to\":\"ann\"}}");
	expect_hears(scene.other, "{\"method\":\"news\",\"params\":{\"to\":\"ann\"}}");
	says(source(&scene, true, 0), "{\"method\":\"news\",\"params\":{\"to\":[\"anna\"]}}");
	expect_silence(scene.other);
	stage_end(&scene.stage);
	json_decref(match);
}

Test(pushes, subscribers_hear_what_they_asked_for)
{
	struct scene scene;
	char id[64], text[512];
	const char *heard;

	scene_init(&scene, 1);
	rules[0] = (struct push_settings){.method = "*", .forward = FORWARD_SUBSCRIBERS};
	begin(&scene);
	says(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.subscribe\","
			   "\"params\":{\"channel\":\"push\",\"methods\":[\"n*s\",\"x\"]}}");
	heard = hears(scene.client);
	cr_assert_eq(sscanf(heard, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"%63[^\"]\"}", id), 1,
		     "%s", heard);
	says(source(&scene, true, 0), NEWS);
	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"method\":\"wsbroker.event\",\"params\":{\"subscription\":"
		 "\"%s\",\"channel\":\"push\",\"event\":" NEWS "}}",
		 id);
	expect_hears(scene.client, text);
	expect_silence(scene.other);
	says(source(&scene, true, 0), OTHER);
	expect_silence(scene.client);
	snprintf(text, sizeof(text),
		 "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"wsbroker.unsubscribe\",\"params\":[\"%"
		 "s\"]}",
		 id);
	says(scene.other, text);
	expect_hears(scene.other, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":false}");
	says(scene.client, text);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":true}");
	says(source(&scene, true, 0), NEWS);
	expect_silence(scene.client);
	stage_end(&scene.stage);
}

Test(pushes, wrong_wishes_are_refused)
{
	static const char *const params[] = {
		"{\"channel\":\"others\"}",
		"{\"channel\":\"push\",\"tags\":[\"a\"]}",
		"{\"channel\":\"invalidations\",\"methods\":[\"a\"]}",
		"{\"channel\":\"invalidations\",\"tags\":[]}",
		"{\"channel\":\"invalidations\",\"since\":7}",
		"{\"channel\":\"invalidations\",\"since\":\"yesterday\"}",
		"{}",
		"[]",
		"{\"channel\":\"push\",\"methods\":[]}",
		"{\"channel\":\"push\",\"methods\":[1]}",
		"{\"channel\":\"push\",\"methods\":\"x\"}",
		"{\"channel\":\"push\",\"since\":\"start\"}",
	};
	struct scene scene;

	scene_init(&scene, 1);
	begin(&scene);
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		char text[256];

		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.subscribe\","
			 "\"params\":%s}",
			 params[i]);
		says(scene.client, text);
		expect_error(scene.client, .id = "1", .code = -32600, .reason = "invalid_request");
	}
	says(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.unsubscribe\"}");
	expect_error(scene.client, .id = "1", .code = -32600, .reason = "invalid_request");
	stage_end(&scene.stage);
}

Test(pushes, messagepack_clients_hear_messagepack)
{
	static const char ask[] = "\x84\xa7"
				  "jsonrpc\xa3"
				  "2.0\xa2"
				  "id\x01\xa6"
				  "method\xb2"
				  "wsbroker.subscribe\xa6"
				  "params\x81\xa7"
				  "channel\xa4"
				  "push";
	static const char event[] = "\xa5"
				    "event\x83\xa7"
				    "jsonrpc";
	struct scene scene;
	const char *heard;

	scene_init(&scene, 1);
	rules[0] = (struct push_settings){.method = "*", .forward = FORWARD_SUBSCRIBERS};
	begin(&scene);
	says_bytes(scene.client, ask, sizeof(ask) - 1);
	cr_assert_not_null(hears(scene.client));
	says(source(&scene, true, 0), NEWS);
	heard = hears(scene.client);
	cr_assert_not_null(heard);
	cr_assert_eq(heard[0], '\x83');
	cr_assert(memmem(heard, heard_bytes(scene.client), event, sizeof(event) - 1));
	stage_end(&scene.stage);
}
