/* broker/tool/report.h: what was measured, as text for people and as JSON for programs. Pure. */
#ifndef WSB_BROKER_TOOL_REPORT_H
#define WSB_BROKER_TOOL_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/tool/tally.h"
#include "common/strbuf.h"

/* What was asked for, and how long it was measured. */
struct report {
	const struct tally *tally;
	const char *method;
	uint64_t connections;
	uint64_t depth;
	double rate; /* 0: closed loop */
	uint64_t measured_us;
};

/* One JSON object on one line; its names are public. */
void report_json(const struct report *report, struct strbuf *out);

/* Several lines. */
void report_text(const struct report *report, struct strbuf *out);

/* One line without its end: what happened since the tally's recent part was reset, in elapsed_us;
 * after_us since the start. */
void report_progress(const struct tally *tally, bool warming, uint64_t after_us,
		     uint64_t elapsed_us, struct strbuf *out);

#endif
