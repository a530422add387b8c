/* broker/cache/s3fifo.h: the second of the two policies; called through policy.h. */
#ifndef WSB_BROKER_CACHE_S3FIFO_H
#define WSB_BROKER_CACHE_S3FIFO_H

#include "broker/cache/policy.h"

/* Of all bytes, the small queue has a tenth. */
#define S3FIFO_SMALL_SHARE 10
/* Who was asked for so often in it moves on; it is not counted further than that. */
#define S3FIFO_WANTED	     2
#define S3FIFO_FREQUENCY_MAX 3

void s3fifo_add(struct policy *policy, uint32_t id, uint8_t memory);
void s3fifo_remove(struct policy *policy, uint32_t id);
void s3fifo_grew(struct policy *policy, uint32_t id, size_t before);
void s3fifo_touch(struct policy *policy, uint32_t id);
void s3fifo_sink(struct policy *policy, uint32_t id);
uint32_t s3fifo_victim(struct policy *policy);
uint8_t s3fifo_frequency(const struct policy *policy, uint32_t id, enum policy_leave how);

#endif
