/* Replays sequences of requests through the broker's own cache, beside LRU and the optimum.
 * Usage: see tests/bench/README.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "replay_bound.h"
#include "replay_cache.h"
#include "replay_predict.h"
#include "replay_reference.h"
#include "replay_turns.h"

static const double shares[] = {0.01, 0.05, 0.20};
#define SHARES 3

/* Of the recorded ones, in percent, from an independent simulator: s3-fifo and gdsf. */
static const struct {
	const char *name;
	double s3fifo[SHARES];
	double gdsf[SHARES];
} figures[] = {
	{"web12", {41.0, 64.8, 78.0}, {43.8, 65.3, 77.7}},
	{"orm-busy", {72.2, 83.7, 91.1}, {69.3, 83.7, 91.5}},
	{"sprite", {21.3, 67.2, 91.7}, {19.2, 65.4, 91.8}},
	{"oltp", {46.5, 62.1, 72.6}, {45.5, 62.1, 72.9}},
	{"adaptsize", {24.9, 30.9, 35.4}, {28.8, 35.2, 38.8}},
};

static int missed;

static double percent(const struct trace *trace, uint64_t hits)
{
	return 100 * (double)hits / (double)trace->count;
}

static void print_one(double value, double lru, double figure)
{
	bool is_low = value < lru - 1 || (figure > 0 && value < figure - 1);

	missed += is_low;
	printf(" %6.1f%s", value, is_low ? "!" : " ");
	if (figure > 0)
		printf("(%4.1f)", figure);
	else
		printf("      ");
}

static void print_row(const struct trace *trace, uint32_t share, size_t figure)
{
	bool is_recorded = figure < sizeof(figures) / sizeof(figures[0]);
	uint64_t all = trace->sizes ? trace->bytes : trace->distinct;
	uint64_t capacity = (uint64_t)(shares[share] * (double)all + 0.5);
	double lru = percent(trace, reference_lru(trace, capacity));
	double s3fifo = percent(trace, replay(trace, CACHE_S3FIFO, capacity));
	double gdsf = percent(trace, replay(trace, CACHE_GDSF, capacity));

	printf("%-10s %3.0f %% %10lu %6.1f ", trace->name, 100 * shares[share],
	       (unsigned long)capacity, lru);
	print_one(s3fifo, lru, is_recorded ? figures[figure].s3fifo[share] : 0);
	print_one(gdsf, lru, is_recorded ? figures[figure].gdsf[share] : 0);
	if (trace->sizes)
		printf("       -\n");
	else
		printf("  %6.1f\n", percent(trace, reference_belady(trace, capacity)));
	fflush(stdout);
}

static void print_trace(struct trace *trace)
{
	size_t figure = 0;

	while (figure < sizeof(figures) / sizeof(figures[0]) &&
	       strcmp(figures[figure].name, trace->name) != 0)
		figure++;
	for (uint32_t share = 0; share < SHARES; share++)
		print_row(trace, share, figure);
	trace_free(trace);
}

static bool is_wanted(const char *name, int count, char *const *names)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return count == 0;
}

static int print_traces(const char *folder, int count, char *const *names)
{
	struct trace trace;

	printf("trace       size   capacity    LRU   s3-fifo (ref)  gdsf (ref)   optimum\n");
	for (size_t i = 0; folder && recorded_names[i]; i++) {
		if (!is_wanted(recorded_names[i], count, names))
			continue;
		if (!trace_read(&trace, folder, recorded_names[i]))
			return 2;
		print_trace(&trace);
	}
	for (size_t i = 0; made_up_names[i]; i++)
		if (is_wanted(made_up_names[i], count, names) &&
		    trace_make(&trace, made_up_names[i], 400000, 1))
			print_trace(&trace);
	if (missed > 0)
		printf("%d marked with ! are more than a point below LRU or the reference\n",
		       missed);
	return missed > 0;
}

/* At 5 % of the keys; those with sizes say nothing of who asks for what. */
static int print_predictions(const char *folder, int count, char *const *names)
{
	struct trace trace;

	print_prediction_head();
	for (size_t i = 0; recorded_names[i]; i++) {
		if (!is_wanted(recorded_names[i], count, names))
			continue;
		if (!trace_read(&trace, folder, recorded_names[i]))
			return 2;
		if (!trace.sizes)
			print_prediction(&trace, trace.distinct / 20);
		trace_free(&trace);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "bound") == 0)
		return print_bound(argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000);
	if (argc >= 2 && strcmp(argv[1], "hit") == 0)
		return print_hit(argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000);
	if (argc >= 2 && strcmp(argv[1], "turns") == 0)
		return print_turns_of(argc > 2 ? strtoull(argv[2], NULL, 10) : 2000000);
	if (argc >= 3 && strcmp(argv[1], "predict") == 0)
		return print_predictions(argv[2], argc - 3, argv + 3);
	if (argc >= 2 && strcmp(argv[1], "traces") == 0)
		return print_traces(argc > 2 ? argv[2] : NULL, argc > 3 ? argc - 3 : 0, argv + 3);
	fprintf(stderr,
		"usage: cache_replay traces [FOLDER [NAME...]] | predict FOLDER [NAME...] | "
		"bound [KEYS] | hit [LOOKS] | turns [KEYS]\n");
	return 2;
}
