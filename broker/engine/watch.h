/* broker/engine/watch.h: what a client asked for with wsbroker.subscribe. */
#ifndef WSB_BROKER_ENGINE_WATCH_H
#define WSB_BROKER_ENGINE_WATCH_H

#include "broker/engine/state.h"

#define WATCH_METHODS_MAX 64

/* One client's wish to hear pushes. */
struct watch {
	struct list_node link;	      /* on engine->pushes.watches */
	struct list_node client_link; /* on session->watches */
	struct session *session;
	const void *batch;    /* that its answer waits in; NULL: it has been sent */
	struct own_token own; /* its id */
	size_t bytes;
	size_t method_count;   /* 0: all */
	struct span methods[]; /* globs; their bytes follow */
};

bool watch_wants(const struct watch *watch, struct span method);
/* A push in the encoding of the watch's session, as a wsbroker.event. */
void watch_send(struct engine *engine, struct watch *watch, struct span push);

#endif
