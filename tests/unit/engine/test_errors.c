/* Every error of the contract's table, with all that its data says. */
#include <criterion/criterion.h>

#include "tests/unit/engine/stage.h"

Test(errors, text_that_is_not_json)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, "{\"id\":1,");
	expect_error(client, .id = "null", .code = -32700, .reason = "parse_error");
	stage_end(&stage);
}

Test(errors, bytes_that_are_not_messagepack)
{
	struct stage stage;
	struct peer *client;
	const char *heard;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says_bytes(client, "\xc1", 1);
	heard = hears(client);
	cr_assert_not_null(heard);
	cr_assert_not_null(memmem(heard, heard_bytes(client), "parse_error", 11));
	cr_assert_not_null(memmem(heard, heard_bytes(client), "\xd1\x80\x44", 3), "code -32700");
	stage_end(&stage);
}

Test(errors, messages_that_are_none_of_the_envelope)
{
	static const struct {
		const char *text;
		const char *id;
	} cases[] = {
		{"42", "null"},
		{"{}", "null"},
		{"{\"id\":5}", "5"},
		{"{\"id\":{},\"method\":\"get\"}", "null"},
		{"{\"id\":7,\"method\":8}", "7"},
		{"{\"id\":1,\"method\":\"a\",\"method\":\"b\"}", "1"},
	};
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		says(client, cases[i].text);
		expect_error(client, .id = cases[i].id, .code = -32600,
			     .reason = "invalid_request");
	}
	expect_silence(stage_upstream(&stage, 0));
	stage_end(&stage);
}

Test(errors, no_route)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.any->method = "known.*";
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	expect_error(client, .id = "1", .code = -32601, .reason = "no_route");
	stage_end(&stage);
}

Test(errors, method_denied)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.any->action = ROUTE_DENY;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	expect_error(client, .id = "1", .code = -32601, .reason = "method_denied");
	stage_end(&stage);
}

Test(errors, unavailable_when_no_connection_came_up)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->queue.age_us = STAGE_S;
	stage_begin(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	stage_pass(&stage, 990 * STAGE_MS);
	expect_silence(client);
	stage_pass(&stage, 30 * STAGE_MS);
	expect_error(client, .id = "1", .code = -32000, .reason = "unavailable", .retryable = true,
		     .pool = "main", .limit = "pools.queue.age");
	stage_end(&stage);
}

Test(errors, overloaded_when_every_connection_stayed_full)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->queue.age_us = STAGE_S;
	stage.pool->max_in_flight = 1;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	says(client, GET("2"));
	stage_pass(&stage, 1020 * STAGE_MS);
	expect_error(client, .id = "2", .code = -32003, .reason = "overloaded", .retryable = true,
		     .pool = "main", .limit = "pools.queue.age");
	stage_end(&stage);
}

Test(errors, overloaded_when_the_queue_is_full)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->queue.requests = 1;
	stage_begin(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	says(client, GET("2"));
	expect_error(client, .id = "2", .code = -32003, .reason = "overloaded", .retryable = true,
		     .pool = "main", .limit = "pools.queue.requests");
	expect_silence(client);
	stage_end(&stage);
}

Test(errors, overloaded_when_the_queue_has_too_many_bytes)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->queue.bytes = 60;
	stage_begin(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	says(client, GET("2"));
	expect_error(client, .id = "2", .code = -32003, .reason = "overloaded", .retryable = true,
		     .pool = "main", .limit = "pools.queue.bytes");
	stage_end(&stage);
}

Test(errors, upstream_lost_after_the_request_was_written)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	hears_request(stage_upstream(&stage, 0));
	stage_kill(stage_upstream(&stage, 0));
	expect_error(client, .id = "1", .code = -32001, .reason = "upstream_lost", .pool = "main",
		     .endpoint = "a");
	stage_end(&stage);
}

Test(errors, timeout_when_the_deadline_has_passed)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.any->timeout_us = 200 * STAGE_MS;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	hears_request(stage_upstream(&stage, 0));
	stage_pass(&stage, 190 * STAGE_MS);
	expect_silence(client);
	stage_pass(&stage, 30 * STAGE_MS);
	expect_error(client, .id = "1", .code = -32002, .reason = "timeout", .pool = "main",
		     .endpoint = "a");
	stage_end(&stage);
}

Test(errors, rate_limited)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.setup.config.limits.rate_per_client = 2;
	stage.any->action = ROUTE_RESPOND;
	stage.any->respond = "1";
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("1"));
	says(client, GET("2"));
	says(client, GET("3"));
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":1}");
	expect_error(client, .id = "3", .code = -32004, .reason = "rate_limited", .retryable = true,
		     .limit = "limits.rate_per_client");
	stage_pass(&stage, STAGE_S);
	says(client, GET("4"));
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":1}");
	stage_end(&stage);
}

Test(errors, not_cached)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\","
		     "\"wsbroker\":{\"cache\":\"only\"}}");
	expect_error(client, .id = "1", .code = -32005, .reason = "not_cached", .retryable = true);
	stage_end(&stage);
}

Test(errors, requests_that_cannot_be_transcoded)
{
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->encoding = ENCODING_MSGPACK;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\","
		     "\"params\":[123456789012345678901234567890]}");
	expect_error(client, .id = "1", .code = -32600, .reason = "not_transcodable",
		     .pool = "main");
	expect_silence(stage_upstream(&stage, 0));
	stage_end(&stage);
}

Test(errors, answers_that_cannot_be_transcoded)
{
	static const char bytes[] = "\x83\xa7jsonrpc\xa3"
				    "2.0\xa2id\x01\xa6result\xc4\x01x";
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.pool->encoding = ENCODING_MSGPACK;
	stage.any->idempotent = true;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, GET("\"x\""));
	cr_assert_not_null(hears(stage_upstream(&stage, 0)));
	says_bytes(stage_upstream(&stage, 0), bytes, sizeof(bytes) - 1);
	expect_error(client, .id = "\"x\"", .code = -32001, .reason = "not_transcodable",
		     .pool = "main");
	stage_end(&stage);
}

Test(errors, options_out_of_place)
{
	static const char *const options[] = {"1", "{\"nonsense\":1}", "{\"timeout\":\"soon\"}",
					      "{\"cache\":\"maybe\"}"};
	struct stage stage;
	struct peer *client;
	char text[200];

	stage_init(&stage);
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		snprintf(text, sizeof(text),
			 "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"get\",\"wsbroker\":%s}",
			 options[i]);
		says(client, text);
		expect_error(client, .id = "3", .code = -32600, .reason = "invalid_request");
	}
	expect_silence(stage_upstream(&stage, 0));
	stage_end(&stage);
}

Test(errors, a_method_with_escapes_is_recorded_by_its_name)
{
	const struct request_record *record;
	struct stage stage;
	struct peer *client;

	stage_init(&stage);
	stage.any->timeout_us = STAGE_S;
	stage_begin_ready(&stage);
	client = stage_client(&stage);
	says(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\u0067et.\\u0061ll\"}");
	stage_pass(&stage, 2 * STAGE_S);
	cr_assert_not_null(hears(client));
	record = requests_get(&stage.outside.engine->requests,
			      stage.outside.engine->requests.newest_id);
	cr_assert_not_null(record);
	cr_expect_str_eq(record->method, "get.all");
	stage_end(&stage);
}
