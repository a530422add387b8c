/* tests/sim/sim [--seed N] [--runs N] [--verbose]: runs with the seeds N, N + 1, ... Without --runs
 * the environment's SIM_RUNS says how many, else there are 10 000 (with --seed: one). */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/sim.h"

#define RUNS_USUAL	10000
#define RUN_SECONDS_MAX 60

/* For the handler of the signals that end a run: which one it was. */
static volatile uint64_t running_seed;

static void on_end(int signal_number)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "FAILED seed %" PRIu64 ": signal %d (%s)\n",
			   running_seed, signal_number,
			   signal_number == SIGALRM ? "it hangs" : "it crashed");

	if (len > 0 && write(STDERR_FILENO, text, (size_t)len) < 0)
		_exit(2);
	_exit(1);
}

static uint64_t number_of(const char *text, const char *what)
{
	char *end;
	uint64_t number = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0') {
		fprintf(stderr, "sim: %s must be a number, not %s\n", what, text);
		exit(2);
	}
	return number;
}

static void run_all(uint64_t seed, uint64_t runs, bool verbose)
{
	uint64_t steps = 0, asks = 0;

	for (uint64_t i = 0; i < runs; i++) {
		struct sim *sim = calloc(1, sizeof(*sim));

		if (!sim)
			abort();
		sim->seed = running_seed = seed + i;
		sim->verbose = verbose;
		alarm(RUN_SECONDS_MAX);
		sim_run(sim);
		steps += sim->step;
		asks += sim->ask_count;
		free(sim);
	}
	printf("%" PRIu64 " runs from seed %" PRIu64 ": %" PRIu64 " events, %" PRIu64
	       " messages, every invariant held\n",
	       runs, seed, steps, asks);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
						{"runs", required_argument, NULL, 'r'},
						{"verbose", no_argument, NULL, 'v'},
						{NULL, 0, NULL, 0}};
	const char *runs_text = getenv("SIM_RUNS");
	uint64_t runs = runs_text ? number_of(runs_text, "SIM_RUNS") : RUNS_USUAL;
	bool runs_given = false;
	uint64_t seed = 1;
	bool verbose = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's') {
			seed = number_of(optarg, "--seed");
			runs = runs_given ? runs : 1;
		} else if (option == 'r') {
			runs_given = true;
			runs = number_of(optarg, "--runs");
		} else if (option == 'v') {
			verbose = true;
		} else {
			fprintf(stderr, "usage: sim [--seed N] [--runs N] [--verbose]\n");
			return 2;
		}
	}
	signal(SIGALRM, on_end);
	signal(SIGABRT, on_end);
	run_all(seed, runs, verbose);
	return 0;
}
