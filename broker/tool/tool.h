/* broker/tool/tool.h: the commands that speak to the data endpoint: call and bench. */
#ifndef WSB_BROKER_TOOL_TOOL_H
#define WSB_BROKER_TOOL_TOOL_H

#include <stdbool.h>
#include <stdio.h>
#include "common/nearest.h"

bool tool_knows(const char *command);
/* Offers what may have been meant by a word that is no command. */
void tool_offer(struct nearest *nearest);

/* The command among the arguments: the first that is neither an option of these commands nor the
 * value of one (options stand before or after the command). NULL: there is none. */
const char *tool_command(int argc, char *const *argv);

/* argv as main got it; tool_command(argc, argv) is known. Returns the exit code. */
int tool_run(int argc, char *const *argv);

/* One line per command, for `wsbroker --help`. */
void tool_help(FILE *out);

#endif
