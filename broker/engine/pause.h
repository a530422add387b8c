/* broker/engine/pause.h: a pool that takes requests and sends none (pool pause). */
#ifndef WSB_BROKER_ENGINE_PAUSE_H
#define WSB_BROKER_ENGINE_PAUSE_H

#include "broker/engine/state.h"

/* New requests wait in the queue; what is in flight goes on. Nothing when it is paused already. */
void pause_begin(struct lane *lane, uint64_t now_us);
/* Those who wait are served, and have as much of the queue's patience left as when the pause began.
 * Nothing when it is not paused. reason: a stable word. */
void pause_end(struct engine *engine, struct lane *lane, const char *reason, uint64_t now_us);

/* A look at one who waits is due. True: it is not to expire, since age does not count now; the next
 * look is armed. */
bool pause_prolongs(struct engine *engine, struct exchange *exchange, uint64_t now_us);

#endif
