/* broker/admin/verdict.h: is all well, and if not, why: what `status` begins with. Pure. */
#ifndef WSB_BROKER_ADMIN_VERDICT_H
#define WSB_BROKER_ADMIN_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include "broker/control/snapshot.h"

enum verdict_kind {
	VERDICT_OK,
	VERDICT_DEGRADED, /* requests are answered, but something wants attention */
	VERDICT_DOWN,	  /* no pool has a connection that could carry a request */
	VERDICT_DRAINING, /* shutting down, as asked */
};

/* Only the worst are kept: a list that nobody reads to its end helps nobody. */
#define VERDICT_REASONS_MAX 16

#define VERDICT_COMMAND_MAX 512

struct verdict_reason {
	unsigned int severity; /* higher is worse */
	char text[512];
	char command[VERDICT_COMMAND_MAX]; /* acts on it, or shows why it is so */
};

struct verdict {
	enum verdict_kind kind;
	struct verdict_reason reasons[VERDICT_REASONS_MAX]; /* worst first */
	size_t count;
};

const char *verdict_name(enum verdict_kind kind); /* "ok", "degraded", "down", "draining" */

/* The pool could carry a request, or a session listener's client. */
bool verdict_can_serve(const struct pool_view *pool);

void verdict_reach(const struct snapshot *snapshot, struct verdict *out);

#endif
