/* The broker's own requests, in any envelope. */
#include <criterion/criterion.h>
#include <string.h>
#include "proto/own_request.h"

static const struct envelope_settings own = {
	.id = "/requestId",
	.method = "/type",
	.params = "/payload",
	.result = "/payload",
	.ids = ID_STRING,
};
static const struct envelope_settings deep = {
	.id = "/head/i~1d",
	.method = "/head/method",
	.params = "/body/0/params",
};
static const struct envelope_settings array = {.id = "/0", .method = "/2", .params = "/3/x"};
static const struct envelope_settings flat = {.id = "/id", .method = "/do", .params = ""};
static const struct envelope_settings without = {.id = "/id", .method = "/do"};

Test(own_request, stands_where_the_envelope_has_it)
{
	static const struct {
		const struct envelope_settings *envelope;
		const char *params; /* NULL: none */
		const char *request;
	} cases[] = {
		{NULL, NULL, "{\"jsonrpc\":\"2.0\",\"id\":1048576,\"method\":\"h\"}"},
		{NULL, "{\"a\":1}",
		 "{\"jsonrpc\":\"2.0\",\"id\":1048576,\"method\":\"h\",\"params\":{\"a\":1}}"},
		{NULL, "[]", "{\"jsonrpc\":\"2.0\",\"id\":1048576,\"method\":\"h\",\"params\":[]}"},
		{&own, "{}", "{\"requestId\":\"1048576\",\"type\":\"h\",\"payload\":{}}"},
		{&deep, "7",
		 "{\"head\":{\"i/d\":1048576,\"method\":\"h\"},\"body\":[{\"params\":7}]}"},
		{&array, "true", "[1048576,null,\"h\",{\"x\":true}]"},
		{&flat, "{\"id\":5,\"b\":2}", "{\"id\":1048576,\"do\":\"h\",\"b\":2}"},
		{&without, "{}", "{\"id\":1048576,\"do\":\"h\"}"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *params =
			cases[i].params ? json_loads(cases[i].params, JSON_DECODE_ANY, NULL) : NULL;
		struct strbuf out;

		strbuf_init(&out);
		cr_assert_eq(own_request(cases[i].envelope, 1048576, "h", params, &out), WSB_OK);
		cr_assert_str_eq(out.text, cases[i].request);
		strbuf_fini(&out);
		json_decref(params);
	}
}

Test(own_request, the_scanner_finds_its_parts)
{
	static const struct envelope_settings *const envelopes[] = {NULL, &own, &deep, &array};

	for (size_t i = 0; i < sizeof(envelopes) / sizeof(envelopes[0]); i++) {
		struct envelope *envelope;
		struct message message;
		struct strbuf out;
		char why[128];
		json_t *params = json_object();
		uint64_t id;

		strbuf_init(&out);
		cr_assert_eq(envelope_create(&envelope, envelopes[i], why, sizeof(why)), WSB_OK);
		cr_assert_eq(own_request(envelopes[i], 77, "health.check", params, &out), WSB_OK);
		cr_assert_eq(envelope_scan(envelope, FROM_CLIENT, ENCODING_JSON, strbuf_span(&out),
					   &message),
			     WSB_OK);
		cr_assert(span_is(message.method, "health.check"));
		cr_assert(own_id_read(envelope_id_form(envelope), ENCODING_JSON, message.id, &id));
		cr_assert_eq(id, 77);
		cr_assert(span_is(message.params, "{}"));
		envelope_destroy(envelope);
		strbuf_fini(&out);
		json_decref(params);
	}
}

Test(own_request, params_that_are_the_message_must_be_an_object)
{
	json_t *params = json_array();
	struct strbuf out;

	strbuf_init(&out);
	cr_assert_eq(own_request(&flat, 1, "h", params, &out), WSB_EINVAL);
	strbuf_fini(&out);
	json_decref(params);
}
