#include <criterion/criterion.h>
#include "broker/tool/request.h"

static void expect_text(const char *method, const char *params, bool keys, bool explain,
			uint64_t id, uint64_t key, const char *wanted)
{
	struct span pieces[REQUEST_PIECES];
	struct request request;
	struct strbuf text;

	strbuf_init(&text);
	cr_assert_eq(request_init(&request, method, params, keys, explain), WSB_OK);
	/* Twice: what the first left behind must not show. */
	for (int i = 0; i < 2; i++) {
		strbuf_clear(&text);
		cr_assert_eq(request_pieces(&request, id, key, pieces), WSB_OK);
		for (size_t j = 0; j < REQUEST_PIECES; j++)
			strbuf_add(&text, pieces[j]);
		cr_expect_str_eq(text.text, wanted);
	}
	request_fini(&request);
	strbuf_fini(&text);
}

Test(request, plain)
{
	expect_text("echo", NULL, true, false, 1, 0,
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}");
	expect_text(
		"echo", "[1]", true, false, 9007199254740992, 0,
		"{\"jsonrpc\":\"2.0\",\"id\":9007199254740992,\"method\":\"echo\",\"params\":[1]}");
}

Test(request, keys_stand_in_the_params_alone)
{
	expect_text("{key}", "{\"id\":{key}}", true, false, 1, 77,
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{key}\",\"params\":{\"id\":77}}");
	expect_text("a", "[\"{key}\"]", false, false, 1, 77,
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":[\"{key}\"]}");
}

Test(request, explain)
{
	expect_text("a", "[]", false, true, 1, 0,
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":[],"
		    "\"wsbroker\":{\"explain\":true}}");
	expect_text("a", NULL, false, true, 1, 0,
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\","
		    "\"wsbroker\":{\"explain\":true}}");
}

Test(request, any_method_is_a_json_string)
{
	expect_text("a\"b\\\n", NULL, false, false, 1, 0,
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\\"b\\\\\\n\"}");
}
