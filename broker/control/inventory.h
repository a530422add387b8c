/* broker/control/inventory.h: every value of a running configuration: what it is, where it comes
 * from, and on whose word. */
#ifndef WSB_BROKER_CONTROL_INVENTORY_H
#define WSB_BROKER_CONTROL_INVENTORY_H

#include <stdbool.h>
#include "broker/control/configuration.h"
#include "broker/control/options.h"
#include "broker/control/setting.h"
#include "common/span.h"
#include "common/strbuf.h"

enum value_source {
	SOURCE_DEFAULT, /* the file does not say it */
	SOURCE_FILE,
	SOURCE_RUNTIME, /* an operator does */
	SOURCE_TUNER,
};

struct inventory_item {
	const char *key;
	const struct option *option; /* NULL: an endpoint of the file, removed at runtime */
	const struct config *config; /* the running one */
	const void *base;	     /* its struct that the option describes */
	const void *fallback;	     /* one with all defaults */
	enum value_source source;
	enum setting_way way;
	const struct override *override; /* who, when, why; NULL: nobody has changed it */
	const struct config *file;	 /* what the file alone says */
	const void *waiting; /* its struct, where its value waits for a restart; else NULL */
};

/* Which values: a configuration of thousands of routes has a hundred thousand of them, and who asks
 * for a few need not wait for all. */
struct inventory_query {
	struct span pattern; /* see inventory_asked; absent: all */
	size_t from;	     /* of these, so many are passed over */
	size_t count;	     /* and so many are visited; 0: all */
	size_t entries;	     /* of each list so many, and those that lead to near; 0: all */
	struct span near;
	bool changed; /* only what was changed at runtime */
};

/* Calls visit for each value that is asked for, in the order of the option table; what item points
 * to is valid during the call. WSB_ENOMEM. */
enum wsb_err inventory_walk(const struct configuration *configuration,
			    const struct inventory_query *query,
			    void (*visit)(void *context, const struct inventory_item *item),
			    void *context) WSB_CHECKED;

/* Whether key is what pattern asks for: a glob, or the beginning of a key up to a dot. */
bool inventory_asked(struct span pattern, struct span key);

/* Appends what may have been meant by a key that there is not: " (did you mean ...?)", or of a
 * section what is in it; nothing where nothing comes near. */
void inventory_suggest(const struct configuration *configuration, struct span key,
		       struct strbuf *out);

#endif
