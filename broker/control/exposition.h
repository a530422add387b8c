/* broker/control/exposition.h: a snapshot as Prometheus text (exposition format 0.0.4). */
#ifndef WSB_BROKER_CONTROL_EXPOSITION_H
#define WSB_BROKER_CONTROL_EXPOSITION_H

#include "broker/control/snapshot.h"
#include "common/strbuf.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

void exposition_write(const struct snapshot *snapshot, struct strbuf *out);

#endif
