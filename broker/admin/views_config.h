/* broker/admin/views_config.h: the configuration as the JSON that the admin API promises. Each
 * returns a new reference, NULL when memory runs out. No secret is in any of them. */
#ifndef WSB_BROKER_ADMIN_VIEWS_CONFIG_H
#define WSB_BROKER_ADMIN_VIEWS_CONFIG_H

#include <jansson.h>
#include "broker/control/configuration.h"
#include "broker/control/inventory.h"
#include "broker/control/snapshot.h"
#include "common/span.h"

/* The values that query asks for; with a pattern also what each is for. pools tell the sizes that
 * follow the load. */
json_t *view_config(const struct configuration *configuration, const struct inventory_query *query,
		    const struct snapshot *pools);

/* How the file differs from what runs, and what to write into it. */
json_t *view_config_diff(const struct configuration *configuration);

/* What the latest step has changed, what it has left to a restart, and what stayed as it was
 * changed at runtime. */
json_t *view_step(const struct configuration *configuration);

#endif
