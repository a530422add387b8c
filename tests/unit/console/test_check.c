/* One line for monitoring. */
#include <criterion/criterion.h>
#include <jansson.h>
#include "broker/console/check.h"

static void expect(const char *json, enum check_state state, const char *line)
{
	json_t *status = json_loads(json, 0, NULL);
	struct strbuf out;

	cr_assert_not_null(status);
	strbuf_init(&out);
	cr_expect_eq(check_judge(status, &out), state, "%s", json);
	cr_expect_str_eq(strbuf_span(&out).at, line);
	strbuf_fini(&out);
	json_decref(status);
}

Test(check, each_verdict_has_its_state)
{
	expect("{\"verdict\": \"ok\", \"reasons\": [{\"text\": \"as asked\"}], \"pools\":"
	       " [{\"name\": \"main\", \"ready\": 4, \"size\": 4},"
	       " {\"name\": \"b\", \"ready\": 1, \"size\": 2}], \"clients\": 3,"
	       " \"p99_seconds\": 0.25, \"p50_seconds\": null}",
	       CHECK_OK,
	       "WSBROKER OK - main 4/4 ready, b 1/2 ready | clients=3 p99_seconds=0.25s\n");
	expect("{\"verdict\": \"degraded\", \"reasons\": [{\"text\": \"a|b\"}, {\"text\": \"c\"}]}",
	       CHECK_WARNING, "WSBROKER WARNING - a/b (and 1 more) |\n");
	expect("{\"verdict\": \"draining\", \"reasons\": [{\"text\": \"x\"}]}", CHECK_WARNING,
	       "WSBROKER WARNING - x |\n");
	expect("{\"verdict\": \"down\", \"reasons\": [{\"text\": \"x\\u001b\"}]}", CHECK_CRITICAL,
	       "WSBROKER CRITICAL - x\\u001b |\n");
	expect("{\"verdict\": \"splendid\"}", CHECK_UNKNOWN, "WSBROKER UNKNOWN -  |\n");
	expect("{}", CHECK_UNKNOWN, "WSBROKER UNKNOWN -  |\n");
}
