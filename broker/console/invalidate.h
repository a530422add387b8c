/* broker/console/invalidate.h: dropping what is not true any more, on all brokers. */
#ifndef WSB_BROKER_CONSOLE_INVALIDATE_H
#define WSB_BROKER_CONSOLE_INVALIDATE_H

#include "broker/console/commands.h"

int invalidate_run(const struct invocation *invocation);
int invalidate_flush(const struct invocation *invocation);

#endif
