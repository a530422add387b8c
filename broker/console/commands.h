/* broker/console/commands.h: the table of the console's commands. */
#ifndef WSB_BROKER_CONSOLE_COMMANDS_H
#define WSB_BROKER_CONSOLE_COMMANDS_H

#include <stddef.h>
#include "broker/console/arguments.h"
#include "broker/console/client.h"

struct command;

/* A command line that has been understood. */
struct invocation {
	const struct command *command;
	const struct arguments *arguments;
	const char *const *operands; /* behind the command's name */
	int operand_count;
	struct client *client; /* NULL for commands that ask nobody */
};

struct command {
	const char *name;     /* "status", "pool resize" */
	const char *operands; /* "NAME N", for the help; "": none */
	int operand_min;
	int operand_max;
	unsigned int options;				 /* that it takes, as of arguments.h */
	bool offline;					 /* asks nobody */
	int (*run)(const struct invocation *invocation); /* returns the exit code */
	const char *help;
};

extern const struct command commands[];
extern const size_t command_count;

/* The command of a command line; *words says how many words its name has. NULL: there is none; why
 * says so. */
const struct command *command_find(const struct arguments *arguments, int *words,
				   char why[ARGUMENTS_WHY_MAX]);

/* Whether any command's name begins with this word. */
bool command_begins(const char *word);

#endif
