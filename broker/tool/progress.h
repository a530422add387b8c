/* broker/tool/progress.h: what is happening, once a second, on the standard error: a line that
 * rewrites itself on a terminal, plain lines elsewhere. */
#ifndef WSB_BROKER_TOOL_PROGRESS_H
#define WSB_BROKER_TOOL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/tool/pace.h"
#include "broker/tool/tally.h"

struct progress {
	uint64_t shown_us; /* the last time */
	bool terminal;
	bool line_open; /* the cursor stands behind a line that may be rewritten */
	bool unsent_said;
};

void progress_start(struct progress *progress, uint64_t now_us);
/* Shows a line when a second has passed since the last. */
void progress_tick(struct progress *progress, struct tally *tally, const struct pace *pace,
		   uint64_t now_us);
/* Ends the open line. May be called without progress_start. */
void progress_end(struct progress *progress);

#endif
