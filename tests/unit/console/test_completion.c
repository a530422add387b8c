/* Scripts for shells. */
#include <criterion/criterion.h>
#include <string.h>
#include "broker/console/completion.h"

Test(completion, each_shell_is_offered_every_command)
{
	static const char *const shells[] = {"bash", "zsh", "fish"};

	for (size_t i = 0; i < 3; i++) {
		struct strbuf out;

		strbuf_init(&out);
		cr_assert_eq(completion_write(shells[i], &out), WSB_OK);
		for (size_t at = 0; at < command_count; at++) {
			const char *space = strchr(commands[at].name, ' ');
			const char *word = space ? space + 1 : commands[at].name;

			cr_expect_not_null(strstr(out.text, word), "%s in %s", word, shells[i]);
		}
		cr_expect_not_null(strstr(out.text, "admin"));
		cr_expect_not_null(strstr(out.text, "check-config"));
		strbuf_fini(&out);
	}
}

Test(completion, other_shells_are_not)
{
	struct strbuf out;

	strbuf_init(&out);
	cr_expect_eq(completion_write("csh", &out), WSB_EINVAL);
	cr_expect_eq(out.len, 0);
	strbuf_fini(&out);
}
