/* Which error answers count as failures. */
#include <criterion/criterion.h>
#include "broker/pool/listed_error.h"

static const struct envelope_settings own = {
	.id = "/requestId",
	.method = "/type",
	.params = "/payload",
	.result = "/payload",
	.error = "/error",
};
static const struct envelope_settings typed = {
	.id = "/requestId",
	.method = "/type",
	.params = "/payload",
	.result = "/payload",
	.error = "/type",
	.error_value = "\"error\"",
};

Test(listed_error, is_found_where_the_envelope_keeps_it)
{
	static const struct {
		const struct envelope_settings *envelope;
		const char *answer;
		bool listed;
	} cases[] = {
		{NULL, "{\"id\":1,\"error\":{\"code\":-32603,\"message\":\"x\"}}", true},
		{NULL, "{\"id\":1,\"error\":{\"code\":-32602,\"message\":\"x\"}}", false},
		{NULL, "{\"id\":1,\"error\":{\"code\":\"overloaded\"}}", true},
		{NULL, "{\"id\":1,\"error\":{\"message\":\"overloaded\"}}", false},
		{NULL, "{\"id\":1,\"error\":{\"code\":-32603.0}}", false},
		{NULL, "{\"id\":1,\"error\":\"overloaded\"}", true},
		{NULL, "{\"id\":1,\"error\":-32603}", true},
		{NULL, "{\"id\":1,\"error\":[\"overloaded\"]}", false},
		{&own, "{\"requestId\":\"1\",\"error\":\"overloaded\"}", true},
		{&own, "{\"requestId\":\"1\",\"error\":{\"code\":\"overloaded\"}}", true},
		{&own, "{\"requestId\":\"1\",\"error\":true}", false},
		{&own, "{\"requestId\":\"1\",\"error\":true,\"payload\":{\"code\":-32603}}", true},
		{&typed,
		 "{\"requestId\":\"1\",\"type\":\"error\",\"payload\":{\"code\":"
		 "\"overloaded\"}}",
		 true},
		{&typed, "{\"requestId\":\"1\",\"type\":\"error\",\"payload\":{}}", false},
	};
	const char *errors[] = {"-32603", "overloaded"};
	const struct ejection_settings settings = {.errors = errors, .error_count = 2};
	const struct ejection_settings none = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct envelope *envelope;
		struct message message;
		char why[128];

		cr_assert_eq(envelope_create(&envelope, cases[i].envelope, why, sizeof(why)),
			     WSB_OK);
		cr_assert_eq(envelope_scan(envelope, FROM_UPSTREAM, ENCODING_JSON,
					   span_text(cases[i].answer), &message),
			     WSB_OK);
		cr_assert(message.failed, "%s", cases[i].answer);
		cr_assert_eq(error_is_listed(&settings, &message), cases[i].listed, "%s",
			     cases[i].answer);
		cr_assert_not(error_is_listed(&none, &message));
		envelope_destroy(envelope);
	}
}
