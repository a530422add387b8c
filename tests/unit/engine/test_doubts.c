/* Writes of whose end nobody tells, or too late: nothing that was read before them is served for
 * fresh after it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "broker/engine/doubts.h"
#include "broker/route/tag_template.h"
#include "tests/unit/engine/stage.h"

#define SET_REQUEST	 "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"set\",\"params\":{\"n\":1}}"
#define SET_NOTIFICATION "{\"jsonrpc\":\"2.0\",\"method\":\"set\",\"params\":{\"n\":1}}"
#define GET_IT		 "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"get\",\"params\":{\"n\":1}}"

/* The upstream's one number; `get` is cached and `set` writes it. */
struct scene {
	struct stage stage;
	struct route_settings *set;
	struct route_settings *get;
	struct tag_templates *templates;
	struct peer *client;
	struct peer *upstream;
	int value;
};

static const char *tags[] = {"n:{params.n}"};
static const char *by_answer[] = {"n:{result.n}"};

static void scene_init(struct scene *scene, const char **texts)
{
	const char *why;
	size_t bad;

	*scene = (struct scene){.value = 1};
	stage_init(&scene->stage);
	scene->stage.any->method = "set";
	scene->set = scene->stage.any;
	scene->set->timeout_us = 2 * STAGE_S;
	cr_assert_eq(tag_templates_create(&scene->templates, texts, 1, TAGS_OF_WRITE, &why, &bad),
		     WSB_OK);
	scene->set->invalidate = (struct invalidate_rule){
		.templates = texts, .count = 1, .compiled = scene->templates};
	scene->get = setup_route(&scene->stage.setup, "get");
	scene->get->cache = (struct cache_rule){
		.enabled = true,
		.scope = {.kind = CACHE_SCOPE_SHARED},
		.ttl_us = 600 * STAGE_S,
		.weight = 2,
		.tags = tags,
		.tag_count = 1,
	};
}

static void begin(struct scene *scene)
{
	stage_begin_ready(&scene->stage);
	stage_pass(&scene->stage, 100 * STAGE_MS);
	stage_open_dials(&scene->stage);
	scene->client = stage_client(&scene->stage);
	scene->upstream = stage_upstream(&scene->stage, 0);
	expect_silence(scene->upstream);
}

static void begin_with(struct scene *scene, const char **texts)
{
	scene_init(scene, texts);
	begin(scene);
}

/* There are two connections, and what is lost is repeated. */
static void begin_repeating(struct scene *scene)
{
	scene_init(scene, tags);
	scene->stage.pool->size = 2;
	scene->set->idempotent = true;
	begin(scene);
	for (size_t i = 0; i < 2; i++)
		expect_silence(stage_upstream(&scene->stage, i));
}

static void end(struct scene *scene)
{
	cr_assert_eq(scene->stage.outside.engine->doubts.bytes, 0);
	stage_end(&scene->stage);
	tag_templates_destroy(scene->templates);
}

static void expect_value(struct scene *scene, bool from_cache)
{
	char member[32], text[64];

	says(scene->client, GET_IT);
	snprintf(member, sizeof(member), "\"result\":%d", scene->value);
	if (!from_cache)
		answers(scene->upstream, hears_request(scene->upstream), member);
	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":0,%s}", member);
	expect_hears(scene->client, text);
}

/* What lies between is what was read before the write was done. */
static void read_before(struct scene *scene)
{
	expect_value(scene, false);
	expect_value(scene, true);
}

/* It reaches the upstream, and nobody says when it has been read. */
static void notifies(struct scene *scene)
{
	says(scene->client, SET_NOTIFICATION);
	expect_hears(scene->upstream, SET_NOTIFICATION);
}

static void no_pongs_for(struct scene *scene, uint64_t us)
{
	scene->stage.no_pongs = true;
	stage_pass(&scene->stage, us);
	scene->stage.no_pongs = false;
}

Test(doubts, a_notification_invalidates_when_it_is_sent)
{
	struct scene scene;

	begin_with(&scene, tags);
	read_before(&scene);
	notifies(&scene);
	scene.value++;
	expect_value(&scene, false);
	stage_pass(&scene.stage, 10 * STAGE_S);
	end(&scene);
}

Test(doubts, and_again_when_it_has_been_read)
{
	struct scene scene;

	begin_with(&scene, tags);
	notifies(&scene);
	no_pongs_for(&scene, 100 * STAGE_MS);
	read_before(&scene);
	scene.value++;
	stage_pass(&scene.stage, 20 * STAGE_MS);
	expect_value(&scene, false);
	stage_pass(&scene.stage, 10 * STAGE_S);
	end(&scene);
}

/* The upstream reads it at once, and takes its time. */
Test(doubts, and_a_last_time_when_its_time_is_over)
{
	struct scene scene;

	begin_with(&scene, tags);
	notifies(&scene);
	stage_pass(&scene.stage, 100 * STAGE_MS);
	read_before(&scene);
	scene.value++;
	stage_pass(&scene.stage, 2 * STAGE_S);
	expect_value(&scene, false);
	stage_pass(&scene.stage, 10 * STAGE_S);
	expect_value(&scene, true);
	end(&scene);
}

/* A ping that went out before it says nothing of it. */
Test(doubts, the_pong_to_an_older_ping_says_nothing)
{
	struct scene scene;

	begin_with(&scene, tags);
	scene.stage.no_pongs = true;
	for (int i = 0; i < 2; i++)
		notifies(&scene);
	peer_pong(scene.upstream);
	read_before(&scene);
	cr_assert(scene.upstream->connection->ping_waits, "the second one is asked for");
	scene.value++;
	peer_pong(scene.upstream);
	expect_value(&scene, false);
	scene.stage.no_pongs = false;
	stage_pass(&scene.stage, 10 * STAGE_S);
	end(&scene);
}

Test(doubts, without_pings_it_has_its_time)
{
	struct scene scene;

	scene_init(&scene, tags);
	scene.stage.pool->probe.interval_us = 0;
	begin(&scene);
	notifies(&scene);
	read_before(&scene);
	scene.value++;
	stage_pass(&scene.stage, 2100 * STAGE_MS);
	expect_value(&scene, false);
	end(&scene);
}

Test(doubts, where_clients_stay_a_notification_is_a_write_too)
{
	struct scene scene;

	scene_init(&scene, tags);
	scene.stage.pool->affinity = AFFINITY_CLIENT;
	begin(&scene);
	read_before(&scene);
	notifies(&scene);
	scene.value++;
	expect_value(&scene, false);
	stage_pass(&scene.stage, 10 * STAGE_S);
	end(&scene);
}

/* A load that began before it is not stored after it. */
Test(doubts, a_load_from_before_a_notification_is_not_stored)
{
	struct scene scene;
	uint64_t id;

	begin_with(&scene, tags);
	says(scene.client, GET_IT);
	id = hears_request(scene.upstream);
	says(scene.client, SET_NOTIFICATION);
	answers(scene.upstream, id, "\"result\":1");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":1}");
	scene.value++;
	hears(scene.upstream);
	expect_value(&scene, false);
	stage_pass(&scene.stage, 10 * STAGE_S);
	end(&scene);
}

/* The request has been given up, then the value is read, then it is written after all. */
static uint64_t give_up(struct scene *scene)
{
	uint64_t id;

	says(scene->client, SET_REQUEST);
	id = hears_request(scene->upstream);
	stage_pass(&scene->stage, 2100 * STAGE_MS);
	expect_error(scene->client, .id = "7", .code = -32002, .reason = "timeout", .pool = "main",
		     .endpoint = "a");
	read_before(scene);
	return id;
}

Test(doubts, a_late_answer_invalidates_what_was_read_since)
{
	struct scene scene;
	uint64_t id;

	begin_with(&scene, tags);
	id = give_up(&scene);
	scene.value++;
	answers(scene.upstream, id, "\"result\":true");
	expect_silence(scene.client);
	expect_value(&scene, false);
	/* And that only once. */
	answers(scene.upstream, id, "\"result\":true");
	expect_value(&scene, true);
	end(&scene);
}

Test(doubts, a_late_answer_may_name_what_it_has_written)
{
	struct scene scene;
	uint64_t id;

	begin_with(&scene, by_answer);
	id = give_up(&scene);
	scene.value++;
	answers(scene.upstream, id, "\"result\":{\"n\":1}");
	expect_value(&scene, false);
	end(&scene);
}

Test(doubts, a_late_error_means_that_nothing_was_written)
{
	struct scene scene;
	uint64_t id;

	begin_with(&scene, tags);
	id = give_up(&scene);
	answers(scene.upstream, id, "\"error\":{\"code\":1,\"message\":\"no\"}");
	expect_value(&scene, true);
	end(&scene);
}

Test(doubts, the_end_of_the_connection_leaves_it_in_doubt)
{
	struct scene scene;

	begin_with(&scene, tags);
	give_up(&scene);
	scene.value++;
	stage_kill(scene.upstream);
	stage_pass(&scene.stage, 5 * STAGE_S);
	stage_open_dials(&scene.stage);
	stage_pass(&scene.stage, 100 * STAGE_MS);
	scene.upstream = stage_upstream(&scene.stage, 0);
	expect_silence(scene.upstream);
	expect_value(&scene, false);
	end(&scene);
}

/* It goes on elsewhere, which may take its time. */
Test(doubts, one_that_is_lost_and_repeated_may_have_been_done)
{
	struct scene scene;

	begin_repeating(&scene);
	says(scene.client, SET_REQUEST);
	scene.upstream = stage_asked(&scene.stage);
	hears_request(scene.upstream);
	stage_kill(scene.upstream);
	scene.upstream = stage_upstream(&scene.stage, 0);
	cr_assert_eq(scene.stage.outside.engine->stats.invalidations[CAUSE_WRITE], 1);
	stage_pass(&scene.stage, 500 * STAGE_MS);
	answers(scene.upstream, hears_request(scene.upstream), "\"result\":true");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":true}");
	cr_assert_eq(scene.stage.outside.engine->stats.invalidations[CAUSE_WRITE], 2);
	end(&scene);
}

/* The second attempt has been answered, and the first is done after all. */
Test(doubts, the_slower_of_two_attempts_counts_too)
{
	struct scene scene;
	struct peer *first, *second;
	uint64_t id;

	begin_repeating(&scene);
	says(scene.client, SET_REQUEST);
	first = stage_asked(&scene.stage);
	second = stage_other(&scene.stage, first);
	id = hears_request(first);
	stage_pass(&scene.stage, 800 * STAGE_MS);
	answers(second, hears_request(second), "\"result\":true");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":true}");
	scene.upstream = second;
	says(scene.client, GET_IT);
	scene.upstream = stage_asked(&scene.stage);
	answers(scene.upstream, hears_request(scene.upstream), "\"result\":1");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":1}");
	answers(first, id, "\"result\":true");
	says(scene.client, GET_IT);
	expect_silence(scene.client);
	scene.upstream = stage_asked(&scene.stage);
	answers(scene.upstream, hears_request(scene.upstream), "\"result\":2");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":2}");
	end(&scene);
}

static void says_and_is_heard(struct scene *scene, const char *text)
{
	says(scene->client, text);
	cr_assert_not_null(hears(scene->upstream));
}

/* What cannot be remembered has been invalidated once more before it is forgotten. */
Test(doubts, no_more_than_so_many_are_remembered)
{
	static char text[300000];
	struct scene scene;
	int len;

	scene_init(&scene, tags);
	scene.set->timeout_us = 60 * STAGE_S;
	scene.stage.pool->max_in_flight = 10000;
	begin(&scene);
	scene.stage.no_pongs = true;
	notifies(&scene);
	read_before(&scene);
	scene.value++;
	len = snprintf(text, sizeof(text),
		       "{\"jsonrpc\":\"2.0\",\"method\":\"set\",\"params\":{\"n\":2,\"x\":\"");
	memset(text + len, 'x', 250000);
	snprintf(text + len + 250000, sizeof(text) - 250000 - (size_t)len, "\"}}");
	for (int i = 0; i < 20; i++)
		says_and_is_heard(&scene, text);
	cr_assert_leq(scene.stage.outside.engine->doubts.bytes, (size_t)4 << 20);
	expect_value(&scene, false);
	for (int i = 0; i < 2000; i++)
		says_and_is_heard(&scene, SET_NOTIFICATION);
	cr_assert_leq(scene.upstream->connection->doubts.count, 1024);
	stage_kill(scene.upstream);
	stage_pass(&scene.stage, 200 * STAGE_MS);
	end(&scene);
}

static uint64_t writes(const struct scene *scene)
{
	return scene->stage.outside.engine->stats.invalidations[CAUSE_WRITE];
}

/* What comes to be known of many at once is acted upon in slices, all of it in the end. */
Test(doubts, many_at_once_hold_nobody_up)
{
	struct scene scene;
	uint64_t before;

	scene_init(&scene, tags);
	scene.set->timeout_us = 60 * STAGE_S;
	scene.stage.pool->max_in_flight = 10000;
	begin(&scene);
	scene.stage.no_pongs = true;
	for (int i = 0; i < 1000; i++)
		says_and_is_heard(&scene, SET_NOTIFICATION);
	before = writes(&scene);
	/* Read: each is once more untrue. */
	scene.stage.no_pongs = false;
	stage_pass(&scene.stage, 10 * STAGE_S);
	cr_assert_eq(writes(&scene), before + 1000);
	before = writes(&scene);
	stage_kill(scene.upstream);
	cr_assert_gt(writes(&scene), before);
	cr_assert_leq(writes(&scene), before + 200);
	stage_pass(&scene.stage, 200 * STAGE_MS);
	cr_assert_eq(writes(&scene), before + 1000);
	end(&scene);
}

/* It would be kept for as long as the connection lives, and its configuration with it. */
Test(doubts, nobody_waits_longer_than_an_hour)
{
	struct scene scene;
	uint64_t id, before;

	begin_with(&scene, tags);
	id = give_up(&scene);
	before = writes(&scene);
	stage_pass(&scene.stage, 3590 * STAGE_S);
	cr_assert_gt(scene.stage.outside.engine->doubts.bytes, 0);
	cr_assert_eq(writes(&scene), before);
	stage_pass(&scene.stage, 20 * STAGE_S);
	cr_assert_eq(scene.stage.outside.engine->doubts.bytes, 0);
	cr_assert_eq(writes(&scene), before + 1);
	answers(scene.upstream, id, "\"result\":true");
	cr_assert_eq(writes(&scene), before + 1);
	end(&scene);
}
