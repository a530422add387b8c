/* broker/engine/watch.h: what a client asked for with wsbroker.subscribe. */
#ifndef WSB_BROKER_ENGINE_WATCH_H
#define WSB_BROKER_ENGINE_WATCH_H

#include "broker/engine/settle.h"
#include "broker/engine/state.h"

#define WATCH_GLOBS_MAX 64

enum watch_channel {
	CHANNEL_PUSH,	       /* upstreams' messages that answer nothing */
	CHANNEL_INVALIDATIONS, /* see follow.h */
	CHANNELS,
};

/* One client's wish to hear of one channel. */
struct watch {
	struct list_node link;	      /* on the list of its channel */
	struct list_node client_link; /* on session->watches */
	struct session *session;
	const void *batch;    /* that its answer waits in; NULL: it has been sent */
	struct own_token own; /* its id */
	enum watch_channel channel;
	journal_cursor cursor; /* of invalidations: the next one for it */
	bool hole;	       /* and before it some may be missing, which it does not know yet */
	size_t bytes;
	size_t glob_count;   /* 0: all */
	struct span globs[]; /* of methods, or of tags; their bytes follow */
};

/* wsbroker.subscribe {channel: "push" | "invalidations", methods?|tags?: [glob], since?} and
 * wsbroker.unsubscribe. */
void watch_subscribe(struct engine *engine, const struct caller *caller,
		     const struct message *message);
void watch_unsubscribe(struct engine *engine, const struct caller *caller,
		       const struct message *message);
/* The batch with the answer has been sent: events may follow. */
void watch_batch_sent(struct session *session, const void *batch);
void watch_client_gone(struct engine *engine, struct session *session);

bool watch_wants(const struct watch *watch, struct span method);
/* An event, in the encoding of the watch's session, as a wsbroker.event. */
void watch_send(struct engine *engine, struct watch *watch, struct span event);

#endif
