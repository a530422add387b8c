/* tests/bench/replay_bound.h: what the cache costs: memory for each entry, time for each look. */
#ifndef WSB_TESTS_BENCH_REPLAY_BOUND_H
#define WSB_TESTS_BENCH_REPLAY_BOUND_H

#include <stdint.h>

/* So many distinct keys, and a value of 64 MiB, thrown at 256 MiB. 1: the bound was passed or an
 * entry costs more than it may. */
int print_bound(uint64_t keys);
/* So many looks at entries that are there. */
int print_hit(uint64_t looks);

#endif
