#include "broker/tool/tool.h"

#include <stdlib.h>
#include <string.h>
#include "broker/tool/arguments.h"
#include "broker/tool/commands.h"
#include "common/bearer.h"
#include "common/strbuf.h"

#define HTTP_UNAUTHORIZED 401
#define HTTP_FORBIDDEN	  403

static const struct {
	const char *name;
	enum tool_command command;
	const char *usage;
	const char *summary;
} commands[] = {
	{"call", TOOL_CALL, "call METHOD [PARAMS]",
	 "send one request, or many, and show the answer"},
	{"bench", TOOL_BENCH, "bench", "send requests at full speed or at a rate, and measure"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

bool tool_knows(const char *command)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(command, commands[i].name) == 0)
			return true;
	}
	return false;
}

void tool_offer(struct nearest *nearest)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		nearest_offer(nearest, span_text(commands[i].name));
}

static int command_at(int argc, char *const *argv)
{
	for (int at = 1; at < argc; at++) {
		if (argv[at][0] != '-')
			return at;
		at += arguments_takes_next(argv[at]) ? 1 : 0;
	}
	return 0;
}

const char *tool_command(int argc, char *const *argv)
{
	int at = command_at(argc, argv);

	return at > 0 ? argv[at] : NULL;
}

void tool_help(FILE *out)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  wsbroker %-28s %s\n", commands[i].usage, commands[i].summary);
}

void tool_complain(const char *command, const char *url, const char *why)
{
	struct strbuf text;

	strbuf_init(&text);
	strbuf_plain(&text, span_text(why));
	fprintf(stderr, "wsbroker %s: %s: %s\n", command, url, strbuf_span(&text).at);
	strbuf_fini(&text);
}

int tool_not_connected(const char *command, const char *url, unsigned int status, const char *why)
{
	tool_complain(command, url, why);
	if (status == HTTP_UNAUTHORIZED)
		fprintf(stderr, "Show a token: WSBROKER_TOKEN or --token-file FILE.\n");
	return status == HTTP_UNAUTHORIZED || status == HTTP_FORBIDDEN ? TOOL_DENIED
								       : TOOL_UNREACHABLE;
}

static int run_command(enum tool_command command, const struct tool_arguments *arguments)
{
	if (arguments->help) {
		arguments_help(command, stdout);
		return TOOL_DONE;
	}
	if (command == TOOL_BENCH)
		return bench_run(arguments);
	return arguments->call.count > 1 ? call_many_run(arguments) : call_run(arguments);
}

static enum wsb_err find_token(const char *command, struct tool_arguments *arguments,
			       char room[BEARER_MAX])
{
	const char *file = arguments->token_file;
	const char *why;

	if (arguments->help || arguments->token ||
	    bearer_find(file, room, &arguments->token, &why) == WSB_OK)
		return WSB_OK;
	fprintf(stderr, "wsbroker %s: %s%s%s\n", command, file ? file : "", file ? ": " : "", why);
	return WSB_EINVAL;
}

/* Everything but the command itself, which may stand in the middle. */
static int run_with(enum tool_command command, int at, int argc, char *const *argv, char **rest)
{
	struct tool_arguments arguments;
	char why[ARGUMENTS_WHY_SIZE];
	char room[BEARER_MAX];
	int count = 0;

	for (int i = 0; i < argc; i++) {
		if (i != at)
			rest[count++] = argv[i];
	}
	if (arguments_read(command, count, rest, &arguments, why, sizeof(why))) {
		fprintf(stderr, "wsbroker %s: %s\nTry: wsbroker %s --help\n", argv[at], why,
			argv[at]);
		return TOOL_USAGE;
	}
	if (find_token(argv[at], &arguments, room))
		return TOOL_USAGE;
	return run_command(command, &arguments);
}

int tool_run(int argc, char *const *argv)
{
	int at = command_at(argc, argv);
	char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	int code = TOOL_FAILED;

	for (size_t i = 0; rest && i < COMMAND_COUNT; i++) {
		if (strcmp(argv[at], commands[i].name) == 0)
			code = run_with(commands[i].command, at, argc, argv, rest);
	}
	free(rest);
	return code;
}
