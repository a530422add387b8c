/* broker/console/arguments.h: the command line of all commands of the console. Pure. */
#ifndef WSB_BROKER_CONSOLE_ARGUMENTS_H
#define WSB_BROKER_CONSOLE_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/strbuf.h"

#define ARGUMENTS_WHY_MAX     160
#define ARGUMENTS_ADMIN	      "http://127.0.0.1:7081"
#define ARGUMENTS_OPERAND_MAX 8
#define ARGUMENTS_LIST_MAX    256

/* One bit for each option; a command says which it takes. */
enum {
	OPTION_ADMIN = 1 << 0,
	OPTION_TOKEN_FILE = 1 << 1,
	OPTION_OUTPUT = 1 << 2,
	OPTION_WATCH = 1 << 3,
	OPTION_WAIT = 1 << 4,
	OPTION_REASON = 1 << 5,
	OPTION_FORCE = 1 << 6,
	OPTION_TIMEOUT = 1 << 7,
	OPTION_SINCE = 1 << 8,
	OPTION_UNTIL = 1 << 9,
	OPTION_POOL = 1 << 10,
	OPTION_TYPE = 1 << 11,
	OPTION_FOLLOW = 1 << 12,
	OPTION_SORT = 1 << 13,
	OPTION_SLOW = 1 << 14,
	OPTION_FAILED = 1 << 15,
	OPTION_NAME = 1 << 16,
	OPTION_WEIGHT = 1 << 17,
	OPTION_TIER = 1 << 18,
	OPTION_ALL = 1 << 19,
	OPTION_TAG = 1 << 20,
	OPTION_KEY = 1 << 21,
	OPTION_METHOD = 1 << 22,
	OPTION_MATCH = 1 << 23,
	OPTION_SOFT = 1 << 24,
	OPTION_CURSOR = 1 << 25,
	OPTION_EXEC = 1 << 26,
	OPTION_FAIL_ON_RESYNC = 1 << 27,
};

/* What an option says that may be given several times. */
struct argument_list {
	const char *at[ARGUMENTS_LIST_MAX];
	int count;
};

/* Everything points into argv or the environment. */
struct arguments {
	const char *command; /* NULL: there was none */
	const char *operands[ARGUMENTS_OPERAND_MAX];
	int operand_count;
	unsigned int given; /* the bits of the options that were there */
	bool help;
	const char *admin; /* http://, https:// or unix: */
	const char *token_file;
	bool json;
	uint64_t watch_us; /* 0: once */
	uint64_t wait_us;
	uint64_t timeout_us;
	const char *reason;
	const char *since;
	const char *until;
	const char *pool;
	const char *type;
	const char *sort;
	const char *name;
	uint64_t weight;
	uint64_t tier;
	const char *match;
	const char *cursor;
	const char *exec;
	struct argument_list tags;
	struct argument_list keys;
	struct argument_list methods;
};

/* admin: the default, NULL or empty for ARGUMENTS_ADMIN. WSB_EINVAL: why is a sentence. */
enum wsb_err arguments_parse(int argc, char *const *argv, const char *admin, struct arguments *out,
			     char why[ARGUMENTS_WHY_MAX]) WSB_CHECKED;

/* The options of these bits: "--wait", what follows it ("DURATION", NULL: nothing) and what it is
 * for. False: there is no index'th one. */
struct argument_option {
	const char *name;
	const char *value;
	const char *help;
};
bool arguments_option(unsigned int bits, size_t index, struct argument_option *out);

#endif
