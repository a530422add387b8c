#include "broker/cache/policy.h"

#include "broker/cache/gdsf.h"
#include "broker/cache/s3fifo.h"

#define CHUNK_BYTES ((size_t)INDEX_CHUNK * 2 * sizeof(uint32_t))

static uint32_t chunks_for(uint64_t entries)
{
	uint64_t limit = (UINT64_C(1) << 31) / INDEX_CHUNK;
	uint64_t count = entries / INDEX_CHUNK + 1;

	return (uint32_t)(count < limit ? count : limit);
}

bool policy_init(struct policy *policy, enum cache_policy_kind kind, struct index *entries,
		 struct budget *budget, uint64_t most)
{
	*policy = (struct policy){
		.kind = kind,
		.entries = entries,
		.budget = budget,
		.heap.bytes = CHUNK_BYTES,
	};
	for (uint32_t i = 0; i < POLICY_QUEUES; i++)
		policy->queues[i] = (struct policy_queue){INDEX_NONE, INDEX_NONE, 0, 0};
	return policy_reserve(policy, most);
}

bool policy_reserve(struct policy *policy, uint64_t most)
{
	if (policy->kind != CACHE_GDSF || !policy->budget)
		return true;
	return chunks_reserve(&policy->heap, policy->budget, chunks_for(most));
}

size_t policy_needs(enum cache_policy_kind kind, uint64_t most)
{
	return kind == CACHE_GDSF ? budget_cost(chunks_for(most) * sizeof(void *)) : 0;
}

bool policy_prepare(struct policy *policy, uint32_t entries)
{
	while (policy->kind == CACHE_GDSF && policy->heap.count < chunks_for(entries))
		if (!chunks_push(&policy->heap, policy->budget))
			return false;
	return true;
}

void policy_fini(struct policy *policy)
{
	if (policy->budget)
		chunks_fini(&policy->heap, policy->budget);
}

void policy_go_by(struct policy *policy, bool recency)
{
	if (policy->by_recency == recency)
		return;
	policy->by_recency = recency;
	policy->reweigh = recency && policy->kind == CACHE_GDSF ? policy->count : 0;
}

void policy_upkeep(struct policy *policy, uint32_t steps)
{
	for (; steps > 0 && policy->reweigh > 0; steps--)
		gdsf_reweigh(policy, --policy->reweigh);
}

bool policy_admits(const struct policy *policy, size_t bytes)
{
	return policy->kind == CACHE_GDSF || bytes <= policy->budget->limit / S3FIFO_SMALL_SHARE;
}

bool policy_add(struct policy *policy, uint32_t id, uint8_t memory)
{
	if (policy->kind == CACHE_GDSF)
		return gdsf_add(policy, id, memory);
	s3fifo_add(policy, id, memory);
	return true;
}

void policy_remove(struct policy *policy, uint32_t id)
{
	if (policy->kind == CACHE_GDSF)
		gdsf_remove(policy, id);
	else
		s3fifo_remove(policy, id);
}

void policy_grew(struct policy *policy, uint32_t id, size_t before)
{
	if (policy->kind == CACHE_GDSF)
		gdsf_weaken(policy, id);
	else
		s3fifo_grew(policy, id, before);
}

void policy_touch(struct policy *policy, uint32_t id)
{
	if (policy->kind == CACHE_GDSF)
		gdsf_touch(policy, id);
	else
		s3fifo_touch(policy, id);
}

void policy_weaken(struct policy *policy, uint32_t id)
{
	if (policy->kind == CACHE_GDSF)
		gdsf_weaken(policy, id);
}

void policy_sink(struct policy *policy, uint32_t id)
{
	if (policy->kind == CACHE_GDSF)
		gdsf_sink(policy, id);
	else
		s3fifo_sink(policy, id);
}

uint32_t policy_victim(struct policy *policy)
{
	return policy->kind == CACHE_GDSF ? gdsf_victim(policy) : s3fifo_victim(policy);
}

uint8_t policy_frequency(const struct policy *policy, uint32_t id, enum policy_leave how)
{
	return policy->kind == CACHE_GDSF ? gdsf_frequency(policy, id, how)
					  : s3fifo_frequency(policy, id, how);
}
