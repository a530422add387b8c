/* broker/cache/s3fifo.h: the second of the two policies; called through policy.h. */
#ifndef WSB_BROKER_CACHE_S3FIFO_H
#define WSB_BROKER_CACHE_S3FIFO_H

#include "broker/cache/policy.h"

void s3fifo_add(struct policy *policy, uint32_t id, uint8_t memory);
void s3fifo_remove(struct policy *policy, uint32_t id);
void s3fifo_touch(struct policy *policy, uint32_t id);
void s3fifo_sink(struct policy *policy, uint32_t id);
uint32_t s3fifo_victim(struct policy *policy);
uint8_t s3fifo_frequency(const struct policy *policy, uint32_t id, enum policy_leave how);

#endif
