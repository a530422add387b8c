/* broker/control/key.h: the name of one value of a configuration, as people write it:
 * "limits.clients", "pools.main.size", "pools.main.endpoints.node1.weight", "routes[2].timeout". */
#ifndef WSB_BROKER_CONTROL_KEY_H
#define WSB_BROKER_CONTROL_KEY_H

#include <stdbool.h>
#include "broker/control/config.h"
#include "broker/control/options.h"
#include "common/span.h"

/* Lists within lists. */
#define KEY_STEPS_MAX 2

/* What a key leads to. */
struct key_target {
	const struct option *option; /* of the value; of the list, when entry is set */
	void *base;		     /* the struct that option describes a member of */
	void *entry;		     /* the key names a whole entry of the list; NULL: a value */
	/* The entries that it stands in, from the innermost list outwards. */
	struct {
		const struct option *list;
		size_t position;
	} steps[KEY_STEPS_MAX];
	size_t step_count;
};

/* Names may hold dots; of several readings the first that leads somewhere counts. */
bool key_find(const struct config *config, struct span key, struct key_target *out);

/* Whether the key has the form of an endpoint's, "pools.POOL.endpoints.NAME", with a pool that is
 * there; the endpoint need not be. */
bool key_find_endpoint(const struct config *config, struct span key, struct pool_settings **pool,
		       struct span *name);

#endif
