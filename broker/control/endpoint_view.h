/* broker/control/endpoint_view.h: one endpoint's picture at one moment. */
#ifndef WSB_BROKER_CONTROL_ENDPOINT_VIEW_H
#define WSB_BROKER_CONTROL_ENDPOINT_VIEW_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/pool/outlier.h"
#include "broker/pool/probe.h"

struct endpoint_view {
	const char *name;
	const char *state;  /* "active", "draining", "drained", "maint", "down", "standby",
			       "connecting", "ejected", "trial", "unhealthy" */
	const char *reason; /* of that state: an operator's words, or a stable word */
	uint32_t weight;
	uint32_t tier;
	uint32_t connections;
	uint32_t ready;
	uint32_t in_flight;
	uint64_t since_us;	/* how long it has been in this state */
	uint64_t since_wall_us; /* and since when, counted from 1970 */
	uint64_t dials;
	uint64_t dial_failures;
	uint64_t connections_lost;
	uint64_t requests;
	uint64_t failures;
	uint32_t unanswered;	/* attempts in a row, the last ones, that ended without an answer */
	uint64_t ping_rtt_us;	/* the longest of its connections' last ones; 0: none yet */
	const char *last_error; /* "" when there was none */
	/* Health. */
	bool well;	     /* neither ejected nor on trial, and its probes pass */
	bool silent;	     /* asked, and answers nothing while others do */
	bool held;	     /* fails, and max_ejected keeps it in use */
	const char *finding; /* what made it leave balancing; "" when nothing did */
	double share;	     /* of its full share of the traffic, 0..1 */
	uint32_t ramping;    /* ready connections that still come up to their share */
	double success;	     /* share of its attempts in the window; 1 when there were none */
	double rate;	     /* attempts that ended, a second, over the window */
	uint64_t out_us;     /* until it may be tried again; 0: it is not ejected */
	uint64_t p50_us;     /* of its answers lately; 0: there were none */
	uint64_t p99_us;
	uint64_t probe_rtt_us;		     /* of the last call; 0: none yet */
	uint64_t failures_by[FAILURE_KINDS]; /* since the start, by what went wrong */
	uint64_t ejections_by[FAILURE_KINDS];
	uint64_t ejections; /* in all */
	uint64_t probes[PROBE_RESULTS];
};

#endif
