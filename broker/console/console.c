#include "broker/console/console.h"

#include <stdlib.h>
#include <string.h>
#include "broker/console/arguments.h"
#include "broker/console/ask.h"
#include "broker/console/check.h"
#include "broker/console/commands.h"
#include "common/bearer.h"

bool console_knows(const char *command)
{
	return command_begins(command);
}

void console_offer(struct nearest *nearest)
{
	for (size_t i = 0; i < command_count; i++) {
		size_t len = strcspn(commands[i].name, " ");

		nearest_offer(nearest, span_of(commands[i].name, len));
	}
	for (size_t i = 0; i < command_count; i++) {
		const char *space = strchr(commands[i].name, ' ');

		if (space)
			nearest_offer_as(nearest, span_text(space + 1),
					 span_text(commands[i].name));
	}
}

const char *console_command(int argc, char *const *argv)
{
	struct arguments arguments;
	char why[ARGUMENTS_WHY_MAX];

	/* Another command's options are none of these, but it has been seen before them. */
	if (arguments_parse(argc, argv, NULL, &arguments, why) != WSB_OK && !arguments.command)
		return NULL;
	return arguments.command;
}

void console_help(FILE *out)
{
	for (size_t i = 0; i < command_count; i++) {
		char usage[80];

		snprintf(usage, sizeof(usage), "%s %s", commands[i].name, commands[i].operands);
		fprintf(out, "  wsbroker %-28s %s\n", usage, commands[i].help);
	}
	fprintf(out,
		"  with: --admin URL|unix:PATH (or WSBROKER_ADMIN; default " ARGUMENTS_ADMIN "),\n"
		"        --token-file FILE (or WSBROKER_TOKEN), -o table|json; more: wsbroker "
		"COMMAND --help\n");
}

static int explain(const struct command *command)
{
	struct argument_option option;

	printf("Usage: wsbroker %s%s%s [OPTIONS]\n\n%s\n\n", command->name,
	       command->operands[0] ? " " : "", command->operands, command->help);
	for (size_t i = 0; arguments_option(command->options, i, &option); i++) {
		char usage[64];

		snprintf(usage, sizeof(usage), "%s %s", option.name,
			 option.value ? option.value : "");
		printf("  %-24s %s\n", usage, option.help);
	}
	return EXIT_DONE;
}

/* All commands whose name begins with the word. */
static int explain_group(const char *word)
{
	size_t len = strlen(word);

	printf("Usage: wsbroker %s COMMAND [OPTIONS]\n\n", word);
	for (size_t i = 0; i < command_count; i++) {
		const struct command *command = &commands[i];

		if (strncmp(command->name, word, len) == 0 && command->name[len] == ' ')
			printf("  wsbroker %s%s%s\n        %s\n", command->name,
			       command->operands[0] ? " " : "", command->operands, command->help);
	}
	printf("\nMore: wsbroker %s COMMAND --help\n", word);
	return EXIT_DONE;
}

static int check_usage(const struct command *command, const struct arguments *arguments,
		       int operand_count)
{
	struct argument_option option;
	char what[ARGUMENTS_WHY_MAX];

	if (arguments_option(arguments->given & ~command->options, 0, &option)) {
		snprintf(what, sizeof(what), "%s takes no %s", command->name, option.name);
		return ask_complain(EXIT_USAGE, what, "");
	}
	/* A script's variable that is not set: no object has such a name. */
	if (operand_count > 0 && !arguments->operands[arguments->operand_count - operand_count][0])
		return ask_complain(EXIT_USAGE, "the first argument is empty", "");
	if (operand_count >= command->operand_min && operand_count <= command->operand_max)
		return EXIT_DONE;
	if (command->operand_max == 0)
		return ask_complain(EXIT_USAGE, "unexpected argument",
				    arguments->operands[arguments->operand_count - 1]);
	snprintf(what, sizeof(what), "usage: wsbroker %s %s", command->name, command->operands);
	return ask_complain(EXIT_USAGE, what, "");
}

static int find_token(const struct arguments *arguments, char room[BEARER_MAX], const char **out)
{
	const char *why;

	if (bearer_find(arguments->token_file, room, out, &why) == WSB_OK)
		return EXIT_DONE;
	if (!arguments->token_file)
		return ask_complain(EXIT_USAGE, why, "");
	return ask_complain(EXIT_USAGE, arguments->token_file, why);
}

static int prepare(struct invocation *invocation)
{
	char room[BEARER_MAX];
	const char *token;
	int code;

	if (invocation->command->offline)
		return EXIT_DONE;
	code = find_token(invocation->arguments, room, &token);
	if (code != EXIT_DONE)
		return code;
	if (client_create(&invocation->client, invocation->arguments->admin, token) != WSB_OK)
		return ask_complain(EXIT_FAILED, "out of memory", "");
	return EXIT_DONE;
}

/* To monitoring 2 would say that the broker is critical: what cannot be asked is unknown. */
static int usage_exit(const char *command)
{
	return command && strcmp(command, "check") == 0 ? (int)CHECK_UNKNOWN : EXIT_USAGE;
}

static int usage(const struct arguments *arguments, const char *why)
{
	ask_complain(EXIT_USAGE, why, "");
	fprintf(stderr, "Try: wsbroker --help\n");
	return usage_exit(arguments->command);
}

static int run(struct invocation *invocation)
{
	const struct command *command = invocation->command;
	int code = check_usage(command, invocation->arguments, invocation->operand_count);
	bool able;

	if (code == EXIT_DONE)
		code = prepare(invocation);
	able = code == EXIT_DONE;
	if (able)
		code = command->run(invocation);
	client_destroy(invocation->client);
	/* What check ends with is a state. */
	if (code != EXIT_USAGE || (able && command->run == check_run))
		return code;
	fprintf(stderr, "Try: wsbroker %s --help\n", command->name);
	return usage_exit(command->name);
}

int console_run(int argc, char *const *argv)
{
	struct invocation invocation = {0};
	struct arguments arguments;
	char why[ARGUMENTS_WHY_MAX];
	int words = 1;

	if (arguments_parse(argc, argv, getenv("WSBROKER_ADMIN"), &arguments, why) != WSB_OK)
		return usage(&arguments, why);
	invocation.command = command_find(&arguments, &words, why);
	if (!invocation.command && arguments.help && arguments.command &&
	    command_begins(arguments.command))
		return explain_group(arguments.command);
	if (!invocation.command)
		return usage(&arguments, why);
	if (arguments.help)
		return explain(invocation.command);
	invocation.arguments = &arguments;
	invocation.operands = arguments.operands + words - 1;
	invocation.operand_count = arguments.operand_count - (words - 1);
	return run(&invocation);
}
