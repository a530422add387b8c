/* tests/sim/operator.h: somebody who changes what runs. */
#ifndef WSB_TESTS_SIM_OPERATOR_H
#define WSB_TESTS_SIM_OPERATOR_H

#include "tests/sim/sim.h"

/* One command at random, and when the next one comes. */
void operator_act(struct sim *sim);
/* The last ones: all resume and serve, and get a size that is to be exact once all is at rest. */
void operator_ends(struct sim *sim);
/* What must hold after every event. */
void operator_check(struct sim *sim, const struct lane *lane);
/* And once all is at rest. */
void operator_check_sizes(struct sim *sim);

#endif
