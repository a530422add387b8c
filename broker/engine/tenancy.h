/* broker/engine/tenancy.h: what another configuration means for the clients that are there. */
#ifndef WSB_BROKER_ENGINE_TENANCY_H
#define WSB_BROKER_ENGINE_TENANCY_H

#include "broker/engine/state.h"

/* To be called once engine->config is the new one: finds each client's listener anew, closes those
 * who would not be let in any more, and puts the others under the new limits. */
void tenancy_review(struct engine *engine, const struct config *before, uint64_t now_us);

#endif
