/* broker/engine/picture_bus.h: the bus in a snapshot. */
#ifndef WSB_BROKER_ENGINE_PICTURE_BUS_H
#define WSB_BROKER_ENGINE_PICTURE_BUS_H

#include "broker/engine/state.h"

void picture_bus(const struct engine *engine, uint64_t now_us, struct bus_view *view);

/* This broker and those that it has heard of. */
size_t picture_broker_count(const struct engine *engine);
void picture_brokers(const struct engine *engine, uint64_t now_us, struct broker_view *views);

#endif
