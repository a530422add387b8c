/* tests/unit/control/sample.h: a snapshot made by hand, in which every number is another one. */
#ifndef WSB_TESTS_UNIT_CONTROL_SAMPLE_H
#define WSB_TESTS_UNIT_CONTROL_SAMPLE_H

#include "broker/control/operation.h"
#include "broker/control/snapshot.h"
#include "broker/pool/report.h"

/* Two pools: "main" with endpoints "a" (up) and "b" (down), and one whose name needs escapes, with
 * one endpoint on standby. */
struct sample {
	struct operations operations;
	struct report_stats reports;
	struct engine_stats engine;
	struct traffic_stats traffic[2];
	struct endpoint_view endpoints[3];
	struct pool_view pools[2];
	struct connection_view connections[2];
	struct snapshot snapshot;
};

void sample_init(struct sample *sample);

#endif
