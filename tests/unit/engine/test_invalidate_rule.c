/* What writes and pushes invalidate, and when. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "broker/route/tag_template.h"
#include "tests/unit/engine/stage.h"

#define FOLLOW                                                                                     \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wsbroker.subscribe\",\"params\":{\"channel\":" \
	"\"invalidations\"}}"
#define BY_PARAMS "property:{params.id}"
#define WRITE	  "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"update\",\"params\":{\"id\":42}}"
#define PUSH	  "{\"jsonrpc\":\"2.0\",\"method\":\"updated\",\"params\":{\"id\":42}}"

struct scene {
	struct stage stage;
	struct invalidate_rule *rule;
	struct tag_templates *templates;
	struct peer *client;
	struct peer *upstream;
};

static struct push_settings pushes[1];
static const char *texts[2];

static void compile(struct scene *scene, struct invalidate_rule *rule, const char *text,
		    enum tag_use use)
{
	const char *why = "";
	size_t bad;

	texts[0] = text;
	cr_assert_eq(tag_templates_create(&scene->templates, texts, 1, use, &why, &bad), WSB_OK,
		     "%s", why);
	*rule = (struct invalidate_rule){
		.templates = texts, .count = 1, .compiled = scene->templates};
	scene->rule = rule;
}

static void begin(struct scene *scene)
{
	const char *heard;

	stage_begin_ready(&scene->stage);
	/* Until there is a source of pushes. */
	for (int i = 0; i < 10; i++) {
		stage_pass(&scene->stage, 100 * STAGE_MS);
		stage_open_dials(&scene->stage);
	}
	scene->client = stage_client(&scene->stage);
	scene->upstream = stage_upstream(&scene->stage, 0);
	says(scene->client, FOLLOW);
	heard = hears(scene->client);
	cr_assert(heard && strstr(heard, "\"result\":\""), "%s", heard);
}

static void init_write(struct scene *scene, const char *text)
{
	stage_init(&scene->stage);
	compile(scene, &scene->stage.any->invalidate, text, TAGS_OF_WRITE);
}

static void begin_write(struct scene *scene, const char *text)
{
	init_write(scene, text);
	begin(scene);
}

static void init_push(struct scene *scene, const char *text, enum push_forward forward)
{
	stage_init(&scene->stage);
	pushes[0] = (struct push_settings){.method = "updated", .forward = forward};
	scene->stage.setup.config.push = pushes;
	scene->stage.setup.config.push_count = 1;
	compile(scene, &pushes[0].invalidate, text, TAGS_OF_PUSH);
}

static void begin_push(struct scene *scene, const char *text, enum push_forward forward)
{
	init_push(scene, text, forward);
	begin(scene);
}

static void end(struct scene *scene)
{
	stage_end(&scene->stage);
	tag_templates_destroy(scene->templates);
}

static void expect_event(struct scene *scene, const char *tags, const char *cause)
{
	const char *heard = hears(scene->client);
	char text[128];

	cr_assert(heard, "no event with %s", tags);
	snprintf(text, sizeof(text), "\"tags\":%s,", tags);
	cr_assert(strstr(heard, text), "%s: %s", text, heard);
	snprintf(text, sizeof(text), "\"cause\":\"%s\"", cause);
	cr_assert(strstr(heard, text), "%s: %s", text, heard);
}

static void expect_write(struct scene *scene)
{
	expect_event(scene, "[\"property:42\"]", "write");
}

Test(write, invalidates_before_its_caller_is_answered)
{
	struct scene scene;

	begin_write(&scene, BY_PARAMS);
	says(scene.client, WRITE);
	answers(scene.upstream, hears_request(scene.upstream), "\"result\":true");
	expect_write(&scene);
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":true}");
	end(&scene);
}

#define UNASKED "{\"jsonrpc\":\"2.0\",\"method\":\"update\",\"params\":{\"id\":42}}"

Test(write, that_is_a_notification_invalidates_when_it_is_sent)
{
	static const enum affinity affinities[] = {AFFINITY_NONE, AFFINITY_CLIENT};

	for (size_t i = 0; i < 2; i++) {
		struct scene scene;

		init_write(&scene, BY_PARAMS);
		scene.stage.pool->affinity = affinities[i];
		begin(&scene);
		says(scene.client, UNASKED);
		expect_hears(scene.upstream, UNASKED);
		expect_write(&scene);
		expect_silence(scene.client);
		end(&scene);
	}
}

Test(write, that_is_a_notification_names_nothing_by_an_answer)
{
	struct scene scene;

	begin_write(&scene, "owner:{result.owner}");
	says(scene.client, UNASKED);
	expect_hears(scene.upstream, UNASKED);
	expect_silence(scene.client);
	end(&scene);
}

Test(write, that_waits_has_invalidated_nothing_yet)
{
	struct scene scene;

	begin_write(&scene, BY_PARAMS);
	stage_kill(scene.upstream);
	says(scene.client, UNASKED);
	/* Until it is dropped. */
	stage_pass(&scene.stage, 10 * STAGE_S);
	expect_silence(scene.client);
	end(&scene);
}

Test(write, may_name_tags_by_its_answer)
{
	struct scene scene;

	begin_write(&scene, "owner:{result.owners[*]}");
	says(scene.client, WRITE);
	answers(scene.upstream, hears_request(scene.upstream),
		"\"result\":{\"owners\":[\"a*\",7]}");
	/* What a message says is no glob. */
	expect_event(&scene, "[\"owner:a\\\\*\",\"owner:7\"]", "write");
	cr_assert_not_null(hears(scene.client));
	end(&scene);
}

Test(write, that_fails_invalidates_nothing)
{
	struct scene scene;

	begin_write(&scene, BY_PARAMS);
	says(scene.client, WRITE);
	answers(scene.upstream, hears_request(scene.upstream),
		"\"error\":{\"code\":1,\"message\":\"no\"}");
	expect_hears(scene.client, "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":1,"
				   "\"message\":\"no\"}}");
	expect_silence(scene.client);
	end(&scene);
}

Test(write, of_which_nothing_is_known_may_have_been_done)
{
	struct scene scene;

	begin_write(&scene, BY_PARAMS);
	says(scene.client, WRITE);
	hears_request(scene.upstream);
	stage_kill(scene.upstream);
	expect_write(&scene);
	expect_error(scene.client, .id = "7", .code = -32001, .reason = "upstream_lost",
		     .pool = "main", .endpoint = "a");
	end(&scene);
}

Test(write, that_was_never_sent_invalidates_nothing)
{
	struct scene scene;

	begin_write(&scene, BY_PARAMS);
	stage_kill(scene.upstream);
	says(scene.client, WRITE);
	stage_pass(&scene.stage, 60 * STAGE_S);
	cr_assert_not_null(strstr(hears(scene.client), "unavailable"));
	expect_silence(scene.client);
	end(&scene);
}

Test(write, counts_also_when_its_caller_has_gone)
{
	struct scene scene;
	struct peer *writer;

	begin_write(&scene, BY_PARAMS);
	writer = stage_client(&scene.stage);
	says(writer, WRITE);
	stage_kill(writer);
	answers(scene.upstream, hears_request(scene.upstream), "\"result\":true");
	expect_write(&scene);
	end(&scene);
}

Test(write, of_which_nothing_is_known_counts_also_when_its_caller_has_gone)
{
	struct scene scene;
	struct peer *writer;

	begin_write(&scene, BY_PARAMS);
	writer = stage_client(&scene.stage);
	says(writer, WRITE);
	hears_request(scene.upstream);
	stage_kill(writer);
	stage_kill(scene.upstream);
	expect_write(&scene);
	end(&scene);
}

/* It was lost once, and waits to be sent again. */
Test(write, that_is_called_off_after_an_attempt_may_have_been_done)
{
	struct scene scene;
	struct peer *writer;

	init_write(&scene, BY_PARAMS);
	scene.stage.any->idempotent = true;
	begin(&scene);
	writer = stage_client(&scene.stage);
	says(writer, WRITE);
	hears_request(scene.upstream);
	stage_kill(scene.upstream);
	expect_write(&scene);
	stage_kill(writer);
	expect_write(&scene);
	end(&scene);
}

/* Its deadline passes: it may have been done, or may yet be. The id of its request upstream. */
static uint64_t is_late(struct scene *scene, bool is_told)
{
	uint64_t id;

	says(scene->client, WRITE);
	id = hears_request(scene->upstream);
	stage_pass(&scene->stage, 31 * STAGE_S);
	if (is_told)
		expect_write(scene);
	expect_error(scene->client, .id = "7", .code = -32002, .reason = "timeout", .pool = "main",
		     .endpoint = "a");
	expect_silence(scene->client);
	return id;
}

Test(write, that_is_done_after_its_deadline_invalidates_once_more)
{
	struct scene scene;
	uint64_t id;

	begin_write(&scene, BY_PARAMS);
	id = is_late(&scene, true);
	answers(scene.upstream, id, "\"result\":true");
	expect_write(&scene);
	answers(scene.upstream, id, "\"result\":true");
	expect_silence(scene.client);
	end(&scene);
}

Test(write, that_is_done_late_may_name_tags_by_its_answer)
{
	struct scene scene;

	begin_write(&scene, "owner:{result.owner}");
	answers(scene.upstream, is_late(&scene, false), "\"result\":{\"owner\":7}");
	expect_event(&scene, "[\"owner:7\"]", "write");
	expect_silence(scene.client);
	end(&scene);
}

Test(write, that_fails_late_invalidates_no_more)
{
	struct scene scene;

	begin_write(&scene, BY_PARAMS);
	answers(scene.upstream, is_late(&scene, true), "\"error\":{\"code\":1,\"message\":\"no\"}");
	expect_silence(scene.client);
	end(&scene);
}

Test(write, that_names_more_than_can_be_told_apart_counts_for_all_its_rule_could_name)
{
	char answer[TEXT_SET_MAX * 8];
	struct scene scene;
	size_t len;

	begin_write(&scene, "x:{result[*]}");
	says(scene.client, WRITE);
	len = (size_t)snprintf(answer, sizeof(answer),
			       "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":[0",
			       (unsigned long long)hears_request(scene.upstream));
	for (size_t i = 1; i <= TEXT_SET_MAX; i++)
		len += (size_t)snprintf(answer + len, sizeof(answer) - len, ",%zu", i);
	snprintf(answer + len, sizeof(answer) - len, "]}");
	says(scene.upstream, answer);
	expect_event(&scene, "[\"x:*\"]", "write");
	cr_assert_eq(scene.stage.outside.engine->stats.invalidations_broad[CAUSE_WRITE], 1);
	cr_assert_not_null(hears(scene.client));
	end(&scene);
}

Test(push, invalidates_before_it_is_passed_on)
{
	struct scene scene;

	begin_push(&scene, BY_PARAMS, FORWARD_ALL);
	says(scene.upstream, PUSH);
	expect_event(&scene, "[\"property:42\"]", "push");
	expect_hears(scene.client, PUSH);
	end(&scene);
}

Test(push, invalidates_also_when_nobody_is_to_hear_it)
{
	struct scene scene;

	begin_push(&scene, BY_PARAMS, FORWARD_NONE);
	scene.rule->soft = true;
	says(scene.upstream, PUSH);
	expect_event(&scene, "[\"property:42\"]", "push");
	/* A rule whose template finds nothing. */
	says(scene.upstream, "{\"jsonrpc\":\"2.0\",\"method\":\"updated\",\"params\":{}}");
	expect_silence(scene.client);
	end(&scene);
}

Test(push, merges_as_its_rule_says)
{
	struct scene scene;

	begin_push(&scene, BY_PARAMS, FORWARD_NONE);
	scene.rule->merge_us = STAGE_S;
	for (size_t i = 0; i < 10; i++)
		says(scene.upstream, PUSH);
	expect_silence(scene.client);
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	expect_event(&scene, "[\"property:42\"]", "push");
	expect_silence(scene.client);
	end(&scene);
}

/* A source that dies may have been deaf for a while, and nobody hears while there is none. */
Test(push, may_have_been_missed_when_its_source_is_lost)
{
	struct scene scene;

	begin_push(&scene, "property:{params.id}:\\*{params.x}?", FORWARD_NONE);
	expect_silence(scene.client);
	stage_kill(scene.upstream);
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	expect_event(&scene, "[\"property:*:\\\\**\"]", "push");
	expect_silence(scene.client);
	for (int i = 0; i < 30; i++) {
		stage_pass(&scene.stage, 100 * STAGE_MS);
		stage_open_dials(&scene.stage);
	}
	expect_event(&scene, "[\"property:*:\\\\**\"]", "push");
	expect_silence(scene.client);
	end(&scene);
}

/* A new source that has to subscribe hears nothing before it has. */
Test(push, may_have_been_missed_until_the_next_source_has_subscribed)
{
	struct greeting_step *step;
	struct scene scene;
	struct peer *next;

	init_push(&scene, BY_PARAMS, FORWARD_NONE);
	scene.stage.pool->size = 2;
	step = setup_greeting(scene.stage.pool);
	*step = (struct greeting_step){
		.send = "{}", .push_source = true, .timeout_us = 60 * STAGE_S};
	step->expect = json_pack("{s:s}", "ok", "yes");
	begin(&scene);
	next = stage_upstream(&scene.stage, 1);
	cr_assert(scene.upstream->connection->push_source);
	stage_kill(scene.upstream);
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	expect_event(&scene, "[\"property:*\"]", "push");
	stage_pass(&scene.stage, 2 * STAGE_S);
	expect_silence(scene.client);
	says(next, "{\"ok\":\"yes\"}");
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	expect_event(&scene, "[\"property:*\"]", "push");
	stage_pass(&scene.stage, 2 * STAGE_S);
	expect_silence(scene.client);
	end(&scene);
	json_decref(step->expect);
}

/* It had heard nothing for some time: that is why it was given up. */
Test(push, may_have_been_missed_by_a_source_that_answers_no_ping)
{
	struct scene scene;

	begin_push(&scene, BY_PARAMS, FORWARD_NONE);
	scene.stage.no_pongs = true;
	stage_pass(&scene.stage, 9 * STAGE_S);
	expect_event(&scene, "[\"property:*\"]", "push");
	end(&scene);
}

Test(push, is_not_missed_when_another_connection_than_the_source_is_lost)
{
	struct scene scene;
	struct peer *other = NULL;

	init_push(&scene, BY_PARAMS, FORWARD_NONE);
	scene.stage.pool->size = 2;
	begin(&scene);
	for (size_t i = 0; i < 2; i++)
		if (!stage_upstream(&scene.stage, i)->connection->push_source)
			other = stage_upstream(&scene.stage, i);
	cr_assert_not_null(other);
	stage_kill(other);
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	expect_silence(scene.client);
	/* The other one takes over at once, and is told apart from none. */
	stage_open_dials(&scene.stage);
	stage_pass(&scene.stage, 500 * STAGE_MS);
	stage_kill(stage_upstream(&scene.stage, 0));
	stage_pass(&scene.stage, 1100 * STAGE_MS);
	expect_event(&scene, "[\"property:*\"]", "push");
	expect_silence(scene.client);
	end(&scene);
}
