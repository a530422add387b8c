/* broker/admin/bus_ailment.h: what is wrong with the bus, and what would mend it. Pure. */
#ifndef WSB_BROKER_ADMIN_BUS_AILMENT_H
#define WSB_BROKER_ADMIN_BUS_AILMENT_H

#include "broker/admin/verdict.h"
#include "broker/control/bus_view.h"

/* Answers from the cache may be older than they should be, or others may not hear of this broker.
 */
void bus_ailment_judge(const struct bus_view *bus, struct verdict *verdict);

#endif
