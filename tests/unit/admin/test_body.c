/* Bodies, and what is wrong with them. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>
#include "broker/admin/body.h"

static struct admin_response response;
static json_t *object;

static const struct body_member members[] = {
	{"size", BODY_COUNT}, {"reason", BODY_TEXT},
	{"force", BODY_FLAG}, {"timeout_seconds", BODY_SECONDS},
	{"url", BODY_URL},
};

static void set_up(void)
{
	strbuf_init(&response.body);
	object = NULL;
}

static void tear_down(void)
{
	json_decref(object);
	strbuf_fini(&response.body);
}

TestSuite(body, .init = set_up, .fini = tear_down);

static bool check(const char *text)
{
	response.status = 0;
	strbuf_clear(&response.body);
	json_decref(object);
	object = body_parse(span_text(text), &response);
	return object &&
	       body_check(object, members, sizeof(members) / sizeof(members[0]), &response);
}

static void expect_refused(const char *text, const char *says)
{
	json_t *problem;

	cr_expect_not(check(text), "%s", text);
	cr_expect_eq(response.status, 400);
	cr_expect_str_eq(response.content_type, "application/problem+json");
	problem = json_loads(strbuf_span(&response.body).at, 0, NULL);
	cr_assert_not_null(problem);
	cr_expect_str_eq(json_string_value(json_object_get(problem, "detail")), says);
	json_decref(problem);
}

Test(body, members_are_read)
{
	uint32_t size = 7;

	cr_assert(check("{\"size\": 12, \"reason\": \"why\", \"force\": true, "
			"\"timeout_seconds\": 1.5, \"url\": null}"));
	cr_expect(body_count(object, "size", &size));
	cr_expect_eq(size, 12);
	cr_expect_str_eq(body_text(object, "reason", NULL), "why");
	cr_expect(body_flag(object, "force"));
	cr_expect_eq(body_us(object, "timeout_seconds", 0), 1500000);
	cr_expect_null(body_text(object, "url", NULL));
}

Test(body, what_is_not_there_is_the_fallback)
{
	static const char *const texts[] = {NULL, "", "{}", " {} "};
	uint32_t size = 7;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_assert(check(texts[i]), "%s", texts[i]);
		cr_expect_not(body_count(object, "size", &size));
		cr_expect_eq(size, 7);
		cr_expect_str_eq(body_text(object, "reason", "none"), "none");
		cr_expect_not(body_flag(object, "force"));
		cr_expect_eq(body_us(object, "timeout_seconds", 9), 9);
	}
}

Test(body, mistakes_are_told)
{
	expect_refused("{\"size\": 1,\n \"reason\": }",
		       "The body is not JSON: line 2, column 12: unexpected token near '}'");
	expect_refused("[]", "The body must be a JSON object.");
	expect_refused("12", "The body must be a JSON object.");
	expect_refused("{\"sise\": 1}", "Unknown member \"sise\" (did you mean “size”?)");
	expect_refused("{\"\\u001bx\": 1}", "Unknown member \"\\u001bx\"; known are: size, reason, "
					    "force, timeout_seconds, url");
	expect_refused("{\"size\": -1}", "size must be a whole number, 0 or more.");
	expect_refused("{\"size\": 1.5}", "size must be a whole number, 0 or more.");
	expect_refused("{\"size\": \"9\"}", "size must be a whole number, 0 or more.");
	expect_refused("{\"size\": 4294967296}", "size must be a whole number, 0 or more.");
	expect_refused("{\"reason\": 1}", "reason must be a string.");
	expect_refused("{\"force\": 1}", "force must be true or false.");
	expect_refused("{\"timeout_seconds\": -1}",
		       "timeout_seconds must be a number of seconds, 0 or more.");
	expect_refused("{\"timeout_seconds\": 1e300}",
		       "timeout_seconds must be a number of seconds, 0 or more.");
	expect_refused("{\"url\": {}}", "url must be a string.");
	cr_expect_not(check("{\"size\": 1, \"size\": 2}"));
}

Test(body, no_depth_overflows_the_stack)
{
	static char text[200001];

	memset(text, '[', 200000);
	cr_expect_not(check(text));
	cr_expect_eq(response.status, 400);
}
