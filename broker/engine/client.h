/* broker/engine/client.h: what goes out to a client, and how it is let go. */
#ifndef WSB_BROKER_ENGINE_CLIENT_H
#define WSB_BROKER_ENGINE_CLIENT_H

#include "broker/engine/state.h"

/* One client's place in one pool. */
struct seat {
	struct seat *next; /* of the same client */
	struct lane *lane;
	struct fairparty party; /* its line in the queue */
	/* Where its messages go and who sits there beside it; NULL: nowhere yet, or each of them
	 * goes its own way (see affinity.h). */
	struct connection *connection;
	struct list_node link;
	uint32_t in_flight; /* what it has under way there */
	bool taken_before;  /* it has sat somewhere, so the next seat is another one */
};

void client_send(struct engine *engine, struct session *session, enum encoding encoding,
		 const struct span *pieces, size_t count);
/* Answers an HTTP session, which ends with it. */
void client_send_status(struct engine *engine, struct session *session, int status,
			uint32_t retry_after_s, enum encoding encoding, struct span body);
/* It does not read what it is sent: what has not begun to leave is dropped, and it is let go. */
void client_cut(struct engine *engine, struct session *session, const char *limit) WSB_RARE;
void client_close(struct engine *engine, struct session *session, uint16_t code,
		  const char *reason) WSB_RARE;
/* io holds so many bytes for a message of which only a part has come. */
void client_set_inflating(struct engine *engine, struct session *session, size_t bytes);
/* Parts with the client that holds most when too much is held for messages of which only a part has
 * come. */
void client_relieve(struct engine *engine);
/* One of its requests has been answered: it may be read again. */
void client_request_ended(struct engine *engine, struct session *session, uint64_t now_us);
/* Stops reading it, or goes on. */
void client_pause(struct engine *engine, struct session *session, bool paused, uint64_t now_us);
/* Its place in this lane; NULL: no memory. */
struct seat *client_seat(struct session *session, struct lane *lane);
/* This lane's places, where nobody waits or sits any more, are given up. */
void client_forget_lane(struct engine *engine, const struct lane *lane);
/* Frees those who have closed. */
void client_reap(struct engine *engine);

/* Its queued notifications stand on their own from now on: they have been accepted. */
void client_disown_notifications(struct session *session);

#endif
