/* broker/engine/batch.h: a batch under way, see batch.c. */
#ifndef WSB_BROKER_ENGINE_BATCH_H
#define WSB_BROKER_ENGINE_BATCH_H

#include <stdint.h>
#include "broker/session/session.h"
#include "common/list.h"
#include "common/strbuf.h"

struct batch {
	struct list_node link;	 /* on session->batches */
	struct session *session; /* NULL: the client has gone */
	enum encoding encoding;
	uint32_t members;
	uint32_t open;		/* members without an answer yet */
	struct strbuf *answers; /* one for each member; empty: it gets none */
};

/* The client has gone: its batches end when their members do, and are sent to nobody. */
void batch_forget_client(struct session *session);

#endif
