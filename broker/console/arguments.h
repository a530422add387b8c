/* broker/console/arguments.h: the options that all commands of the console share. Pure. */
#ifndef WSB_BROKER_CONSOLE_ARGUMENTS_H
#define WSB_BROKER_CONSOLE_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/err.h"

#define ARGUMENTS_WHY_MAX     160
#define ARGUMENTS_ADMIN	      "http://127.0.0.1:7081"
#define ARGUMENTS_OPERAND_MAX 8

/* Everything points into argv or the environment. */
struct arguments {
	const char *command; /* NULL: there was none */
	const char *operands[ARGUMENTS_OPERAND_MAX];
	int operand_count;
	const char *admin; /* http://, https:// or unix: */
	bool json;
	bool help;
	uint64_t watch_us; /* 0: once */
};

/* admin: the default, NULL or empty for ARGUMENTS_ADMIN. WSB_EINVAL: why is a sentence. */
enum wsb_err arguments_parse(int argc, char *const *argv, const char *admin, struct arguments *out,
			     char why[ARGUMENTS_WHY_MAX]) WSB_CHECKED;

#endif
