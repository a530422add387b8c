/* broker/console/sse.h: Server-Sent Events, read from pieces of any slicing. Pure. */
#ifndef WSB_BROKER_CONSOLE_SSE_H
#define WSB_BROKER_CONSOLE_SSE_H

#include <stdbool.h>
#include "common/span.h"
#include "common/strbuf.h"

#define SSE_ID_MAX 64

struct sse {
	/* Gets the data of each event; false: no more is wanted. */
	bool (*event)(void *context, struct span data);
	void *context;
	char id[SSE_ID_MAX]; /* of the last event that was handed on; "": none yet */
	char next_id[SSE_ID_MAX];
	struct strbuf line;
	struct strbuf data;
};

void sse_init(struct sse *sse, bool (*event)(void *context, struct span data), void *context);
void sse_fini(struct sse *sse);

/* The connection begins anew: what was left unfinished of the old one is forgotten. */
void sse_restart(struct sse *sse);

/* False: event said so, or memory ran out. */
bool sse_take(struct sse *sse, struct span piece);

#endif
