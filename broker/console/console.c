#include "broker/console/console.h"

#include <stdlib.h>
#include <string.h>
#include "broker/console/arguments.h"
#include "broker/console/ask.h"
#include "broker/console/commands.h"

#define TOKEN_MAX 4096

bool console_knows(const char *command)
{
	return command_begins(command);
}

const char *console_name(size_t index)
{
	return index < command_count ? commands[index].name : NULL;
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

	for (size_t i = 0; i < command_count; i++) {
		if (strncmp(commands[i].name, word, len) == 0 && commands[i].name[len] == ' ')
			printf("  wsbroker %s %s\n        %s\n", commands[i].name,
			       commands[i].operands, commands[i].help);
	}
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
	if (operand_count >= command->operand_min && operand_count <= command->operand_max)
		return EXIT_DONE;
	if (command->operand_max == 0)
		return ask_complain(EXIT_USAGE, "unexpected argument",
				    arguments->operands[arguments->operand_count - 1]);
	snprintf(what, sizeof(what), "usage: wsbroker %s %s", command->name, command->operands);
	return ask_complain(EXIT_USAGE, what, "");
}

/* The first line of a file, without the space around it. WSB_EINVAL: why is a phrase. */
static enum wsb_err read_token(const char *path, char token[TOKEN_MAX], const char **why)
{
	FILE *file = fopen(path, "re");
	size_t len;

	*why = "cannot be read";
	if (!file)
		return WSB_EINVAL;
	if (!fgets(token, TOKEN_MAX, file))
		token[0] = '\0';
	fclose(file);
	len = strcspn(token, " \t\r\n");
	token[len] = '\0';
	*why = "holds no token in its first line";
	return len > 0 ? WSB_OK : WSB_EINVAL;
}

/* A token is what may stand in a header. */
static bool is_token(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text <= ' ' || (unsigned char)*text > '~')
			return false;
	}
	return true;
}

static int find_token(const struct arguments *arguments, char token[TOKEN_MAX], const char **out)
{
	const char *from_environment = getenv("WSBROKER_TOKEN");
	const char *why;

	*out = NULL;
	if (arguments->token_file) {
		if (read_token(arguments->token_file, token, &why) != WSB_OK)
			return ask_complain(EXIT_USAGE, arguments->token_file, why);
		*out = token;
	} else if (from_environment && from_environment[0]) {
		*out = from_environment;
	}
	if (*out && !is_token(*out))
		return ask_complain(EXIT_USAGE,
				    "the token holds a space or a character beyond "
				    "ASCII",
				    "");
	return EXIT_DONE;
}

static int run(struct invocation *invocation)
{
	char room[TOKEN_MAX];
	const char *token;
	int code;

	if (invocation->command->offline)
		return invocation->command->run(invocation);
	code = find_token(invocation->arguments, room, &token);
	if (code != EXIT_DONE)
		return code;
	if (client_create(&invocation->client, invocation->arguments->admin, token) != WSB_OK)
		return ask_complain(EXIT_FAILED, "out of memory", "");
	code = invocation->command->run(invocation);
	client_destroy(invocation->client);
	return code;
}

int console_run(int argc, char *const *argv)
{
	struct invocation invocation = {0};
	struct arguments arguments;
	char why[ARGUMENTS_WHY_MAX];
	int words = 1;
	int code;

	if (arguments_parse(argc, argv, getenv("WSBROKER_ADMIN"), &arguments, why) != WSB_OK)
		return ask_complain(EXIT_USAGE, why, "");
	invocation.command = command_find(&arguments, &words, why);
	if (!invocation.command && arguments.help && arguments.command &&
	    command_begins(arguments.command))
		return explain_group(arguments.command);
	if (!invocation.command)
		return ask_complain(EXIT_USAGE, why, "");
	if (arguments.help)
		return explain(invocation.command);
	invocation.arguments = &arguments;
	invocation.operands = arguments.operands + words - 1;
	invocation.operand_count = arguments.operand_count - (words - 1);
	code = check_usage(invocation.command, &arguments, invocation.operand_count);
	return code != EXIT_DONE ? code : run(&invocation);
}
