/* broker/console/cache.h: the commands about the cache. */
#ifndef WSB_BROKER_CONSOLE_CACHE_H
#define WSB_BROKER_CONSOLE_CACHE_H

#include "broker/console/commands.h"

int cache_stats(const struct invocation *invocation);
int cache_get(const struct invocation *invocation);

#endif
