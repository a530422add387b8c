#include <criterion/criterion.h>
#include <string.h>
#include "broker/tool/arguments.h"
#include "broker/tool/tool.h"

#define WORDS_MAX 16

static struct tool_arguments arguments;
static char why[ARGUMENTS_WHY_SIZE];

/* Words separated by blanks. */
static enum wsb_err read_line(enum tool_command command, const char *line)
{
	static char copy[512];
	char *words[WORDS_MAX] = {"wsbroker"};
	char *rest = copy;
	char *word;
	int count = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	why[0] = '\0';
	while ((word = strsep(&rest, " ")) && count < WORDS_MAX)
		if (*word)
			words[count++] = word;
	return arguments_read(command, count, words, &arguments, why, sizeof(why));
}

static void expect_refused(enum tool_command command, const char *line, const char *part)
{
	cr_expect_eq(read_line(command, line), WSB_EINVAL, "%s", line);
	cr_expect_not_null(strstr(why, part), "%s: %s", line, why);
}

Test(arguments, defaults)
{
	cr_assert_eq(read_line(TOOL_BENCH, ""), WSB_OK);
	cr_assert_str_eq(arguments.url, "ws://127.0.0.1:7080/");
	cr_assert_null(arguments.token);
	cr_assert_eq(arguments.timeout_us, 10000000);
	cr_assert_not(arguments.json);
	cr_assert_str_eq(arguments.bench.method, "wsbroker.ping");
	cr_assert_null(arguments.bench.params);
	cr_assert_eq(arguments.bench.connections, 10);
	cr_assert_eq(arguments.bench.depth, 1);
	cr_assert_eq(arguments.bench.rate, 0);
	cr_assert_eq(arguments.bench.keys, 1000);
	cr_assert_eq(arguments.bench.warm_up_us, 1000000);
	cr_assert_eq(arguments.bench.duration_us, 10000000);
	cr_assert_eq(read_line(TOOL_CALL, "echo"), WSB_OK);
	cr_assert_str_eq(arguments.call.method, "echo");
	cr_assert_eq(arguments.call.count, 1);
}

Test(arguments, every_option_of_bench)
{
	cr_assert_eq(read_line(TOOL_BENCH,
			       "--url unix:x --token t --ca f --insecure --timeout 3s -o json"),
		     WSB_OK);
	cr_assert_str_eq(arguments.url, "unix:x");
	cr_assert_str_eq(arguments.token, "t");
	cr_assert_str_eq(arguments.ca, "f");
	cr_assert(arguments.insecure);
	cr_assert_eq(arguments.timeout_us, 3000000);
	cr_assert(arguments.json);
	cr_assert_eq(read_line(TOOL_BENCH, "--method m --params [{key}] --expect {key} "
					   "--connections=5 --depth=6 --rate=7.5"),
		     WSB_OK);
	cr_assert_str_eq(arguments.bench.method, "m");
	cr_assert_str_eq(arguments.bench.params, "[{key}]");
	cr_assert_str_eq(arguments.bench.expect, "{key}");
	cr_assert_eq(arguments.bench.connections, 5);
	cr_assert_eq(arguments.bench.depth, 6);
	cr_assert_eq(arguments.bench.rate, 7.5);
	cr_assert_eq(read_line(TOOL_BENCH, "--keys 8 --zipf 1.1 --seed 9 --warm-up 0s "
					   "--duration=250ms"),
		     WSB_OK);
	cr_assert_eq(arguments.bench.keys, 8);
	cr_assert_eq(arguments.bench.zipf, 1.1);
	cr_assert_eq(arguments.bench.seed, 9);
	cr_assert_eq(arguments.bench.warm_up_us, 0);
	cr_assert_eq(arguments.bench.duration_us, 250000);
}

Test(arguments, options_of_call_stand_anywhere)
{
	static const char *const lines[] = {
		"echo [1] --count 3 --parallel=2 --explain",
		"--count 3 echo --parallel=2 [1] --explain",
		"--explain --count=3 --parallel 2 echo [1]",
	};

	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(read_line(TOOL_CALL, lines[i]), WSB_OK, "%s: %s", lines[i], why);
		cr_assert_str_eq(arguments.call.method, "echo");
		cr_assert_str_eq(arguments.call.params, "[1]");
		cr_assert_eq(arguments.call.count, 3);
		cr_assert_eq(arguments.call.parallel, 2);
		cr_assert(arguments.call.explain);
	}
}

Test(arguments, a_negative_number_is_no_option)
{
	cr_assert_eq(read_line(TOOL_CALL, "echo -5"), WSB_OK);
	cr_assert_str_eq(arguments.call.params, "-5");
	expect_refused(TOOL_CALL, "echo --count -5", "--count");
	expect_refused(TOOL_BENCH, "--rate -1", "--rate");
	expect_refused(TOOL_BENCH, "--zipf=-0.1", "--zipf");
}

Test(arguments, bad_values)
{
	expect_refused(TOOL_BENCH, "--connections 0", "from 1 to 100000");
	expect_refused(TOOL_BENCH, "--connections 1.5", "whole number");
	expect_refused(TOOL_BENCH, "--connections ten", "\"ten\"");
	expect_refused(TOOL_BENCH, "--connections=", "--connections");
	expect_refused(TOOL_BENCH, "--rate nan", "--rate");
	expect_refused(TOOL_BENCH, "--rate inf", "--rate");
	expect_refused(TOOL_BENCH, "--duration 0s", "--duration");
	expect_refused(TOOL_BENCH, "--duration 5", "--duration");
	expect_refused(TOOL_BENCH, "--timeout soon", "250ms");
	expect_refused(TOOL_BENCH, "-o xml", "table or json");
	expect_refused(TOOL_BENCH, "--params {", "--params is not JSON");
	expect_refused(TOOL_BENCH, "--expect {keys}", "--expect is not JSON");
	expect_refused(TOOL_BENCH, "--connections 100000 --depth 10000", "times --depth");
	expect_refused(TOOL_CALL, "echo {not", "PARAMS is not JSON");
	expect_refused(TOOL_CALL, "echo [{key}]", "PARAMS is not JSON");
	expect_refused(TOOL_CALL, "echo --token a\nb", "token");
}

Test(arguments, mistakes_in_form)
{
	expect_refused(TOOL_CALL, "", "method");
	expect_refused(TOOL_CALL, "echo [] more", "\"more\"");
	expect_refused(TOOL_BENCH, "echo", "\"echo\"");
	expect_refused(TOOL_CALL, "echo --nonsense", "no option --nonsense");
	expect_refused(TOOL_CALL, "echo --nonsense=5", "no option --nonsense");
	expect_refused(TOOL_CALL, "echo --depth 5", "no option --depth");
	expect_refused(TOOL_BENCH, "--count 5", "no option --count");
	expect_refused(TOOL_CALL, "echo --url", "needs a value");
	expect_refused(TOOL_CALL, "echo --explain=yes", "takes no value");
}

Test(arguments, large_integers_are_json)
{
	cr_assert_eq(read_line(TOOL_CALL, "echo [123456789012345678901234567890]"), WSB_OK, "%s",
		     why);
}

Test(arguments, help_asks_for_nothing_else)
{
	cr_assert_eq(read_line(TOOL_CALL, "--help"), WSB_OK);
	cr_assert(arguments.help);
	cr_assert_eq(read_line(TOOL_CALL, "-h"), WSB_OK);
	cr_assert(arguments.help);
}

Test(arguments, help_names_the_command_and_every_option)
{
	static const char *const names[] = {"bench", "--url", "--rate", "--warm-up", "-o"};
	char text[8192] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	arguments_help(TOOL_BENCH, out);
	fclose(out);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_expect_not_null(strstr(text, names[i]), "%s", names[i]);
	cr_expect_null(strstr(text, "--explain"));
}

Test(arguments, the_command_is_found_among_options)
{
	static char *const before[] = {"wsbroker",   "--url", "ws://x/",
				       "--insecure", "call",  "echo"};
	static char *const joined[] = {"wsbroker", "--url=ws://x/", "bench"};
	static char *const none[] = {"wsbroker", "--url", "call"};

	cr_assert_str_eq(tool_command(6, before), "call");
	cr_assert_str_eq(tool_command(3, joined), "bench");
	cr_assert_null(tool_command(3, none));
	cr_assert_null(tool_command(1, before));
	cr_assert(tool_knows("call"));
	cr_assert(tool_knows("bench"));
	cr_assert_not(tool_knows("status"));
}
