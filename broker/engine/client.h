/* broker/engine/client.h: what goes out to a client, and how it is let go. */
#ifndef WSB_BROKER_ENGINE_CLIENT_H
#define WSB_BROKER_ENGINE_CLIENT_H

#include "broker/engine/state.h"

void client_send(struct engine *engine, struct session *session, enum encoding encoding,
		 const struct span *pieces, size_t count);
/* Answers an HTTP session, which ends with it. */
void client_send_status(struct engine *engine, struct session *session, int status,
			uint32_t retry_after_s, enum encoding encoding, struct span body);
void client_close(struct engine *engine, struct session *session, uint16_t code,
		  const char *reason);
/* One of its requests has been answered: it may be read again. */
void client_request_ended(struct engine *engine, struct session *session, uint64_t now_us);
/* Its line in the queue of this lane; NULL: no memory. */
struct fairparty *client_party(struct session *session, const struct lane *lane);
/* Frees those who have closed. */
void client_reap(struct engine *engine);

/* Its queued notifications stand on their own from now on: they have been accepted. */
void client_disown_notifications(struct session *session);

#endif
