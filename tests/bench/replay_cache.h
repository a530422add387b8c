/* tests/bench/replay_cache.h: the broker's own cache under a trace. */
#ifndef WSB_TESTS_BENCH_REPLAY_CACHE_H
#define WSB_TESTS_BENCH_REPLAY_CACHE_H

#include "broker/cache/settings.h"
#include "replay_trace.h"

/* Hits among all requests; capacity as in replay_reference.h. The memory that holds so many equal
 * entries and not one more is found by trying; where they have sizes, capacity is of payload, and
 * what the cache needs beside it is found by running twice. */
uint64_t replay(const struct trace *trace, enum cache_policy_kind policy, uint64_t capacity);

#endif
