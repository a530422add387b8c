/* broker/console/console.h: the commands that ask a running broker's admin API. */
#ifndef WSB_BROKER_CONSOLE_CONSOLE_H
#define WSB_BROKER_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "common/nearest.h"

/* What every command of the program ends with. */
enum console_exit {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
	EXIT_DENIED = 4,
	EXIT_TIMEOUT = 5, /* of a wait */
	EXIT_RESYNC = 6,  /* invalidations may have been missed */
};

bool console_knows(const char *command);

/* The command among the arguments: the first that is neither an option of the console nor the value
 * of one (options stand before or after the command). NULL: there is none. */
const char *console_command(int argc, char *const *argv);

/* Offers what may have been meant by a word that is no command: "pool", or "pool resize" to who has
 * left out the first half. */
void console_offer(struct nearest *nearest);

/* argv as main got it. Reads WSBROKER_ADMIN and WSBROKER_TOKEN from the environment, writes to the
 * standard output and error; returns the exit code. */
int console_run(int argc, char *const *argv);

/* The commands and their options, for `wsbroker --help`. */
void console_help(FILE *out);

#endif
