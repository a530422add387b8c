/* Which command a line is, and what the table promises of itself. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/console/commands.h"
#include "broker/console/console.h"

static char why[ARGUMENTS_WHY_MAX];

static const struct command *find(const char *command, const char *operand, int *words)
{
	struct arguments arguments = {
		.command = command, .operands = {operand}, .operand_count = operand ? 1 : 0};

	return command_find(&arguments, words, why);
}

Test(commands, each_is_found_by_its_name)
{
	for (size_t i = 0; i < command_count; i++) {
		const char *space = strchr(commands[i].name, ' ');
		char word[32];
		int words = 0;

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(commands[i].name, " "),
			 commands[i].name);
		cr_expect_eq(find(word, space ? space + 1 : NULL, &words), &commands[i], "%s",
			     commands[i].name);
		cr_expect_eq(words, space ? 2 : 1);
		cr_expect(console_knows(word));
	}
}

Test(commands, each_explains_itself)
{
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];

		cr_expect_gt(strlen(command->help), 10, "%s", command->name);
		cr_expect_not_null(command->run);
		cr_expect_geq(command->operand_max, command->operand_min);
		cr_expect_eq(command->operands[0] == '\0', command->operand_max == 0, "%s",
			     command->name);
		cr_expect(command->offline || command->options & OPTION_ADMIN, "%s", command->name);
	}
}

Test(commands, what_is_none_is_told)
{
	int words;

	cr_expect_null(find("nonsense", NULL, &words));
	cr_expect_str_eq(why, "unknown command nonsense");
	cr_expect_null(find(NULL, NULL, &words));
	cr_expect_str_eq(why, "a command must be given");
	cr_expect_null(find("client", NULL, &words));
	cr_expect_str_eq(why, "client needs one of kick");
	cr_expect_null(find("config", "sho", &words));
	cr_expect_str_eq(why, "unknown command config sho (did you mean “config show”?)");
	cr_expect_null(find("config", "frobnicate", &words));
	cr_expect_str_eq(why, "unknown command config frobnicate; config needs one of "
			      "show|diff|set|reload");
}

Test(commands, what_may_have_been_meant_is_offered)
{
	static const struct {
		const char *word;
		const char *meant; /* NULL: nothing */
	} cases[] = {
		{"poool", "pool"},	     {"stauts", "status"},    {"resize", "pool resize"},
		{"relaod", "config reload"}, {"kick", "client kick"}, {"drian", "drain"},
		{"frobnicate", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nearest nearest;

		nearest_init(&nearest, span_text(cases[i].word));
		console_offer(&nearest);
		if (cases[i].meant)
			cr_expect(span_is(nearest.best, cases[i].meant), "%s: %.*s", cases[i].word,
				  (int)nearest.best.len, nearest.best.at);
		else
			cr_expect_null(nearest.best.at, "%s", cases[i].word);
	}
}
