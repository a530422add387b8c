/* broker/pool/lease.h: the array that leases are given out from, for the pool's own files. */
#ifndef WSB_BROKER_POOL_LEASE_H
#define WSB_BROKER_POOL_LEASE_H

#include "broker/pool/pool.h"

/* Chooses the tier in use, sees whether it is panic and, where one of these, the ready connections
 * or somebody's health has changed, builds the array anew. Allocates nothing. */
void pool_refresh_ready(struct pool *pool, uint64_t now_us);

/* Whether what is ready of this endpoint is in the array. */
bool pool_carries(const struct pool *pool, const struct endpoint *endpoint);

#endif
