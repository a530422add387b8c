/* tests/sim/readers.h: what is read through the cache. Each upstream pool keeps numbers that only
 * grow; whoever reads one gets its value of the moment when the upstream hears him. Now and then a
 * number grows, and later the broker is told. From then on nobody who asks gets an older one.
 * Clients make numbers grow, too: then the broker knows once an answer has come, however late, or
 * the connection has ended, or, of a notification, the time has passed in which it is done. */
#ifndef WSB_TESTS_SIM_READERS_H
#define WSB_TESTS_SIM_READERS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/span.h"
#include "proto/envelope.h"

struct ask;
struct sim;
struct sim_upstream;

#define SIM_NUMBERS 3 /* of each pool */

struct sim_number {
	uint64_t value;
	uint64_t floor; /* what the broker was told: nothing older may be served to who asks now */
};

/* The values that a connection has made a number grow to, of which the broker may not know. */
struct sim_growth {
	uint64_t asked;
	uint64_t told;
};

/* A write that its upstream takes its time for. */
struct sim_slow {
	uint64_t at_us; /* 0: none */
	uint32_t number;
	size_t id_len; /* 0: nobody waits for an answer */
	char id[24];
};
#define SIM_SLOW 8

void readers_plan(struct sim *sim);
void readers_fill(struct sim *sim, struct ask *ask);
const char *readers_method(const struct ask *ask);
/* It has been heard by the broker: what it may get from now on. */
void readers_heard(struct sim *sim, struct ask *ask);
/* Whether the answer can be the one to this ask; NULL: yes. */
const char *readers_judge(struct sim *sim, struct ask *ask, const struct message *message);
/* True: it was a read, and will be answered, or not. */
bool readers_serve(struct sim *sim, struct sim_upstream *upstream, struct span payload);
/* These words have been heard by the broker: they may be an answer to who made a number grow. */
void readers_answered(struct sim *sim, struct sim_upstream *upstream, struct span words);
/* The connection has ended. */
void readers_lost(struct sim *sim, struct sim_upstream *upstream);
/* Looks for what the broker must know by now. Call after each step. */
void readers_look(struct sim *sim);
/* A number grows, or the broker is told of one that has. */
void readers_change(struct sim *sim);

#endif
