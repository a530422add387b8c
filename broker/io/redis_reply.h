/* broker/io/redis_reply.h: hiredis' reader, told to make the plain values that the bus reads. */
#ifndef WSB_BROKER_IO_REDIS_REPLY_H
#define WSB_BROKER_IO_REDIS_REPLY_H

#include <hiredis/read.h>
#include "broker/journal/redis_value.h"

/* What is refused, as if memory had run out: no answer to what the bus asks is like that. */
#define REDIS_REPLY_ITEMS_MAX 65536
#define REDIS_REPLY_BYTES_MAX (64U << 20)

/* NULL: no memory. redisReaderFree frees it, and what it has begun. */
redisReader *redis_reply_reader(void);

/* Whole values that redisReaderGetReply gave. NULL is allowed. */
void redis_reply_free(void *value);

#endif
