/* broker/cache/gdsf.h: the first of the two policies; called through policy.h. */
#ifndef WSB_BROKER_CACHE_GDSF_H
#define WSB_BROKER_CACHE_GDSF_H

#include "broker/cache/policy.h"

bool gdsf_add(struct policy *policy, uint32_t id, uint8_t memory);
void gdsf_remove(struct policy *policy, uint32_t id);
void gdsf_touch(struct policy *policy, uint32_t id);
/* The entry at that place of the heap, if there is one, is worth no more than it would be now. */
void gdsf_reweigh(struct policy *policy, uint32_t place);
void gdsf_weaken(struct policy *policy, uint32_t id);
void gdsf_sink(struct policy *policy, uint32_t id);
uint32_t gdsf_victim(struct policy *policy);
uint8_t gdsf_frequency(const struct policy *policy, uint32_t id, enum policy_leave how);

#endif
