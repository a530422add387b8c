/* broker/engine/foresee.h: what a client is likely to ask next is loaded beforehand, while the pool
 * has room and the budget lasts (see cache/prefetch.h). */
#ifndef WSB_BROKER_ENGINE_FORESEE_H
#define WSB_BROKER_ENGINE_FORESEE_H

#include "broker/engine/cached.h"

/* What it may take of cache.memory. */
uint64_t foresee_bytes(const struct config *config);
/* Begins or ends to learn, as the present configuration says. */
enum wsb_err foresee_configure(struct engine *engine) WSB_CHECKED;
void foresee_fini(struct engine *engine);

/* A client's request has been looked up: cached->key still holds its key. When it returns it holds
 * another one. */
void foresee_after(struct engine *engine, struct session *session, struct message *message,
		   uint64_t now_us);
/* A load that a client's request leads has been answered with a success. */
void foresee_answered(struct engine *engine, const struct exchange *exchange,
		      struct message *request, const struct message *answer, uint64_t now_us);

/* Call with each tick. */
void foresee_tick(struct engine *engine, uint64_t now_us);

/* A load has been sent: so much more may be guessed. */
void foresee_paid(struct engine *engine);

#endif
