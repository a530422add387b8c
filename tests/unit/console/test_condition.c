/* What `wait` waits for. */
#include <criterion/criterion.h>
#include <jansson.h>
#include "broker/console/condition.h"

static char why[256];
static char found[CONDITION_TEXT_MAX];

static const char pools[] = "[{\"name\": \"main\", \"ready\": 4, \"oldest_wait_seconds\": 0.5,"
			    " \"balancer\": \"random\", \"paused\": false},"
			    " {\"name\": \"a.b\", \"ready\": 1}]";
static const char endpoints[] =
	"[{\"pool\": \"main\", \"name\": \"10.0.0.1:80\", \"state\": \"drained\","
	" \"reason\": null}]";
static const char status[] = "{\"clients\": 3, \"in_flight\": 0, \"draining\": true}";

static bool holds(const char *text, const char *json)
{
	json_t *answer = json_loads(json, 0, NULL);
	struct condition condition;
	bool result = false;

	cr_assert_not_null(answer);
	cr_assert_eq(condition_parse(text, &condition, why, sizeof(why)), WSB_OK, "%s", text);
	cr_assert_eq(condition_holds(&condition, answer, &result, found), WSB_OK, "%s: %s", text,
		     found);
	json_decref(answer);
	return result;
}

Test(condition, numbers_compare_as_numbers)
{
	cr_expect(holds("pool.main.ready>=4", pools));
	cr_expect(holds("pool.main.ready <= 4", pools));
	cr_expect(holds("pool.main.ready==4.0", pools));
	cr_expect(holds("pool.main.ready=4", pools));
	cr_expect(holds("pool.main.ready>3", pools));
	cr_expect(holds("pool.main.ready<10", pools));
	cr_expect(holds("pool.main.ready!=5", pools));
	cr_expect_not(holds("pool.main.ready>4", pools));
	cr_expect_str_eq(found, "4");
	cr_expect_not(holds("pool.main.ready<4", pools));
	cr_expect_not(holds("pool.main.ready!=4", pools));
	cr_expect(holds("pool.main.oldest_wait_seconds<1", pools));
}

Test(condition, other_things_compare_as_texts)
{
	cr_expect(holds("pool.main.balancer==random", pools));
	cr_expect_not(holds("pool.main.balancer!=random", pools));
	cr_expect(holds("pool.main.paused==false", pools));
	cr_expect(holds("endpoint.main/10.0.0.1:80.state==drained", endpoints));
	cr_expect(holds("endpoint.main/10.0.0.1:80.reason==null", endpoints));
	cr_expect(holds("clients<4", status));
}

Test(condition, names_may_hold_dots)
{
	cr_expect(holds("pool.a.b.ready==1", pools));
}

Test(condition, ready_and_drained)
{
	cr_expect(holds("ready", "{\"ready\": true, \"reasons\": []}"));
	cr_expect_not(holds("ready", "{\"ready\": false, \"reasons\": [\"pool a is down\"]}"));
	cr_expect_str_eq(found, "pool a is down");
	cr_expect_not(holds("drained", status));
	cr_expect_str_eq(found, "draining, 3 clients, 0 in flight");
	cr_expect(holds("drained", "{\"clients\": 0, \"in_flight\": 0, \"draining\": true}"));
	cr_expect_not(holds("drained", "{\"clients\": 0, \"in_flight\": 0, \"draining\": false}"));
}

Test(condition, what_is_not_there_is_told)
{
	static const struct {
		const char *text;
		const char *found;
		enum wsb_err err;
	} cases[] = {
		{"pool.none.ready>1", "there is no pool none", WSB_ENOENT},
		{"pool.main.redy>1", "main has no redy", WSB_EINVAL},
		{"pool.main.ready>=four", "it is a number, not four", WSB_EINVAL},
	};
	json_t *answer = json_loads(pools, 0, NULL);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct condition condition;
		bool result = true;

		cr_assert_eq(condition_parse(cases[i].text, &condition, why, sizeof(why)), WSB_OK);
		cr_expect_eq(condition_holds(&condition, answer, &result, found), cases[i].err);
		cr_expect_str_eq(found, cases[i].found);
	}
	json_decref(answer);
}

Test(condition, what_is_none_is_refused)
{
	static const char *const texts[] = {
		"",
		"redy",
		"pool.main.ready",
		"pool.main.ready>=",
		"pool..ready>1",
		"pool.main.>1",
		"pool.main>1",
		"pool.main.ready=>1",
		">1",
		"pool.main.ready>>1",
		"pool.main.ready!1",
		"endpoint.>=1",
	};
	struct condition condition;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(condition_parse(texts[i], &condition, why, sizeof(why)), WSB_EINVAL,
			     "%s", texts[i]);
}

Test(condition, each_knows_where_to_look)
{
	static const char *const cases[][2] = {
		{"ready", "/readyz"},
		{"drained", "/v1/status"},
		{"clients<3", "/v1/status"},
		{"pool.a.ready>1", "/v1/pools"},
		{"endpoint.a/b.state==up", "/v1/endpoints"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct condition condition;

		cr_assert_eq(condition_parse(cases[i][0], &condition, why, sizeof(why)), WSB_OK);
		cr_expect_str_eq(condition_path(&condition), cases[i][1]);
	}
}
