/* broker/tool/arguments.h: what call and bench are told on the command line. */
#ifndef WSB_BROKER_TOOL_ARGUMENTS_H
#define WSB_BROKER_TOOL_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "common/err.h"

struct call_arguments {
	const char *method;
	const char *params; /* JSON text; NULL: none */
	uint64_t count;
	uint64_t parallel;
	bool explain;
};

struct bench_arguments {
	const char *method;
	const char *params; /* JSON text with {key}; NULL: none */
	const char *expect; /* JSON text with {key} that each result must contain; NULL: any */
	uint64_t connections;
	uint64_t depth; /* requests open at a time on each; closed loop */
	double rate;	/* per second over all; above 0: open loop */
	uint64_t keys;
	double zipf;
	uint64_t seed;
	uint64_t warm_up_us;
	uint64_t duration_us;
};

struct tool_arguments {
	const char *url;
	const char *token; /* NULL: none is given */
	const char *token_file;
	const char
		*ca; /* file of authorities to trust instead of the system's; NULL: the system's */
	bool insecure; /* trust any certificate */
	uint64_t timeout_us;
	bool json;
	bool help;
	struct call_arguments call;
	struct bench_arguments bench;
};

#define ARGUMENTS_WHY_SIZE 256

enum tool_command { TOOL_CALL, TOOL_BENCH };

/* Reads argv[1..argc), the command's own name left out; options stand before, between or after the
 * rest, as `--name value` or `--name=value`. Strings are borrowed from argv.
 * WSB_EINVAL: why says what is wrong, as a whole sentence. */
enum wsb_err arguments_read(enum tool_command command, int argc, char *const *argv,
			    struct tool_arguments *out, char *why, size_t why_size) WSB_CHECKED;

/* Whether argv's word is an option of any command that has its value in the next word. */
bool arguments_takes_next(const char *word);

/* Usage and options of the command. */
void arguments_help(enum tool_command command, FILE *out);

#endif
