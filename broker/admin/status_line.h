/* broker/admin/status_line.h: how the broker is, in one line, as service managers show it. Pure. */
#ifndef WSB_BROKER_ADMIN_STATUS_LINE_H
#define WSB_BROKER_ADMIN_STATUS_LINE_H

#include "broker/control/snapshot.h"
#include "common/strbuf.h"

/* "ok: 4 of 4 pools are ready, 12 clients", "degraded: pool main is paused; 3 of 4 ...",
 * "draining: 12 clients and 3 requests in flight are left". */
void status_line(const struct snapshot *snapshot, struct strbuf *out);

#endif
