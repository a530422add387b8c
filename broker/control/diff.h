/* broker/control/diff.h: what is different between two configurations, key by key, as the option
 * table knows them. */
#ifndef WSB_BROKER_CONTROL_DIFF_H
#define WSB_BROKER_CONTROL_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include "broker/control/config.h"
#include "broker/control/options.h"
#include "common/err.h"

struct config_change {
	const char *key;	     /* "pools.main.size", "routes[3].timeout", "pools.spare" */
	const struct option *option; /* NULL: an entry of a list has come or gone as a whole */
	const char *before;	     /* NULL: it was not there */
	const char *after;	     /* NULL: it is not there any more */
	bool restart;		     /* takes effect with the next start only */
};

struct config_diff {
	struct arena *arena; /* owns the texts */
	struct config_change *changes;
	size_t count;
	size_t capacity;
};

/* Pools and endpoints are matched by their names, listeners by their addresses, routes and steps of
 * a greeting by their places behind what is equal at the beginning and before what is equal at the
 * end. An entry that has come or gone is one change.
 * WSB_ENOMEM: nothing has to be given back. */
enum wsb_err config_diff_make(struct config_diff *out, const struct config *before,
			      const struct config *after) WSB_CHECKED;
void config_diff_fini(struct config_diff *diff);

/* How many of the changes need a restart. */
size_t config_diff_restarts(const struct config_diff *diff);

#endif
