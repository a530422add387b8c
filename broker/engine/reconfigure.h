/* broker/engine/reconfigure.h: an engine that runs gets another configuration. */
#ifndef WSB_BROKER_ENGINE_RECONFIGURE_H
#define WSB_BROKER_ENGINE_RECONFIGURE_H

#include "broker/engine/engine.h"

/* Obeys next from now on, and holds it; what is under way ends by the rules under which it began,
 * and the old configuration goes with the last of it. All or nothing: an error leaves everything
 * as it was. next must have the options of the present one that need a restart (see config_keep).
 * WSB_ENOMEM. WSB_EEXIST: a pool that is not named any more and has not ended yet would come back
 * as one of another kind.
 *
 * Pools are matched by their names. One that is not named any more gets nothing new, and goes when
 * what it has accepted has ended. Clients whose listener is gone get drain.code; those whose token
 * is not valid any more 1008. Everybody else notices nothing. actor: on whose word; NULL: the
 * broker's own. */
enum wsb_err engine_reconfigure(struct engine *engine, const struct config *next, const char *actor,
				uint64_t now_us) WSB_CHECKED;

#endif
