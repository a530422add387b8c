/* broker/engine/drain.h: the way out, see engine_drain. */
#ifndef WSB_BROKER_ENGINE_DRAIN_H
#define WSB_BROKER_ENGINE_DRAIN_H

#include "broker/engine/state.h"

/* Called each tick. */
void drain_step(struct engine *engine, uint64_t now_us);

#endif
