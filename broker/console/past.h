/* broker/console/past.h: the commands that show what has happened. */
#ifndef WSB_BROKER_CONSOLE_PAST_H
#define WSB_BROKER_CONSOLE_PAST_H

#include "broker/console/commands.h"

int past_events(const struct invocation *invocation);
int past_requests(const struct invocation *invocation);
int past_operations(const struct invocation *invocation);

#endif
