#include "broker/console/console.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "broker/console/arguments.h"
#include "broker/console/client.h"
#include "broker/console/pages.h"
#include "common/clock.h"
#include "proto/admin_api.h"

struct command {
	const char *name;
	const char *path;
	void (*page)(const json_t *answer, struct strbuf *out);
	json_type answer; /* an answer of another type is no broker's */
	const char *help;
};

static const struct command commands[] = {
	{"status", ADMIN_STATUS, page_status, JSON_OBJECT,
	 "is all well, and if not, why: verdict, reasons, numbers"},
	{"pools", ADMIN_POOLS, page_pools, JSON_ARRAY, "pools and their endpoints"},
	{"connections", ADMIN_CONNECTIONS, page_connections, JSON_ARRAY,
	 "every upstream connection"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; name && i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

bool console_knows(const char *command)
{
	return find_command(command) != NULL;
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
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-14s %s\n", commands[i].name, commands[i].help);
	fprintf(out,
		"  with: --admin URL|unix:PATH (or WSBROKER_ADMIN; default " ARGUMENTS_ADMIN "),\n"
		"        -o table|json, --watch SECONDS\n");
}

static int complain(int code, const char *what, const char *why)
{
	struct strbuf line;

	/* Some of it comes from whoever answers there. */
	strbuf_init(&line);
	strbuf_plain(&line, span_text(what));
	strbuf_text(&line, why[0] ? ": " : "");
	strbuf_plain(&line, span_text(why));
	fprintf(stderr, "wsbroker: %s\n", strbuf_span(&line).at);
	strbuf_fini(&line);
	return code;
}

/* A problem+json body says more than its status. */
static int refuse(long status, const struct strbuf *body)
{
	json_t *problem = json_loadb(strbuf_span(body).at, body->len, 0, NULL);
	const char *detail = json_string_value(json_object_get(problem, "detail"));
	char what[64];

	snprintf(what, sizeof(what), "the broker answered %ld", status);
	complain(EXIT_FAILED, what, detail ? detail : "");
	json_decref(problem);
	return status == 401 || status == 403 ? EXIT_DENIED : EXIT_FAILED;
}

static int render(const struct command *command, const struct strbuf *body, bool json,
		  struct strbuf *out)
{
	json_t *answer = json_loadb(strbuf_span(body).at, body->len, 0, NULL);

	if (!answer || json_typeof(answer) != command->answer) {
		json_decref(answer);
		return complain(EXIT_FAILED, "the answer is not that of a broker's admin API", "");
	}
	if (json)
		strbuf_add(out, strbuf_span(body));
	else
		command->page(answer, out);
	json_decref(answer);
	return out->failed ? complain(EXIT_FAILED, "out of memory", "") : EXIT_DONE;
}

/* Clears the screen first where a person watches one. */
static int put(const struct strbuf *out, bool watched)
{
	if (watched && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	fwrite(strbuf_span(out).at, 1, out->len, stdout);
	if (fflush(stdout) != 0)
		return complain(EXIT_FAILED, "cannot write", "");
	return EXIT_DONE;
}

static int show(struct client *client, const struct command *command,
		const struct arguments *arguments)
{
	int code;
	char why[CLIENT_WHY_MAX];
	struct strbuf body;
	struct strbuf out;
	long status = 0;
	enum wsb_err err;

	strbuf_init(&body);
	strbuf_init(&out);
	err = client_get(client, command->path, &status, &body, why);
	if (err == WSB_EUNAVAIL) {
		fprintf(stderr, "wsbroker: no broker answers at %s: %s\n", arguments->admin, why);
		code = EXIT_UNREACHABLE;
	} else if (err != WSB_OK) {
		code = complain(EXIT_FAILED, "no answer", why);
	} else if (status != 200) {
		code = refuse(status, &body);
	} else {
		code = render(command, &body, arguments->json, &out);
		if (code == EXIT_DONE)
			code = put(&out, arguments->watch_us > 0);
	}
	strbuf_fini(&body);
	strbuf_fini(&out);
	return code;
}

static void sleep_us(uint64_t us)
{
	struct timespec left = {
		.tv_sec = (time_t)(us / US_PER_S),
		.tv_nsec = (long)(us % US_PER_S * 1000),
	};

	while (nanosleep(&left, &left) != 0)
		continue;
}

/* Watching goes on while the broker restarts, once it has been there. */
static int run(const struct command *command, const struct arguments *arguments)
{
	struct client *client;
	int code;

	if (client_create(&client, arguments->admin) != WSB_OK)
		return complain(EXIT_FAILED, "out of memory", "");
	code = show(client, command, arguments);
	while (arguments->watch_us > 0 && code == EXIT_DONE) {
		int later;

		sleep_us(arguments->watch_us);
		later = show(client, command, arguments);
		if (later != EXIT_UNREACHABLE)
			code = later;
	}
	client_destroy(client);
	return code;
}

int console_run(int argc, char *const *argv)
{
	const struct command *command;
	struct arguments arguments;
	char why[ARGUMENTS_WHY_MAX];

	if (arguments_parse(argc, argv, getenv("WSBROKER_ADMIN"), &arguments, why) != WSB_OK)
		return complain(EXIT_USAGE, why, "");
	command = find_command(arguments.command);
	if (!command)
		return complain(EXIT_USAGE, "unknown command",
				arguments.command ? arguments.command : "");
	if (arguments.help) {
		printf("wsbroker %s: %s\n", command->name, command->help);
		printf("  --admin URL|unix:PATH  the broker's admin API (or WSBROKER_ADMIN)\n"
		       "  -o table|json          for people or for programs\n"
		       "  --watch SECONDS        again and again, until interrupted\n");
		return EXIT_DONE;
	}
	if (arguments.operand_count > 0)
		return complain(EXIT_USAGE, "unexpected argument", arguments.operands[0]);
	return run(command, &arguments);
}
