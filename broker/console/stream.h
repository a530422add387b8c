/* broker/console/stream.h: a stream of events that goes on by itself when the broker comes back. */
#ifndef WSB_BROKER_CONSOLE_STREAM_H
#define WSB_BROKER_CONSOLE_STREAM_H

#include <stdbool.h>
#include "broker/console/client.h"
#include "broker/console/sse.h"

struct stream {
	struct client *client;
	const char *path; /* with its query */
	/* What event was handled last, as the broker names it: asked for from behind it. "": none
	 * yet. */
	char place[SSE_ID_MAX];
	/* Gets the data of each event; false: no more is wanted. */
	bool (*event)(void *context, struct span data);
	/* Everything up to this place has been handled; called after each event, and where the
	 * broker tells of a place without one. False: no more is wanted. NULL: nobody needs to
	 * know. */
	bool (*reached)(void *context, const char *place);
	void *context;
	/* Its own from here on. */
	struct sse sse;
	bool done; /* no more is wanted */
};

/* Returns the exit code: EXIT_DONE when no more was wanted, that of a complaint when the broker
 * cannot be reached to begin with, or refuses. */
int stream_follow(struct stream *stream);

#endif
