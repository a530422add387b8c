/* broker/main.c: the subcommands, the configuration, the exit code. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "broker/console/console.h"
#include "broker/control/catalog.h"
#include "broker/control/configuration.h"
#include "common/nearest.h"
#include "broker/io/tls.h"
#include "broker/tool/tool.h"
#include "broker/worker.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/strbuf.h"

/* Gets the arguments behind its name. */
typedef int command_function(int argc, char *const *argv);

struct command {
	const char *name;
	command_function *run;
	const char *usage;
	const char *summary;
};

static int usage_error(const char *command, const char *what, const char *which)
{
	fprintf(stderr, "wsbroker%s%s: %s%s%s\n", command[0] ? " " : "", command, what,
		which ? " " : "", which ? which : "");
	fprintf(stderr, "Try: wsbroker --help\n");
	return EXIT_USAGE;
}

/* JOURNAL_STREAM names the socket of systemd's journal: what was started with it may write
 * elsewhere all the same. */
static bool is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat file;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(fd, &file) == 0 && file.st_dev == device && file.st_ino == inode;
}

/* One line, one write: lines of several processes do not mix. context: a bool, whether it is the
 * journal that reads them, which takes a line's priority from its beginning (sd-daemon(3)). */
static void write_line(void *context, enum log_level level, struct span line)
{
	static const char priorities[][4] = {
		[LOG_DEBUG] = "<7>", [LOG_INFO] = "<6>", [LOG_WARN] = "<4>", [LOG_ERROR] = "<3>"};
	const bool *journal = context;
	struct iovec parts[3] = {
		{.iov_base = (void *)priorities[level], .iov_len = *journal ? 3 : 0},
		{.iov_base = (void *)line.at, .iov_len = line.len},
		{.iov_base = "\n", .iov_len = 1}};

	if (writev(STDERR_FILENO, parts, 3) < 0)
		return;
}

/* What `serve` and `check-config` are given: a file, or URLs, which the caller frees. */
struct source {
	const char *file;
	const char **urls;
	size_t url_count;
};

static int unknown_option(const char *command, const char *word)
{
	struct nearest nearest;
	struct strbuf what;
	int code;

	nearest_init(&nearest, span_of(word, strcspn(word, "=")));
	nearest_offer(&nearest, span_text("--config"));
	strbuf_init(&what);
	strbuf_printf(&what, "unknown option %s", word);
	nearest_suggest(&nearest, &what);
	code = usage_error(command, strbuf_span(&what).at, NULL);
	strbuf_fini(&what);
	return code;
}

/* Options stand before or after the rest. 0, or the exit code of a usage error. */
static int read_source(const char *command, int argc, char *const *argv, struct source *out)
{
	const size_t len = strlen("--config=");

	*out = (struct source){.urls = calloc((size_t)argc + 1, sizeof(*out->urls))};
	if (!out->urls)
		return EXIT_FAILED;
	for (int at = 0; at < argc; at++) {
		const char *word = argv[at];

		if (word[0] != '-')
			out->urls[out->url_count++] = word;
		else if (strncmp(word, "--config=", len) == 0)
			out->file = word + len;
		else if (strcmp(word, "-c") != 0 && strcmp(word, "--config") != 0)
			return unknown_option(command, word);
		else if (at + 1 == argc)
			return usage_error(command, "a file must follow", word);
		else
			out->file = argv[++at];
	}
	if (out->file && out->url_count > 0)
		return usage_error(command, "either a file or URLs, not both:", out->urls[0]);
	return 0;
}

static void print_errors(const struct source *source, enum wsb_err err, const struct strbuf *errors)
{
	if (errors->len > 0)
		fprintf(stderr, "%s", errors->text);
	else
		fprintf(stderr, "wsbroker: %s: %s\n", source->file ? source->file : "configuration",
			wsb_err_text(err));
}

/* NULL: the errors have been printed. */
static struct config *load(const struct source *source)
{
	struct config *config = NULL;
	struct strbuf errors;
	enum wsb_err err;

	strbuf_init(&errors);
	err = source->file ? config_load(&config, source->file, &errors)
			   : config_from_urls(&config, source->urls, source->url_count, &errors);
	if (!err)
		err = tls_prepare(config, &errors);
	if (err) {
		print_errors(source, err, &errors);
		config_release(config);
		config = NULL;
	}
	strbuf_fini(&errors);
	return config;
}

static void log_notes(struct log *log, const struct strbuf *notes)
{
	struct span rest = strbuf_span(notes);

	while (rest.len > 0) {
		size_t len = strcspn(rest.at, "\n");

		log_event(log, LOG_WARN, "config.state", log_span("note", span_of(rest.at, len)));
		rest = span_of(rest.at + len, rest.len - len);
		if (rest.len > 0)
			rest = span_of(rest.at + 1, rest.len - 1);
	}
}

static int serve(struct configuration *configuration, const struct strbuf *notes)
{
	const struct config *config = configuration->running;
	bool journal = is_journal(STDERR_FILENO);
	struct log log;

	log_init(&log, config->log.level, config->log.format, write_line, &journal, clock_wall_us);
	log_notes(&log, notes);
	return worker_run(configuration, &log, stdout);
}

static int serve_source(const struct source *source)
{
	struct configuration configuration;
	struct strbuf errors, notes;
	enum wsb_err err;
	int code;

	strbuf_init(&errors);
	strbuf_init(&notes);
	err = configuration_open(&configuration, source->file, source->file ? NULL : source->urls,
				 source->url_count, &errors, &notes);
	if (!err)
		err = tls_prepare(configuration.running, &errors);
	code = source->file ? EXIT_FAILED : EXIT_USAGE;
	if (err)
		print_errors(source, err, &errors);
	else
		code = serve(&configuration, &notes);
	configuration_close(&configuration);
	strbuf_fini(&errors);
	strbuf_fini(&notes);
	return code;
}

static int run_serve(int argc, char *const *argv)
{
	struct source source;
	int code = read_source("serve", argc, argv, &source);

	if (!code && !source.file && source.url_count == 0)
		code = usage_error("serve", "-c FILE, or the URLs of upstreams, must be given",
				   NULL);
	if (!code && !source.file && !strstr(source.urls[0], "://"))
		code = usage_error("serve", "neither -c FILE nor a URL:", source.urls[0]);
	if (!code)
		code = serve_source(&source);
	free(source.urls);
	return code;
}

static int check_source(const struct source *source)
{
	struct config *config = load(source);

	if (!config)
		return EXIT_FAILED;
	printf("%s: ok\n", source->file);
	config_release(config);
	return EXIT_DONE;
}

static int run_check_config(int argc, char *const *argv)
{
	struct source source;
	int code = read_source("check-config", argc, argv, &source);

	if (!code && !source.file)
		code = usage_error("check-config", "-c FILE must be given", NULL);
	if (!code)
		code = check_source(&source);
	free(source.urls);
	return code;
}

static int print_text(void (*write)(struct strbuf *out))
{
	struct strbuf text;
	bool failed;

	strbuf_init(&text);
	write(&text);
	failed = text.failed || fwrite(text.text, 1, text.len, stdout) != text.len;
	strbuf_fini(&text);
	return failed ? EXIT_FAILED : EXIT_DONE;
}

static int run_print_options(int argc, char *const *argv)
{
	(void)argv;
	return argc > 0 ? usage_error("--print-options", "takes no arguments", NULL)
			: print_text(config_reference);
}

static int run_print_metrics(int argc, char *const *argv)
{
	(void)argv;
	return argc > 0 ? usage_error("--print-metrics", "takes no arguments", NULL)
			: print_text(catalog_reference);
}

static int run_version(int argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	printf("wsbroker %s\n", WSBROKER_VERSION);
	return EXIT_DONE;
}

static int run_help(int argc, char *const *argv);

static const struct command commands[] = {
	{"serve", run_serve, "serve -c FILE | URL...", "run the broker"},
	{"check-config", run_check_config, "check-config -c FILE", "validate a configuration"},
	{"--help", run_help, "--help", "this text"},
	{"-h", run_help, NULL, NULL},
	{"help", run_help, NULL, NULL},
	{"--version", run_version, "--version", "the version"},
	{"--print-options", run_print_options, "--print-options", "all keys of the configuration"},
	{"--print-metrics", run_print_metrics, "--print-metrics", "all metrics"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int run_help(int argc, char *const *argv)
{
	(void)argc;
	(void)argv;
	printf("wsbroker: one WebSocket endpoint over a pool of upstream connections.\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (commands[i].usage)
			printf("  wsbroker %-28s %s\n", commands[i].usage, commands[i].summary);
	}
	tool_help(stdout);
	printf("\n");
	console_help(stdout);
	return EXIT_DONE;
}

/* `COMMAND --help` for the commands of the table. */
static int run_command(const struct command *command, int argc, char *const *argv)
{
	bool asked = false;

	for (int at = 0; at < argc; at++)
		asked |= strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0;
	if (!asked || !command->summary)
		return command->run(argc, argv);
	printf("Usage: wsbroker %s\n\n%s\n", command->usage, command->summary);
	return EXIT_DONE;
}

static int unknown_command(const char *name)
{
	struct nearest nearest;
	struct strbuf what;
	int code;

	nearest_init(&nearest, span_text(name));
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		nearest_offer(&nearest, span_text(commands[i].name));
	tool_offer(&nearest);
	console_offer(&nearest);
	strbuf_init(&what);
	strbuf_text(&what, "unknown command");
	nearest_suggest(&nearest, &what);
	code = usage_error(name, what.failed ? "unknown command" : what.text, NULL);
	strbuf_fini(&what);
	return code;
}

static int run(int argc, char *const *argv)
{
	const char *name;

	if (argc < 2)
		return usage_error("", "a command must be given", NULL);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return run_command(&commands[i], argc - 2, argv + 2);
	}
	name = tool_command(argc, argv);
	if (name && tool_knows(name))
		return tool_run(argc, argv);
	name = console_command(argc, argv);
	if (name && console_knows(name))
		return console_run(argc, argv);
	/* Options and no command, or none that is known: the table of options tells. */
	if (!name && argv[1][0] == '-' && argv[1][1])
		return console_run(argc, argv);
	return unknown_command(name ? name : argv[1]);
}

/* What could not be written was not done. */
int main(int argc, char **argv)
{
	int code = run(argc, argv);

	return code == EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout)) ? EXIT_FAILED : code;
}
