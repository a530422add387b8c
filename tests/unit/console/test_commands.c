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
		cr_expect_str_eq(console_name(i), commands[i].name);
	}
	cr_expect_null(console_name(command_count));
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
	cr_expect_str_eq(why, "unknown command ");
}
