/* broker/control/cache_checks.h: what routes and push rules say of the cache. */
#ifndef WSB_BROKER_CONTROL_CACHE_CHECKS_H
#define WSB_BROKER_CONTROL_CACHE_CHECKS_H

#include "broker/control/config.h"
#include "broker/control/document.h"

/* Takes from the strategy what a cached route does not say itself, and complains of paths,
 * templates and combinations that mean nothing. Routes have got their actions already. document may
 * be without a root. */
void cache_checks_run(struct document *document, struct config *config);

#endif
