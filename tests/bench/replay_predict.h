/* tests/bench/replay_predict.h: what the predictor adds to a cache. */
#ifndef WSB_TESTS_BENCH_REPLAY_PREDICT_H
#define WSB_TESTS_BENCH_REPLAY_PREDICT_H

#include "replay_trace.h"

/* Prints how an LRU of so many entries does on this trace with the predictor, which is one client's
 * requests then, 1 ms apart, and without. */
void print_prediction(const struct trace *trace, uint64_t capacity);
void print_prediction_head(void);

#endif
