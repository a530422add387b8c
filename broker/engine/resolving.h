/* broker/engine/resolving.h: endpoints that stand for all addresses of a name (resolve.all). Such
 * an endpoint carries nothing itself; each address is an endpoint NAME@ADDRESS, which joins and
 * leaves as the name's addresses do. A look-up that fails changes nothing. */
#ifndef WSB_BROKER_ENGINE_RESOLVING_H
#define WSB_BROKER_ENGINE_RESOLVING_H

#include "broker/engine/state.h"

/* What an operator says of an address stays said, whatever later look-ups bring: one that is
 * removed stays away until it is made ready or added again, by its name and URL, or a reload
 * changes what it is an address of. Of other endpoints nothing is noted. WSB_ENOMEM. */
enum wsb_err resolving_removed(struct endpoint *endpoint) WSB_CHECKED;
void resolving_wanted(struct endpoint *endpoint);
/* True: what is to be added is an address that had been removed, and it has joined. The texts may
 * be NULL. */
bool resolving_add(struct engine *engine, struct pool *pool, const char *endpoint, const char *url,
		   uint64_t now_us);

/* Look-ups that are due, and addresses that have gone. Every tick. */
void resolving_upkeep(struct engine *engine, struct pool *pool, uint64_t now_us);

#endif
