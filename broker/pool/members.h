/* broker/pool/members.h: the endpoints of a pool: who joins, stands aside and leaves. For the
 * pool's own files; pool.h has what its owner calls. */
#ifndef WSB_BROKER_POOL_MEMBERS_H
#define WSB_BROKER_POOL_MEMBERS_H

#include "broker/pool/pool.h"

/* The endpoints of the settings join. WSB_ENOMEM. */
enum wsb_err members_init(struct pool *pool, uint64_t now_us) WSB_CHECKED;
void members_fini(struct pool *pool);

/* Room for so many more, so that they can be attached without fail. WSB_ENOMEM. */
enum wsb_err members_reserve(struct pool *pool, size_t more) WSB_CHECKED;
/* The endpoint belongs to the pool from now on; reason is a stable word. The caller then calls
 * pool_upkeep. */
void members_attach(struct pool *pool, struct endpoint *endpoint, const char *reason,
		    uint64_t now_us);

/* Forgets those that are to be removed and have no connection left. */
void members_reap(struct pool *pool, uint64_t now_us);

#endif
