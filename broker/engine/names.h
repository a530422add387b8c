/* broker/engine/names.h: the names of those who have come, kept for as long as the engine: a client
 * may outlive the configuration that knew its token. There are as few as there are tokens. */
#ifndef WSB_BROKER_ENGINE_NAMES_H
#define WSB_BROKER_ENGINE_NAMES_H

#include <stdint.h>
#include "common/list.h"
#include "common/map.h"

struct names {
	struct map *known; /* NULL until the first is kept */
	struct list names;
};

void names_init(struct names *names);
void names_fini(struct names *names);

/* The one copy of this name; equal names give the same. NULL: no memory. */
const char *names_keep(struct names *names, const char *name);

#endif
