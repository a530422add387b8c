/* tests/bench/replay_trace.h: a sequence of requests, recorded or made up. */
#ifndef WSB_TESTS_BENCH_REPLAY_TRACE_H
#define WSB_TESTS_BENCH_REPLAY_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace {
	const char *name;
	uint32_t *keys; /* from 0 to distinct - 1 */
	size_t count;
	uint32_t *sizes; /* of each key; NULL: all are equal */
	uint32_t distinct;
	uint64_t bytes; /* of all keys */
};

/* Reads one of the recorded ones with xz or gzip. False, with a line that says why: it cannot be.
 */
bool trace_read(struct trace *trace, const char *folder, const char *name);
/* Makes one of those that are made up, from a seed; count says how long about. */
bool trace_make(struct trace *trace, const char *name, size_t count, uint64_t seed);
void trace_free(struct trace *trace);

extern const char *const recorded_names[];
extern const char *const made_up_names[];

#endif
