/* broker/tool/load.h: sends many requests over many connections and counts what comes back. */
#ifndef WSB_BROKER_TOOL_LOAD_H
#define WSB_BROKER_TOOL_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/tool/arguments.h"
#include "broker/tool/tally.h"
#include "common/err.h"

#define LOAD_FOREVER_US (UINT64_MAX / 4)

/* An open loop leaves requests out rather than have more than this open. */
#define LOAD_OPEN_MAX UINT32_C(100000)

struct load_settings {
	const struct tool_arguments *arguments; /* url, token, timeout and the like */
	const char *method;
	const char *params; /* JSON, with {key} where keys says so; NULL: none */
	const char *expect; /* JSON with {key}; NULL: any */
	bool explain;
	uint64_t connections;
	uint64_t depth; /* of a closed loop */
	double rate;	/* above 0: open loop */
	uint64_t count; /* ends after so many requests; 0: after its time */
	uint64_t keys;	/* {key} is one of 1 to this; 0: params are taken as they are */
	double zipf;
	uint64_t seed;
	uint64_t warm_up_us;
	uint64_t duration_us;
	bool progress; /* a line a second on the standard error */
};

struct load_result {
	struct tally tally;
	uint64_t connected;   /* connections that were open at the start */
	uint64_t measured_us; /* 0: it ended before measuring began */
	char why[256];	      /* of the first connection that failed; empty: none did */
	unsigned int status;  /* with which its upgrade was refused; 0: it was not */
};

/* Runs it all: connects, warms up, measures, waits for what is open. SIGINT or SIGTERM ends it
 * early, a second one at once. WSB_OK: *out is set, also when nothing could be connected (connected
 * is 0). WSB_EINVAL, WSB_ELIMIT, WSB_ENOMEM, WSB_EIO: it could not begin, out->why says why. */
enum wsb_err load_run(const struct load_settings *settings, struct load_result *out) WSB_CHECKED;

#endif
