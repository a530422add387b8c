/* broker/console/await.h: waiting for what the broker is doing. */
#ifndef WSB_BROKER_CONSOLE_AWAIT_H
#define WSB_BROKER_CONSOLE_AWAIT_H

#include <stdint.h>
#include "broker/console/ask.h"
#include "broker/console/commands.h"

/* The answer to a change is an operation: shows it, and waits up to wait_us for its end, telling
 * how far it is. Returns the exit code. */
int await_operation(const struct invocation *invocation, struct answer *answer, uint64_t wait_us);

/* Waits up to timeout_us for a condition, see condition.h. Returns the exit code. */
int await_condition(const struct invocation *invocation, const char *condition,
		    uint64_t timeout_us);

/* The command `wait CONDITION`. */
int await_run(const struct invocation *invocation);

#endif
