/* broker/engine/resolving.h: endpoints that stand for all addresses of a name (resolve.all). Such
 * an endpoint carries nothing itself; each address is an endpoint NAME@ADDRESS, which joins and
 * leaves as the name's addresses do. A look-up that fails changes nothing. */
#ifndef WSB_BROKER_ENGINE_RESOLVING_H
#define WSB_BROKER_ENGINE_RESOLVING_H

#include "broker/engine/state.h"

/* Look-ups that are due, and addresses that have gone. Every tick. */
void resolving_upkeep(struct engine *engine, struct pool *pool, uint64_t now_us);

#endif
