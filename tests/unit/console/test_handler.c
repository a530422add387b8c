#include "broker/console/handler.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static int run(const char *command, struct span text)
{
	int status = -1;

	cr_assert_eq(handler_run(command, text, &status), WSB_OK);
	return status;
}

Test(handler, gives_the_text_on_the_standard_input)
{
	cr_expect_eq(run("test \"$(cat)\" = event", span_text("event\n")), 0);
}

Test(handler, tells_how_the_command_ended)
{
	cr_expect_eq(run("exit 7", span_text("event\n")), 7);
	cr_expect_eq(run("kill -9 $$", span_text("event\n")), 128 + 9);
	cr_expect_eq(run("no-such-command-anywhere 2>&-", span_text("event\n")), 127);
}

/* More than a pipe holds, to a command that reads none of it. */
Test(handler, does_not_hang_on_a_command_that_does_not_read)
{
	const size_t len = (size_t)1 << 20;
	char *text = malloc(len);

	cr_assert(text);
	memset(text, 'x', len);
	cr_expect_eq(run("true", span_of(text, len)), 0);
	cr_expect_eq(run("test $(wc -c) -eq 1048576", span_of(text, len)), 0);
	free(text);
}
