/* broker/pool/dial.h: the pace of dialling, for the pool's own files. */
#ifndef WSB_BROKER_POOL_DIAL_H
#define WSB_BROKER_POOL_DIAL_H

#include "broker/pool/pool.h"

/* Fills the bucket that connect_rate is paced by. */
void pool_begin_pace(struct pool *pool, uint64_t now_us);

#endif
