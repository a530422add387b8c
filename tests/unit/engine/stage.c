#include "tests/unit/engine/stage.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void stage_init(struct stage *stage)
{
	*stage = (struct stage){0};
	outside_init(&stage->outside, 7);
	setup_init(&stage->setup);
	stage->pool = setup_pool(&stage->setup, "main");
	setup_endpoint(stage->pool, "a");
	stage->any = setup_route(&stage->setup, "*");
}

void stage_begin(struct stage *stage)
{
	setup_compile(&stage->setup);
	cr_assert_eq(outside_begin(&stage->outside, &stage->setup.config, 7), WSB_OK);
}

void stage_begin_ready(struct stage *stage)
{
	stage_begin(stage);
	stage_pass(stage, 10 * STAGE_MS);
	stage_open_dials(stage);
}

static void stage_pong(struct stage *stage)
{
	list_each(&stage->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->state != PEER_OPEN)
			continue;
		if (peer->kind == PEER_UPSTREAM && peer->connection->ping_waits)
			peer_pong(peer);
		if (peer->kind == PEER_CLIENT && peer->session->ping_waits)
			peer_pong(peer);
	}
}

void stage_pass(struct stage *stage, uint64_t us)
{
	uint64_t until_us = stage->outside.now_us + us;

	while (stage->outside.now_us < until_us) {
		uint64_t left_us = until_us - stage->outside.now_us;
		uint64_t step_us = left_us < 10 * STAGE_MS ? left_us : 10 * STAGE_MS;

		outside_tick(&stage->outside, stage->outside.now_us + step_us);
		if (!stage->no_pongs)
			stage_pong(stage);
	}
	cr_assert_null(stage->outside.breach, "%s", stage->outside.breach);
}

void stage_open_dials(struct stage *stage)
{
	list_each(&stage->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->kind == PEER_UPSTREAM && peer->state == PEER_DIALING)
			peer_open(peer);
	}
	if (!stage->no_pongs)
		stage_pong(stage);
}

static void expect_nothing_left(const struct engine *engine)
{
	cr_assert_eq(engine->exchanges.used, 0, "%zu exchanges are left", engine->exchanges.used);
	cr_assert_eq(engine->exchanges.text_bytes, 0);
	cr_assert_eq(engine->timers.armed, 0, "%zu timers are left", engine->timers.armed);
	cr_assert_eq(engine_buffer_bytes(engine), 0);
	for (size_t i = 0; i < SESSION_STATES; i++)
		cr_assert_eq(engine->sessions.states[i].count, 0);
	for (size_t i = 0; i < engine->lane_count; i++)
		cr_assert_eq(engine->lanes[i]->pool->in_flight, 0);
}

void stage_end(struct stage *stage)
{
	struct list_node *node;

	list_each(&stage->outside.peers, client)
		if (list_entry(client, struct peer, link)->kind != PEER_UPSTREAM)
			stage_kill(list_entry(client, struct peer, link));
	while ((node = list_first(&stage->outside.peers)))
		stage_kill(list_entry(node, struct peer, link));
	expect_nothing_left(stage->outside.engine);
	cr_assert_null(stage->outside.breach, "%s", stage->outside.breach);
	outside_end(&stage->outside);
	outside_fini(&stage->outside);
	setup_fini(&stage->setup);
}

struct peer *stage_client(struct stage *stage)
{
	struct admittance admittance;
	struct peer *peer;

	cr_assert_eq(outside_knock(&stage->outside, true, &admittance), 101);
	peer = outside_client(&stage->outside, 0, &admittance);
	cr_assert_not_null(peer);
	return peer;
}

struct peer *stage_upstream(struct stage *stage, size_t at)
{
	list_each(&stage->outside.peers, node) {
		struct peer *peer = list_entry(node, struct peer, link);

		if (peer->kind == PEER_UPSTREAM && at-- == 0)
			return peer;
	}
	return NULL;
}

struct peer *stage_asked(struct stage *stage)
{
	struct peer *first = stage_upstream(stage, 0);

	return is_spoken_to(first) ? first : stage_upstream(stage, 1);
}

struct peer *stage_other(struct stage *stage, const struct peer *upstream)
{
	return stage_upstream(stage, upstream == stage_upstream(stage, 0));
}

struct peer *stage_post(struct stage *stage, const char *body)
{
	struct admittance admittance;

	cr_assert_eq(outside_knock(&stage->outside, false, &admittance), 200);
	return outside_post(&stage->outside, 0, &admittance, ENCODING_JSON, span_text(body));
}

void stage_kill(struct peer *peer)
{
	peer_end(peer, "eof", 0, span_of("", 0));
}

void says(struct peer *peer, const char *text)
{
	peer_say(peer, false, span_text(text));
}

void says_bytes(struct peer *peer, const void *bytes, size_t len)
{
	peer_say(peer, true, span_of(bytes, len));
}

const char *hears(struct peer *peer)
{
	struct frame frame;

	peer_take(peer, SIZE_MAX);
	if (!peer_next(peer, &frame)) {
		cr_assert_null(peer->stream.flaw, "%s", peer->stream.flaw);
		return NULL;
	}
	strbuf_clear(&peer->body);
	strbuf_add(&peer->body, frame.payload);
	return peer->body.text;
}

size_t heard_bytes(const struct peer *peer)
{
	return peer->body.len;
}

bool is_spoken_to(const struct peer *peer)
{
	return outbox_bytes(peer_outbox(peer)) > 0;
}

void expect_hears(struct peer *peer, const char *text)
{
	const char *heard = hears(peer);

	cr_assert_not_null(heard, "nothing is heard instead of %s", text);
	cr_assert_str_eq(heard, text);
}

void expect_silence(struct peer *peer)
{
	const char *heard = hears(peer);

	cr_assert_null(heard, "%s is heard instead of silence", heard);
}

uint64_t hears_request(struct peer *upstream)
{
	const char *heard = hears(upstream);
	const char *id;

	cr_assert_not_null(heard, "no request is heard");
	id = strstr(heard, "\"id\":");
	cr_assert_not_null(id, "%s", heard);
	return strtoull(id + 5, NULL, 10);
}

void answers(struct peer *upstream, uint64_t id, const char *member)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",%s}", id, member);
	says(upstream, text);
}

static void expect_text(json_t *data, const char *name, const char *text, const char *whole)
{
	const json_t *value = json_object_get(data, name);

	if (!text) {
		cr_assert_null(value, "%s in %s", name, whole);
		return;
	}
	cr_assert(json_is_string(value), "no %s in %s", name, whole);
	cr_assert_str_eq(json_string_value(value), text);
}

void expect_error_in(const char *text, const struct expected_error *expected)
{
	json_t *tree = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
	json_t *error = json_object_get(tree, "error");
	json_t *data = json_object_get(error, "data");
	char id[128];

	cr_assert_not_null(error, "%s is no error", text);
	snprintf(id, sizeof(id), "\"id\":%s,", expected->id);
	cr_assert_not_null(strstr(text, id), "%s is not the id of %s", expected->id, text);
	cr_assert_eq((int)json_number_value(json_object_get(error, "code")), expected->code, "%s",
		     text);
	cr_assert(json_is_string(json_object_get(error, "message")), "%s", text);
	expect_text(data, "source", "wsbroker", text);
	expect_text(data, "reason", expected->reason, text);
	expect_text(data, "pool", expected->pool, text);
	expect_text(data, "endpoint", expected->endpoint, text);
	expect_text(data, "limit", expected->limit, text);
	cr_assert(json_is_boolean(json_object_get(data, "retryable")), "%s", text);
	cr_assert_eq(json_is_true(json_object_get(data, "retryable")), expected->retryable, "%s",
		     text);
	json_decref(tree);
}

void expect_next_error(struct peer *peer, const struct expected_error *expected)
{
	const char *heard = hears(peer);

	cr_assert_not_null(heard, "no error %s is heard", expected->reason);
	expect_error_in(heard, expected);
}
