#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/console/arguments.h"
#include "broker/console/console.h"

#define WORDS_MAX 24

/* A command line as a list of words. */
struct line {
	char text[512];
	char *words[WORDS_MAX];
	int count;
};

static void split(struct line *line, const char *text)
{
	char *at = line->text;

	snprintf(line->text, sizeof(line->text), "%s", text);
	line->count = 0;
	line->words[line->count++] = at;
	while ((at = strchr(at, ' ')) != NULL) {
		*at++ = '\0';
		line->words[line->count++] = at;
	}
}

static struct line line;

static struct arguments good(const char *text)
{
	struct arguments arguments;
	char why[ARGUMENTS_WHY_MAX] = "";

	split(&line, text);
	cr_assert_eq(arguments_parse(line.count, line.words, NULL, &arguments, why), WSB_OK,
		     "%s: %s", text, why);
	return arguments;
}

static void bad(const char *text, const char *sentence)
{
	struct arguments arguments;
	char why[ARGUMENTS_WHY_MAX] = "";

	split(&line, text);
	cr_expect_eq(arguments_parse(line.count, line.words, NULL, &arguments, why), WSB_EINVAL,
		     "%s", text);
	cr_expect_str_eq(why, sentence);
}

Test(arguments, a_command_and_nothing_else)
{
	struct arguments arguments = good("wsbroker status");

	cr_expect_str_eq(arguments.command, "status");
	cr_expect_str_eq(arguments.admin, "http://127.0.0.1:7081");
	cr_expect_not(arguments.json);
	cr_expect_not(arguments.help);
	cr_expect_eq(arguments.watch_us, 0);
	cr_expect_eq(arguments.operand_count, 0);
	cr_expect_null(good("wsbroker").command);
}

Test(arguments, options_stand_before_or_after)
{
	static const char *const lines[] = {
		"wsbroker pools --admin unix:/x -o json --watch 2",
		"wsbroker --admin unix:/x -o json --watch 2 pools",
		"wsbroker --admin=unix:/x pools -ojson --watch=2s",
		"wsbroker --output json --watch 2000ms --admin unix:/x -- pools",
	};

	for (size_t i = 0; i < 4; i++) {
		struct arguments arguments = good(lines[i]);

		cr_expect_str_eq(arguments.command, "pools");
		cr_expect_str_eq(arguments.admin, "unix:/x");
		cr_expect(arguments.json);
		cr_expect_eq(arguments.watch_us, 2000000);
	}
	cr_expect_eq(good("wsbroker status --watch 0.5").watch_us, 500000);
	cr_expect_not(good("wsbroker status -o json -o table").json);
	cr_expect(good("wsbroker status --help").help);
	cr_expect(good("wsbroker -h").help);
}

Test(arguments, options_of_changes_and_filters)
{
	struct arguments arguments =
		good("wsbroker --wait 30s pool resize main 4 --reason night --force --timeout=2m "
		     "--since 10m -f --weight 3");

	cr_expect_eq(arguments.wait_us, 30000000);
	cr_expect_eq(arguments.timeout_us, 120000000);
	cr_expect_str_eq(arguments.reason, "night");
	cr_expect_str_eq(arguments.since, "10m");
	cr_expect_eq(arguments.weight, 3);
	cr_expect_eq(arguments.operand_count, 3);
	cr_expect_eq(arguments.given, OPTION_WAIT | OPTION_REASON | OPTION_FORCE | OPTION_TIMEOUT |
					      OPTION_SINCE | OPTION_FOLLOW | OPTION_WEIGHT);
	bad("wsbroker drain --wait soon", "--wait takes a duration such as 30s, up to a day");
	bad("wsbroker drain --wait 0", "--wait takes a duration such as 30s, up to a day");
	bad("wsbroker drain --wait 2d", "--wait takes a duration such as 30s, up to a day");
	bad("wsbroker x --weight -1", "--weight takes a whole number");
	bad("wsbroker x --weight 1x", "--weight takes a whole number");
	bad("wsbroker x --weight=", "--weight takes a whole number");
	bad("wsbroker x --force=yes", "--force takes no value");
}

Test(arguments, options_can_be_listed)
{
	struct argument_option option;

	cr_assert(arguments_option(OPTION_WAIT | OPTION_FORCE, 0, &option));
	cr_expect_str_eq(option.name, "--wait");
	cr_expect_str_eq(option.value, "DURATION");
	cr_assert(arguments_option(OPTION_WAIT | OPTION_FORCE, 1, &option));
	cr_expect_str_eq(option.name, "--force");
	cr_expect_null(option.value);
	cr_expect_not(arguments_option(OPTION_WAIT | OPTION_FORCE, 2, &option));
	cr_expect_not(arguments_option(0, 0, &option));
}

Test(arguments, operands_are_kept)
{
	struct arguments arguments = good("wsbroker pool a -o json b -- -c -");

	cr_expect_str_eq(arguments.command, "pool");
	cr_assert_eq(arguments.operand_count, 4);
	cr_expect_str_eq(arguments.operands[1], "b");
	cr_expect_str_eq(arguments.operands[2], "-c");
	cr_expect_str_eq(arguments.operands[3], "-");
	arguments = good("wsbroker pool resize main -1");
	cr_expect_str_eq(arguments.operands[2], "-1");
}

Test(arguments, mistakes_are_told)
{
	bad("wsbroker status -o xml", "-o must be table or json");
	bad("wsbroker status -o", "-o needs a value");
	bad("wsbroker status --admin", "--admin needs a value");
	bad("wsbroker status --watch", "--watch needs a value");
	bad("wsbroker status --watch 0", "--watch takes 0.1 to 86400 seconds");
	bad("wsbroker status --watch soon", "--watch takes 0.1 to 86400 seconds");
	bad("wsbroker status --watch -1", "--watch takes 0.1 to 86400 seconds");
	bad("wsbroker status --watch 86401", "--watch takes 0.1 to 86400 seconds");
	bad("wsbroker status --watch=", "--watch takes 0.1 to 86400 seconds");
	bad("wsbroker status --wat", "unknown option --wat (did you mean “--wait”?)");
	bad("wsbroker status --adminx", "unknown option --adminx (did you mean “--admin”?)");
	bad("wsbroker --admin 127.0.0.1:7081 status",
	    "the admin address must begin with http://, https:// or unix:");
	bad("wsbroker --admin unix: status",
	    "the admin address must begin with http://, https:// or unix:");
	bad("wsbroker --admin http://me:pw@h status", "the admin address cannot hold credentials");
	bad("wsbroker a b c d e f g h i j", "too many arguments");
	bad("wsbroker status -x", "unknown option -x");
}

Test(arguments, an_address_has_a_host_and_a_port_that_can_be)
{
	static const char *const wrong[] = {"http://",	     "http:///v1",     "http://:7081",
					    "http://h:",     "http://h:0",     "http://h:65536",
					    "http://h:7o81", "https://[::1]:x"};

	good("wsbroker --admin http://[::1] status");
	good("wsbroker --admin http://[::1]:65535/ status");
	good("wsbroker --admin https://admin.example.com status");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "wsbroker --admin %s status", wrong[i]);
		bad(text, "the admin address needs a host, and a port from 1 to 65535");
	}
}

Test(arguments, a_value_that_is_empty_or_no_text_is_told)
{
	static const char *const options[] = {"--pool",	  "--since",  "--until", "--type",
					      "--sort",	  "--name",   "--tag",	 "--key",
					      "--method", "--cursor", "--exec",	 "--token-file"};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		char text[64], sentence[64];

		snprintf(text, sizeof(text), "wsbroker x %s=", options[i]);
		snprintf(sentence, sizeof(sentence), "%s needs a value", options[i]);
		bad(text, sentence);
	}
	bad("wsbroker x --match=", "--match must be any or all");
	bad("wsbroker x --match some", "--match must be any or all");
	bad("wsbroker x --reason \xff", "--reason must be UTF-8");
	bad("wsbroker x --tag \xc3", "--tag must be UTF-8");
	cr_expect_str_eq(good("wsbroker x --reason=").reason, "");
	cr_expect_str_eq(good("wsbroker x --cursor \xff").cursor, "\xff", "a file is called so");
}

Test(arguments, the_environment_is_a_default)
{
	struct arguments arguments;
	char why[ARGUMENTS_WHY_MAX];

	split(&line, "wsbroker status");
	cr_assert_eq(arguments_parse(2, line.words, "unix:/env", &arguments, why), WSB_OK);
	cr_expect_str_eq(arguments.admin, "unix:/env");
	cr_assert_eq(arguments_parse(2, line.words, "", &arguments, why), WSB_OK);
	cr_expect_str_eq(arguments.admin, "http://127.0.0.1:7081");
	cr_expect_eq(arguments_parse(2, line.words, "nonsense", &arguments, why), WSB_EINVAL);
	split(&line, "wsbroker status --admin http://h");
	cr_assert_eq(arguments_parse(4, line.words, "nonsense", &arguments, why), WSB_OK);
	cr_expect_str_eq(arguments.admin, "http://h");
}

static const char *command_of(const char *text)
{
	split(&line, text);
	return console_command(line.count, line.words);
}

Test(arguments, the_command_is_found_whoever_it_belongs_to)
{
	cr_expect_str_eq(command_of("wsbroker status"), "status");
	cr_expect_str_eq(command_of("wsbroker -o json pools"), "pools");
	cr_expect_str_eq(command_of("wsbroker bench --clients 5"), "bench");
	cr_expect_null(command_of("wsbroker --version"));
	cr_expect_null(command_of("wsbroker"));
	cr_expect(console_knows("status"));
	cr_expect(console_knows("pools"));
	cr_expect(console_knows("connections"));
	cr_expect_not(console_knows("serve"));
	cr_expect_not(console_knows("stat"));
}
