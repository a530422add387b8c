/* broker/io/lookups.h: names looked up for the engine. */
#ifndef WSB_BROKER_IO_LOOKUPS_H
#define WSB_BROKER_IO_LOOKUPS_H

#include "broker/engine/engine.h"
#include "broker/io/resolver.h"
#include "common/list.h"

struct lookups {
	struct list under_way;
	uv_loop_t *uv;
	struct engine *engine; /* told of the answers */
};

void lookups_init(struct lookups *lookups, uv_loop_t *uv);
/* Ends in engine_resolved, unless it cannot begin or lookups_end comes first. */
void lookups_ask(struct lookups *lookups, uint64_t look_up, const char *host);
/* Nobody is told any more. */
void lookups_end(struct lookups *lookups);

#endif
