/* broker/control/operation.h: commands that take their time, as plain data: who asked for what, how
 * far it has come and how it ended. The latest OPERATIONS_KEPT are kept. */
#ifndef WSB_BROKER_CONTROL_OPERATION_H
#define WSB_BROKER_CONTROL_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/control/command.h"
#include "common/err.h"

#define OPERATIONS_KEPT 256

enum operation_state {
	OPERATION_RUNNING,
	OPERATION_DONE,
	OPERATION_FAILED,
	OPERATION_CANCELLED,  /* an operator took it back: resume, ready */
	OPERATION_SUPERSEDED, /* a newer one of its kind took its place */
	OPERATION_STATES,
};
const char *operation_state_name(enum operation_state state);

struct operation {
	uint64_t id; /* 1, 2, 3, ...; 0: this place is free */
	enum command_kind kind;
	enum operation_state state;
	uint32_t done; /* of total: connections, or requests to wait for */
	uint32_t total;
	uint64_t started_us; /* wall clock */
	uint64_t ended_us;   /* wall clock; 0: it runs */
	char pool[64];
	char endpoint[272]; /* "": it is about the whole pool */
	char actor[64];
	char reason[128];
	char text[192]; /* for people: what is waited for, or how it ended */
	/* Of an invalidation that is waited for: what bus_ticket gave, and until when (monotonic).
	 */
	uint64_t ticket;
	uint64_t deadline_us;
};

/* Counts of those that have ended, for the metrics: by kind of end. */
struct operation_stats {
	uint64_t ended[OPERATION_STATES - 1]; /* OPERATION_DONE first */
};

struct operations {
	struct operation *ring; /* OPERATIONS_KEPT */
	uint64_t newest_id;
	size_t running;
	struct operation_stats stats;
};

enum wsb_err operations_init(struct operations *operations) WSB_CHECKED;
void operations_fini(struct operations *operations);

/* A new one that runs. Takes the place of the oldest that has ended, or, where none has, of the
 * oldest, which counts as superseded. Valid until it is forgotten so. */
struct operation *operation_begin(struct operations *operations, const struct command *command,
				  uint64_t wall_us);
/* Ends one that runs; text (NULL: "") says how. */
void operation_end(struct operations *operations, struct operation *operation,
		   enum operation_state state, const char *text, uint64_t wall_us);

/* NULL: it never was, or is forgotten. */
struct operation *operation_find(const struct operations *operations, uint64_t id);
/* The one behind this id, the oldest first: begin with 0. NULL: there are no more. */
struct operation *operation_after(const struct operations *operations, uint64_t id);

#endif
