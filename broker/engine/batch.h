/* broker/engine/batch.h: the members of an array, answered together, in their order. */
#ifndef WSB_BROKER_ENGINE_BATCH_H
#define WSB_BROKER_ENGINE_BATCH_H

#include "broker/engine/state.h"

struct batch {
	struct list_node link;	 /* on session->batches */
	struct session *session; /* NULL: the client has gone */
	enum encoding encoding;
	bool subscribes; /* events wait until it has been sent */
	uint32_t members;
	uint32_t open;		/* members without an answer yet */
	struct strbuf *answers; /* one for each member; empty: it gets none */
	struct strbuf behind;	/* what subscriptions that have ended have to say after it */
};

/* Opens a batch for the members of this message. It stays open until batch_release, however fast
 * its members are answered. NULL: no memory. */
struct batch *batch_create(struct session *session, const struct message *message);
/* Every member has been handed on. */
void batch_release(struct engine *engine, struct batch *batch);

/* One member has its answer; count 0: it gets none. The last one sends them all. */
void batch_answer(struct engine *engine, struct batch *batch, uint32_t slot,
		  const struct span *pieces, size_t count);

/* The client has gone: its batches end when their members do, and are sent to nobody. */
void batch_forget_client(struct session *session);

#endif
