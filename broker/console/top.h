/* broker/console/top.h: the command `top`: the whole broker on one screen. */
#ifndef WSB_BROKER_CONSOLE_TOP_H
#define WSB_BROKER_CONSOLE_TOP_H

#include "broker/console/commands.h"

int top_run(const struct invocation *invocation);

#endif
