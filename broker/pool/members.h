/* broker/pool/members.h: the endpoints of a pool: who joins, stands aside and leaves. For the
 * pool's own files; pool.h has what its owner calls. */
#ifndef WSB_BROKER_POOL_MEMBERS_H
#define WSB_BROKER_POOL_MEMBERS_H

#include "broker/pool/pool.h"

/* The endpoints of the settings join. WSB_ENOMEM. */
enum wsb_err members_init(struct pool *pool, uint64_t now_us) WSB_CHECKED;
void members_fini(struct pool *pool);

/* Forgets those that are to be removed and have no connection left. */
void members_reap(struct pool *pool, uint64_t now_us);

#endif
