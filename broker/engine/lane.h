/* broker/engine/lane.h: the life of a lane: a pool and its queue. */
#ifndef WSB_BROKER_ENGINE_LANE_H
#define WSB_BROKER_ENGINE_LANE_H

#include "broker/engine/state.h"

/* For this pool of config, which is held. Dials nothing yet. WSB_ENOMEM. */
enum wsb_err lane_create(struct lane **out, struct engine *engine, const struct config *config,
			 size_t pool, uint64_t now_us) WSB_CHECKED;
/* NULL: there is none of this name; NULL is no name. */
struct lane *lane_named(const struct engine *engine, const char *name);
/* Nobody waits in it, and its connections have ended. NULL is allowed. */
void lane_destroy(struct lane *lane);

#endif
