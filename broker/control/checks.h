/* broker/control/checks.h: what no single option can say: names that must differ, things that need
 * or exclude each other, and the values that follow from others. */
#ifndef WSB_BROKER_CONTROL_CHECKS_H
#define WSB_BROKER_CONTROL_CHECKS_H

#include "broker/control/config.h"
#include "broker/control/document.h"

/* Gives those endpoints their names that the file gives none. */
void checks_name_endpoints(struct arena *arena, struct config *config);

/* Completes config (listeners and routes where there are none, pools of routes) whose endpoints
 * have their names, and complains of what does not fit together, at the node of document that says
 * so. document may be without a root. */
void checks_run(struct document *document, struct config *config);

/* Brings the size of a pool that follows its load between its bounds; one that an operator has set
 * may be below them. */
void checks_fit_size(struct pool_settings *pool);

#endif
