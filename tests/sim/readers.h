/* tests/sim/readers.h: what is read through the cache. Each upstream pool keeps numbers that only
 * grow; whoever reads one gets its value of the moment when the upstream hears him. Now and then a
 * number grows, and later the broker is told. From then on nobody who asks gets an older one. */
#ifndef WSB_TESTS_SIM_READERS_H
#define WSB_TESTS_SIM_READERS_H

#include <stdbool.h>
#include <stdint.h>
#include "common/span.h"
#include "proto/envelope.h"

struct ask;
struct sim;
struct sim_client;
struct sim_upstream;

#define SIM_NUMBERS 6 /* of each pool */

struct sim_number {
	uint64_t value;
	uint64_t floor; /* what the broker was told: nothing older may be served to who asks now */
};

void readers_plan(struct sim *sim);
void readers_fill(struct sim *sim, struct ask *ask);
const char *readers_method(const struct ask *ask);
/* It has been heard by the broker: what it may get from now on. */
void readers_heard(struct sim *sim, struct ask *ask);
/* Whether the answer can be the one to this ask; NULL: yes. */
const char *readers_judge(struct sim *sim, struct ask *ask, const struct message *message);
/* True: it was a read, and will be answered, or not. */
bool readers_serve(struct sim *sim, struct sim_upstream *upstream, struct span payload);
/* A number grows, or the broker is told of one that has. */
void readers_change(struct sim *sim);

#endif
