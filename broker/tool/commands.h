/* broker/tool/commands.h: what each command does, and what it ends with. */
#ifndef WSB_BROKER_TOOL_COMMANDS_H
#define WSB_BROKER_TOOL_COMMANDS_H

#include "broker/tool/arguments.h"

/* As all commands of the program. */
enum tool_exit {
	TOOL_DONE = 0,
	TOOL_FAILED = 1,
	TOOL_USAGE = 2,
	TOOL_UNREACHABLE = 3,
	TOOL_DENIED = 4,
};

/* Each returns its exit code. */
int call_run(const struct tool_arguments *arguments);
int call_many_run(const struct tool_arguments *arguments);
int bench_run(const struct tool_arguments *arguments);

/* Says on the standard error what went wrong with url; why may come from the peer. */
void tool_complain(const char *command, const char *url, const char *why);

/* What to end with when no connection to url came about, said on the standard error. status: with
 * which the upgrade was refused; 0: it was not. */
int tool_not_connected(const char *command, const char *url, unsigned int status, const char *why);

#endif
