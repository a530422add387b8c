/* broker/engine/autoscale.h: pools whose size follows their load. */
#ifndef WSB_BROKER_ENGINE_AUTOSCALE_H
#define WSB_BROKER_ENGINE_AUTOSCALE_H

#include "broker/engine/state.h"

/* Called each tick for each lane; does nothing where autoscale is off or an operator has pinned the
 * size. */
void autoscale_step(struct engine *engine, struct lane *lane, uint64_t now_us);

#endif
