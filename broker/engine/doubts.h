/* broker/engine/doubts.h: writes that may still be done although nobody waits for them any more.
 *
 * What a route's `invalidate` names becomes untrue when the upstream does the write, and its answer
 * says when that was. A notification has no answer, and a request that has been given up may be
 * done later. Such a write is remembered, and what it names is invalidated again whenever something
 * is heard of it, and a last time after an hour. Where that concerns many at once it is done in
 * slices, one a tick. */
#ifndef WSB_BROKER_ENGINE_DOUBTS_H
#define WSB_BROKER_ENGINE_DOUBTS_H

#include "broker/engine/state.h"

struct doubt {
	struct list_node link;	       /* of all, the oldest first */
	struct list_node at_link;      /* of its connection */
	struct timer timer;	       /* when something is to be done about it next */
	struct connection *connection; /* NULL: it has ended */
	const struct config *config;   /* that the rule stands in; held */
	const struct invalidate_rule *rule;
	uint64_t id;	   /* as the upstream knows it; 0: a notification */
	uint64_t position; /* of that in the outbox */
	bool read;	   /* a pong has shown that */
	bool owed;	   /* that is still to be acted upon */
	uint64_t timeout_us;
	enum encoding encoding;
	size_t len;
	char text[];
};

void doubts_init(struct engine *engine);
void doubts_fini(struct engine *engine);

/* A notification is being sent: it invalidates now, again when a pong shows that it has been read,
 * and a last time when the time of its route has passed since. position: of its first byte. */
void doubts_notified(struct engine *engine, const struct exchange *exchange,
		     struct connection *connection, uint64_t position, uint64_t now_us);
/* A request ends: those of its attempts that are out may be answered yet. */
void doubts_ended(struct engine *engine, const struct exchange *exchange);

/* A late answer; or the pong to the latest ping; or the end of the connection. */
void doubts_answered(struct engine *engine, struct connection *connection, uint64_t id,
		     const struct message *answer, uint64_t now_us);
void doubts_ponged(struct engine *engine, struct connection *connection, uint64_t now_us);
void doubts_lost(struct engine *engine, struct connection *connection, uint64_t now_us);
/* Call with each tick. */
void doubts_tick(struct engine *engine, uint64_t now_us);

#endif
