/* tests/sim/visitors.h: the clients of a session listener. */
#ifndef WSB_TESTS_SIM_VISITORS_H
#define WSB_TESTS_SIM_VISITORS_H

#include "tests/sim/sim.h"

/* Adds the listener and its pool. */
void visitors_plan(struct sim *sim);
void visitor_step(struct sim *sim, struct sim_visitor *visitor);
void visitors_leave(struct sim *sim);
void visitors_check(struct sim *sim);

#endif
