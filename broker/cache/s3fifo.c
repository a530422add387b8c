#include "broker/cache/s3fifo.h"

#include "broker/cache/entry.h"

/* In entry.credit: the queue it is in, and how often it was asked for, up to 3. */
enum { SMALL, MAIN, SUNK };
#define QUEUE(credit)	     ((credit) >> 2)
#define FREQUENCY(credit)    ((credit)&3)
#define CREDIT(queue, count) ((queue) << 2 | (count))

/* In entry.place. */
#define NEWER 0
#define OLDER 1

static void enter(struct policy *policy, uint32_t id, uint32_t number, uint32_t frequency)
{
	struct entry *entry = entry_at(policy->entries, id);
	struct policy_queue *queue = &policy->queues[number];

	entry->credit = CREDIT(number, frequency) & 63;
	entry->place[NEWER] = INDEX_NONE;
	entry->place[OLDER] = queue->head;
	if (queue->head != INDEX_NONE)
		entry_at(policy->entries, queue->head)->place[NEWER] = id;
	else
		queue->tail = id;
	queue->head = id;
	queue->count++;
	queue->bytes += budget_cost_of(entry);
}

static void leave(struct policy *policy, uint32_t id)
{
	struct entry *entry = entry_at(policy->entries, id);
	struct policy_queue *queue = &policy->queues[QUEUE(entry->credit)];
	uint32_t newer = entry->place[NEWER];
	uint32_t older = entry->place[OLDER];

	if (newer != INDEX_NONE)
		entry_at(policy->entries, newer)->place[OLDER] = older;
	else
		queue->head = older;
	if (older != INDEX_NONE)
		entry_at(policy->entries, older)->place[NEWER] = newer;
	else
		queue->tail = newer;
	queue->count--;
	queue->bytes -= budget_cost_of(entry);
}

void s3fifo_add(struct policy *policy, uint32_t id, uint8_t memory)
{
	uint32_t weight = entry_at(policy->entries, id)->weight;

	policy->count++;
	/* The two upper priorities begin as if they had been asked for once and twice. */
	enter(policy, id, memory > 0 || policy->by_recency ? MAIN : SMALL,
	      weight > 1 ? weight - 1 : 0);
}

void s3fifo_remove(struct policy *policy, uint32_t id)
{
	policy->count--;
	leave(policy, id);
}

void s3fifo_grew(struct policy *policy, uint32_t id, size_t before)
{
	const struct entry *entry = entry_at(policy->entries, id);

	policy->queues[QUEUE(entry->credit)].bytes += budget_cost_of(entry) - before;
}

void s3fifo_touch(struct policy *policy, uint32_t id)
{
	struct entry *entry = entry_at(policy->entries, id);

	if (QUEUE(entry->credit) == SUNK || policy->by_recency) {
		leave(policy, id);
		enter(policy, id, MAIN, 0);
	} else if (FREQUENCY(entry->credit) < S3FIFO_FREQUENCY_MAX) {
		entry->credit++;
	}
}

void s3fifo_sink(struct policy *policy, uint32_t id)
{
	leave(policy, id);
	enter(policy, id, SUNK, 0);
}

/* What is found asked for moves on; each such move was paid for by a look or an arrival. */
static bool small_is_due(const struct policy *policy)
{
	const struct policy_queue *small = &policy->queues[SMALL];
	const struct policy_queue *main = &policy->queues[MAIN];

	if (small->count == 0)
		return false;
	return main->count == 0 || policy->by_recency ||
	       small->bytes > (small->bytes + main->bytes) / S3FIFO_SMALL_SHARE;
}

uint32_t s3fifo_victim(struct policy *policy)
{
	if (policy->queues[SUNK].count > 0)
		return policy->queues[SUNK].tail;
	while (policy->count > 0) {
		bool small = small_is_due(policy);
		uint32_t id = policy->queues[small ? SMALL : MAIN].tail;
		const struct entry *entry = entry_at(policy->entries, id);
		uint32_t frequency = FREQUENCY(entry->credit);

		if (frequency < (small ? S3FIFO_WANTED : 1))
			return id;
		leave(policy, id);
		enter(policy, id, MAIN, small ? 0 : frequency - 1);
	}
	return INDEX_NONE;
}

uint8_t s3fifo_frequency(const struct policy *policy, uint32_t id, enum policy_leave how)
{
	const struct entry *entry = entry_at(policy->entries, id);
	bool was_wanted = QUEUE(entry->credit) == MAIN || FREQUENCY(entry->credit) > 0;

	if (how == POLICY_EVICTED)
		return QUEUE(entry->credit) == SMALL;
	return was_wanted;
}
