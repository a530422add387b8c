/* tests/bench/replay_turns.h: how long the event loop waits for the cache. */
#ifndef WSB_TESTS_BENCH_REPLAY_TURNS_H
#define WSB_TESTS_BENCH_REPLAY_TURNS_H

#include <stdint.h>

/* The longest call of each kind, in a cache which half of so many keys fill. */
int print_turns_of(uint64_t keys);

#endif
