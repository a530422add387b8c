/* ${NAME} in values. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "rig.h"

static struct rig rig;

static void set_up(void)
{
	rig_init(&rig);
	setenv("WSB_TEST_PORT", "9101", 1);
	setenv("WSB_TEST_TOKEN", "s3cret", 1);
	setenv("WSB_TEST_EMPTY", "", 1);
	setenv("WSB_TEST_NESTED", "${WSB_TEST_PORT}", 1);
	unsetenv("WSB_TEST_UNSET");
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(environment, .init = set_up, .fini = tear_down);

static const char *header(const char *value)
{
	char text[512];

	snprintf(text, sizeof(text), RIG_MINIMAL "    headers: {A: %s}\n", value);
	return rig_good(&rig, text)->pools[0].headers[0].value;
}

Test(environment, variables_are_put_in_anywhere_in_a_value)
{
	const struct config *config;

	config = rig_good(&rig, "pools: [{name: main, endpoints: ['ws://h:${WSB_TEST_PORT}/x'],"
				" size: '${WSB_TEST_EMPTY}12'}]\n");
	cr_expect_eq(config->pools[0].endpoints[0].port, 9101);
	cr_expect_eq(config->pools[0].size, 12);
	cr_expect_str_eq(header("\"Bearer ${WSB_TEST_TOKEN}\""), "Bearer s3cret");
	cr_expect_str_eq(header("'${WSB_TEST_PORT}${WSB_TEST_TOKEN}'"), "9101s3cret");
	cr_expect_str_eq(header("'${WSB_TEST_NESTED}'"), "${WSB_TEST_PORT}");
}

Test(environment, a_dollar_sign_stands_for_itself_unless_a_brace_follows)
{
	cr_expect_str_eq(header("costs $$5"), "costs $5");
	cr_expect_str_eq(header("costs $5"), "costs $5");
	cr_expect_str_eq(header("'$${WSB_TEST_PORT}'"), "${WSB_TEST_PORT}");
	cr_expect_str_eq(header("$"), "$");
	cr_expect_str_eq(header("a$$"), "a$");
	cr_expect_str_eq(header("$id $$$$"), "$id $$");
}

Test(environment, what_is_wrong_is_told_at_the_value)
{
	rig_bad(&rig, RIG_MINIMAL "    headers: {A: 'x ${WSB_TEST_UNSET}'}\n",
		"5:18: the environment variable WSB_TEST_UNSET is not set\n");
	rig_bad_somewhere(&rig, RIG_MINIMAL "    headers: {A: '${WSB_TEST_PORT'}\n", "5:18: `${`");
	rig_bad_somewhere(&rig, RIG_MINIMAL "    headers: {A: '${}'}\n", "5:18: `${`");
	rig_bad_somewhere(&rig, RIG_MINIMAL "    headers: {A: '${1A}'}\n", "5:18: `${`");
	rig_bad_somewhere(&rig, RIG_MINIMAL "    headers: {A: '${A B}'}\n", "5:18: `${`");
	rig_bad(&rig, RIG_MINIMAL "    size: ${WSB_TEST_TOKEN}\n",
		"5:11: expected a whole number, got \"${WSB_TEST_TOKEN}\"\n");
}

Test(environment, what_came_out_of_a_variable_is_a_text_in_a_free_form_value)
{
	const json_t *expect =
		rig_good(
			&rig, RIG_MINIMAL
			"    on_connect: [{send: '1', expect: {a: '${WSB_TEST_PORT}', b: 9101}}]\n")
			->pools[0]
			.on_connect[0]
			.expect;

	cr_expect_str_eq(json_string_value(json_object_get(expect, "a")), "9101");
	cr_expect_eq(json_integer_value(json_object_get(expect, "b")), 9101);
}
