/* broker/engine/bus.h: the engine's side of the bus on Redis: what it tells and what it is told. */
#ifndef WSB_BROKER_ENGINE_BUS_H
#define WSB_BROKER_ENGINE_BUS_H

#include "broker/engine/state.h"

/* Without a URL there is no bus: engine->bus stays NULL. After invalidate_init, whose source it
 * speaks under. */
enum wsb_err engine_bus_init(struct engine *engine) WSB_CHECKED;
void engine_bus_fini(struct engine *engine);
/* Another configuration is in force. */
void engine_bus_configure(struct engine *engine);

void engine_bus_tick(struct engine *engine, uint64_t now_us);

/* Whether what others invalidate is known at this moment: always, where nobody else is. */
enum bus_state engine_bus_state(const struct engine *engine, uint64_t now_us);

/* Whether own events are on their way into a log that takes them. */
bool engine_bus_owes(const struct engine *engine);

#endif
