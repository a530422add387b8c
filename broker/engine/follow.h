/* broker/engine/follow.h: clients that follow the invalidations (see watch.h).
 *
 * Each has a place in the journal and takes from there what concerns it, as fast as it reads: a
 * replay of any length, and a burst, cost no more memory than a piece of it, and no more time at
 * once than journal_share allows. Who falls so far
 * behind that the journal has forgotten what comes next is cut as any slow reader. */
#ifndef WSB_BROKER_ENGINE_FOLLOW_H
#define WSB_BROKER_ENGINE_FOLLOW_H

#include "broker/engine/watch.h"

/* Where it begins. Absent: with what comes from now on. False: since means nothing. */
bool follow_from(struct engine *engine, struct watch *watch, struct span since);

/* Sends what there is; later call follow_all. */
void follow_one(struct engine *engine, struct watch *watch);
/* Something has been added to the journal. */
void follow_all(struct engine *engine);
/* Time has passed: more may be done for them. Followers who want more than there is time for fall
 * behind, and nobody else does. */
void follow_tick(struct engine *engine, uint64_t now_us);

#endif
