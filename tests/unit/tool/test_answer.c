#include <criterion/criterion.h>
#include <string.h>
#include "broker/tool/answer.h"

static void expect_error(const char *error, const char *wanted)
{
	struct strbuf out;

	strbuf_init(&out);
	answer_error(span_text(error), &out);
	cr_expect_str_eq(out.text, wanted);
	strbuf_fini(&out);
}

Test(answer, errors_of_the_broker)
{
	expect_error("{\"code\":-32000,\"message\":\"nobody there\",\"data\":"
		     "{\"source\":\"wsbroker\",\"reason\":\"unavailable\",\"retryable\":true}}",
		     "error -32000 unavailable: nobody there\n{\n  \"source\": \"wsbroker\",\n"
		     "  \"reason\": \"unavailable\",\n  \"retryable\": true\n}\n");
}

Test(answer, errors_of_others)
{
	expect_error("{\"code\":77,\"message\":\"as asked\"}", "error 77: as asked\n");
	expect_error("{\"code\":77,\"message\":\"x\",\"data\":5}", "error 77: x\n5\n");
	expect_error("{\"code\":1.5,\"message\":\"x\"}", "error 1.5: x\n");
	expect_error("\"broken\"", "error \"broken\"\n");
	expect_error("{\"message\":\"no code\"}", "error {\n  \"message\": \"no code\"\n}\n");
}

Test(answer, what_steers_terminals_is_shown_harmless)
{
	expect_error("{\"code\":1,\"message\":\"\\u001b[2J\"}", "error 1: \\u001b[2J\n");
}

static void expect_result(const char *text, const char *wanted)
{
	struct envelope *envelope;
	struct message message;
	struct strbuf out;
	char why[100];

	strbuf_init(&out);
	cr_assert_eq(envelope_create(&envelope, NULL, why, sizeof(why)), WSB_OK);
	cr_assert_eq(
		envelope_scan(envelope, FROM_UPSTREAM, ENCODING_JSON, span_text(text), &message),
		WSB_OK);
	answer_result(&message, &out);
	cr_expect_str_eq(out.text, wanted);
	strbuf_fini(&out);
	envelope_destroy(envelope);
}

Test(answer, results)
{
	expect_result("{\"id\":1,\"result\":null}", "null\n");
	expect_result("{\"id\":1,\"result\":[1]}", "[\n  1\n]\n");
	expect_result("{\"id\":1,\"result\":7,\"wsbroker\":{\"pool\":\"main\"}}",
		      "7\nwsbroker {\n  \"pool\": \"main\"\n}\n");
}
