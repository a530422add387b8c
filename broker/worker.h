/* broker/worker.h: one complete broker instance on one loop. */
#ifndef WSB_BROKER_WORKER_H
#define WSB_BROKER_WORKER_H

#include <stdio.h>
#include "broker/control/configuration.h"
#include "common/log.h"

/* Runs until it has drained after a SIGTERM or SIGINT, or a second one ends it at once. What it
 * serves is told on out, what keeps it from starting on the standard error. Returns the process's
 * exit code: 0 drained, 1 could not start or was cut short. Borrows both. */
int worker_run(struct configuration *configuration, struct log *log, FILE *out);

#endif
