/* broker/engine/upkeep.h: what each event and each tick leaves to be done. */
#ifndef WSB_BROKER_ENGINE_UPKEEP_H
#define WSB_BROKER_ENGINE_UPKEEP_H

#include "broker/engine/state.h"

/* The end of each event: who waits is served, memory is looked at, what has ended is freed. */
void engine_leave(struct engine *engine, uint64_t now_us);

#endif
