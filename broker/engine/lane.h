/* broker/engine/lane.h: the life of a lane: a pool and its queue. */
#ifndef WSB_BROKER_ENGINE_LANE_H
#define WSB_BROKER_ENGINE_LANE_H

#include "broker/engine/state.h"

/* For this pool of config, which is held. Dials nothing yet. WSB_ENOMEM. */
enum wsb_err lane_create(struct lane **out, struct engine *engine, const struct config *config,
			 size_t pool, uint64_t now_us) WSB_CHECKED;
/* NULL: there is none of this name; NULL is no name. */
struct lane *lane_named(const struct engine *engine, const char *name);
/* Its pool has got the settings of this pool of config. */
void lane_obey(struct lane *lane, const struct config *config, size_t pool, uint64_t now_us);
/* One that retires lets its connections go once nothing is queued or in flight. Returns whether
 * nothing is left of it. */
bool lane_retire(struct lane *lane, uint64_t now_us);
/* Nobody waits in it, and its connections have ended. NULL is allowed. */
void lane_destroy(struct lane *lane);

#endif
