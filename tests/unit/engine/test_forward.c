/* The straight path: what is forwarded, what comes back, and under which id. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#include "tests/unit/engine/stage.h"

Test(forward, only_the_id_is_exchanged)
{
	struct stage stage;
	struct peer *client, *upstream;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	says(client, "{ \"params\" : [1.0e0, \"\\u0041\"],\"id\":\"abc\", \"x\":{} ,"
		     "\"method\":\"get\",\"jsonrpc\":\"2.0\"}");
	expect_hears(upstream, "{ \"params\" : [1.0e0, \"\\u0041\"],\"id\":1, \"x\":{} ,"
			       "\"method\":\"get\",\"jsonrpc\":\"2.0\"}");
	says(upstream, "{\"result\": {\"a\":  1},\"jsonrpc\":\"2.0\",\"id\":1 }");
	expect_hears(client, "{\"result\": {\"a\":  1},\"jsonrpc\":\"2.0\",\"id\":\"abc\" }");
	stage_end(&stage);
}

Test(forward, ids_come_back_byte_for_byte)
{
	static const char *const ids[] = {
		"1",
		"0",
		"-7",
		"1.50",
		"1e3",
		"9007199254740993",
		"123456789012345678901234567890",
		"null",
		"\"\"",
		"\"\\u0069d \\n \\/\"",
		"\"550e8400-e29b-41d4-a716-446655440000\"",
		"-0",
	};
	struct stage stage;
	struct peer *client, *upstream;
	char text[256];

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"method\":\"get\"}",
			 ids[i]);
		says(client, text);
		answers(upstream, hears_request(upstream), "\"result\":true");
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":true}",
			 ids[i]);
		expect_hears(client, text);
	}
	stage_end(&stage);
}

Test(forward, equal_ids_of_many_never_mix)
{
	struct stage stage;
	struct peer *clients[3], *upstream;
	uint64_t ids[6];
	char member[64];

	stage_init(&stage);
	stage_begin_ready(&stage);
	upstream = stage_upstream(&stage, 0);
	for (size_t i = 0; i < 3; i++)
		clients[i] = stage_client(&stage);
	for (size_t i = 0; i < 6; i++) {
		says(clients[i % 3], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\"}");
		ids[i] = hears_request(upstream);
		cr_assert_gt(ids[i], 0);
		for (size_t k = 0; k < i; k++)
			cr_assert_neq(ids[i], ids[k]);
	}
	for (size_t i = 6; i-- > 0;) {
		snprintf(member, sizeof(member), "\"result\":%zu", i);
		answers(upstream, ids[i], member);
		snprintf(member, sizeof(member), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%zu}",
			 i);
		expect_hears(clients[i % 3], member);
	}
	stage_end(&stage);
}

Test(forward, ids_upstream_are_never_used_again)
{
	struct stage stage;
	struct peer *client, *upstream;
	uint64_t last = 0;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	for (int i = 0; i < 100; i++) {
		uint64_t id;

		says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\"}");
		id = hears_request(upstream);
		cr_assert_gt(id, last);
		last = id;
		answers(upstream, id, "\"result\":1");
		cr_assert_not_null(hears(client));
		answers(upstream, id, "\"result\":2");
		expect_silence(client);
	}
	cr_assert_eq(stage.outside.engine->stats.oddities[ODD_LATE], 100);
	stage_end(&stage);
}

Test(forward, each_answer_uses_the_encoding_of_its_request)
{
	static const char request[] = "\x84\xa7jsonrpc\xa3"
				      "2.0\xa2id\xcd\x00\x05\xa6method\xa3get"
				      "\xa6params\x91\x01";
	static const char answer[] = "\x83\xa7jsonrpc\xa3"
				     "2.0\xa2id\xcd\x00\x05\xa6result\x91\x01";
	struct stage stage;
	struct peer *client, *upstream;
	const char *heard;
	uint64_t id;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	says_bytes(client, request, sizeof(request) - 1);
	id = hears_request(upstream);
	cr_assert_eq(id, 1);
	cr_assert_str_eq(upstream->body.text,
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\",\"params\":[1]}");
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"get\"}");
	answers(upstream, hears_request(upstream), "\"result\":2");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":2}");
	answers(upstream, id, "\"result\":[1]");
	heard = hears(client);
	cr_assert_not_null(heard);
	cr_assert_eq(heard_bytes(client), sizeof(answer) - 1);
	cr_assert_arr_eq(heard, answer, sizeof(answer) - 1);
	stage_end(&stage);
}

Test(forward, a_binary_frame_may_be_json)
{
	const char *text = "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"get\"}";
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says_bytes(client, text, strlen(text));
	answers(stage_upstream(&stage, 0), hears_request(stage_upstream(&stage, 0)),
		"\"result\":2");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":2}");
	stage_end(&stage);
}

Test(forward, errors_of_the_upstream_pass_as_they_are)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"get\"}");
	answers(stage_upstream(&stage, 0), hears_request(stage_upstream(&stage, 0)),
		"\"error\":{\"code\":-1,\"message\":\"no\"}");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":-1,\"message\":"
			     "\"no\"}}");
	stage_end(&stage);
}

Test(forward, notifications_are_sent_and_not_answered)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"method\":\"told\"}");
	expect_hears(stage_upstream(&stage, 0), "{\"jsonrpc\":\"2.0\",\"method\":\"told\"}");
	stage_pass(&stage, 100 * STAGE_MS);
	expect_silence(client);
	stage_end(&stage);
}

Test(forward, notifications_wait_and_expire_counted)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->queue.age_us = 100 * STAGE_MS;
	stage_begin(&stage);
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"method\":\"told\"}");
	stage_pass(&stage, 150 * STAGE_MS);
	expect_silence(client);
	cr_assert_eq(stage.outside.engine->stats.oddities[ODD_NOTIFICATION_EXPIRED], 1);
	stage_end(&stage);
}

Test(forward, notifications_that_find_the_queue_full_are_counted)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->queue.requests = 1;
	stage_begin(&stage);
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"method\":\"told\"}");
	says(client, "{\"jsonrpc\":\"2.0\",\"method\":\"told\"}");
	expect_silence(client);
	cr_assert_eq(stage.outside.engine->stats.oddities[ODD_NOTIFICATION_EXPIRED], 1);
	stage_pass(&stage, 10 * STAGE_MS);
	stage_open_dials(&stage);
	cr_assert_not_null(hears(stage_upstream(&stage, 0)));
	expect_silence(stage_upstream(&stage, 0));
	stage_end(&stage);
}

Test(forward, fragments_in_any_slicing)
{
	const char *text = "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"get\"}";
	struct stage stage;
	struct peer *client, *upstream;
	size_t len = strlen(text);

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	for (size_t size = 1; size <= len; size++) {
		for (size_t at = 0; at < len; at += size) {
			size_t piece = len - at < size ? len - at : size;

			peer_piece(client, false, span_of(text + at, piece), size % 2,
				   at + piece == len);
		}
		answers(upstream, hears_request(upstream), "\"result\":1");
		expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":1}");
	}
	stage_end(&stage);
}

Test(forward, a_client_keeps_its_order_on_a_connection)
{
	struct stage stage;
	struct peer *client, *upstream;
	char text[128];

	stage_init(&stage);
	stage.pool->max_in_flight = 2;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"get\",\"params\":[%d]}", i,
			 i);
		says(client, text);
	}
	for (int i = 0; i < 20; i++) {
		uint64_t id = hears_request(upstream);

		snprintf(text, sizeof(text), "\"params\":[%d]}", i);
		cr_assert_not_null(strstr(upstream->body.text, text), "%s before %s",
				   upstream->body.text, text);
		answers(upstream, id, "\"result\":1");
	}
	stage_end(&stage);
}

/* An upstream that does not read is full; when it reads again nobody tells the engine. */
Test(forward, newcomers_do_not_jump_the_queue)
{
	const char *first = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}";
	const size_t spaces = CONNECTION_STALL_BYTES;
	char *big = malloc(spaces + strlen(first));
	struct stage stage;
	struct peer *client, *upstream;

	cr_assert_not_null(big);
	memset(big, ' ', spaces);
	memcpy(big + spaces, first, strlen(first));
	stage_init(&stage);
	stage.setup.config.limits.message_bytes = 2 * spaces;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	peer_say(client, false, span_of(big, spaces + strlen(first)));
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"b\"}");
	cr_assert_eq(stage.outside.engine->lanes[0]->queue.count, 1);
	hears_request(upstream);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"c\"}");
	hears_request(upstream);
	cr_assert(strstr(upstream->body.text, "\"b\""), "%s", upstream->body.text);
	hears_request(upstream);
	cr_assert(strstr(upstream->body.text, "\"c\""), "%s", upstream->body.text);
	free(big);
	stage_end(&stage);
}

Test(forward, waiting_clients_are_served_in_turn)
{
	struct stage stage;
	struct peer *greedy, *modest, *upstream;
	int heard_modest_at = -1;

	stage_init(&stage);
	stage.pool->max_in_flight = 1;
	stage_begin_ready(&stage);
	greedy = stage_client(&stage);
	modest = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	for (int i = 0; i < 50; i++)
		says(greedy, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"greedy\"}");
	says(modest, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"modest\"}");
	for (int i = 0; i < 51; i++) {
		uint64_t id = hears_request(upstream);

		if (strstr(upstream->body.text, "modest"))
			heard_modest_at = i;
		answers(upstream, id, "\"result\":1");
	}
	cr_assert_leq(heard_modest_at, 2);
	cr_assert_geq(heard_modest_at, 1);
	stage_end(&stage);
}

Test(forward, a_home_grown_envelope)
{
	struct stage stage;
	struct peer *client, *upstream;

	stage_init(&stage);
	stage.setup.config.envelope_is_jsonrpc = false;
	stage.setup.config.envelope = (struct envelope_settings){
		.id = "/requestId",
		.method = "/type",
		.params = "/payload",
		.result = "/payload",
		.error = "/error",
		.ids = ID_STRING,
		.reply = "{\"type\":\"error\",\"requestId\":$id,\"error\":{\"code\":$code,"
			 "\"message\":$message,\"data\":$data}}",
	};
	stage.any->method = "get";
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	upstream = stage_upstream(&stage, 0);
	says(client, "{\"type\":\"get\",\"requestId\":17,\"payload\":{}}");
	expect_hears(upstream, "{\"type\":\"get\",\"requestId\":\"1\",\"payload\":{}}");
	says(upstream, "{\"type\":\"got\",\"requestId\":\"1\",\"payload\":[]}");
	expect_hears(client, "{\"type\":\"got\",\"requestId\":17,\"payload\":[]}");
	says(client, "{\"type\":\"other\",\"requestId\":\"a\"}");
	cr_assert_not_null(strstr(hears(client), "{\"type\":\"error\",\"requestId\":\"a\","));
	stage_end(&stage);
}
