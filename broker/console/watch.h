/* broker/console/watch.h: `wsbroker watch`: the invalidations, as they happen. */
#ifndef WSB_BROKER_CONSOLE_WATCH_H
#define WSB_BROKER_CONSOLE_WATCH_H

#include "broker/console/commands.h"

int watch_run(const struct invocation *invocation);

#endif
