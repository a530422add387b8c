/* broker/admin/origin.h: does a browser ask for a page of this very server? Pure. */
#ifndef WSB_BROKER_ADMIN_ORIGIN_H
#define WSB_BROKER_ADMIN_ORIGIN_H

#include <stdbool.h>
#include "common/span.h"

/* origin: the Origin header ("http://host:port", "null"); host: the Host header. True when both
 * name the same host and port; a port that is left out is the scheme's. */
bool origin_is_own(struct span origin, struct span host);

#endif
