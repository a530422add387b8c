/* broker/pool/lease.h: the array that leases are given out from, for the pool's own files. */
#ifndef WSB_BROKER_POOL_LEASE_H
#define WSB_BROKER_POOL_LEASE_H

#include "broker/pool/pool.h"

/* Chooses the tier in use and, where it or the ready connections have changed, builds the array
 * anew. Allocates nothing. */
void pool_refresh_ready(struct pool *pool, uint64_t now_us);

#endif
