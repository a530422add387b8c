/* broker/engine/visitors.h: how much those have asked who come anew with each HTTP request.
 * A WebSocket client keeps its own count; these are told apart by token, or else by address. */
#ifndef WSB_BROKER_ENGINE_VISITORS_H
#define WSB_BROKER_ENGINE_VISITORS_H

#include <stdint.h>
#include "broker/session/quota.h"
#include "common/list.h"
#include "common/map.h"

struct visitors {
	struct map *known; /* name -> struct visitor; NULL until the first comes */
	struct list visitors;
	size_t count_max;
};

/* At most count_max are remembered; beyond it all are forgotten, which only gives them more. */
void visitors_init(struct visitors *visitors, size_t count_max);
void visitors_fini(struct visitors *visitors);

/* The quota of whoever goes by this name; NULL: no memory. Valid until the next call. */
struct quota *visitors_quota(struct visitors *visitors, const char *name, uint32_t per_second,
			     uint64_t now_us);

#endif
