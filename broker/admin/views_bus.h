/* broker/admin/views_bus.h: the bus and the brokers on it as JSON. Each returns a new reference,
 * NULL when memory runs out. */
#ifndef WSB_BROKER_ADMIN_VIEWS_BUS_H
#define WSB_BROKER_ADMIN_VIEWS_BUS_H

#include <jansson.h>
#include "broker/control/snapshot.h"

json_t *view_bus(const struct bus_view *bus);
json_t *view_brokers(const struct snapshot *snapshot);

#endif
