/* tests/bench/replay_reference.h: what the cache is measured by. Each returns hits among all
 * requests; capacity is in entries, or in bytes where the trace has sizes. */
#ifndef WSB_TESTS_BENCH_REPLAY_REFERENCE_H
#define WSB_TESTS_BENCH_REPLAY_REFERENCE_H

#include "replay_trace.h"

uint64_t reference_lru(const struct trace *trace, uint64_t capacity);
/* The optimum (Belady, 1966) of entries that are all equal. */
uint64_t reference_belady(const struct trace *trace, uint64_t capacity);

#endif
