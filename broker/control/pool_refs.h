/* broker/control/pool_refs.h: who refers to which pool: routes, and the session listeners, which
 * want one for themselves. */
#ifndef WSB_BROKER_CONTROL_POOL_REFS_H
#define WSB_BROKER_CONTROL_POOL_REFS_H

#include <stdint.h>
#include "broker/control/config.h"
#include "broker/control/document.h"

/* Where what names no pool goes: the first that no session listener has; 0 when there is none. */
uint32_t pool_ref_default(const struct config *config);

/* Finds the pools of session listeners and marks them; complains of what such a pool cannot do, and
 * of listeners that are left without one. Pools must have been read and named. */
void pool_refs_check_listeners(struct document *document, struct config *config);

/* Finds the pool of a route. */
void pool_refs_check_route(struct document *document, const struct config *config,
			   yaml_node_t *entry, struct route_settings *route);

#endif
