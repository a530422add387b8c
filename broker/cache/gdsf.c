#include "broker/cache/gdsf.h"

#include "broker/cache/entry.h"
#include "broker/cache/ghost.h"

/* Values are 32-bit numbers that go round, measured so that the average newcomer is worth UNIT more
 * than the last victim and nobody more than SPAN: all that are here lie within half the circle, so
 * the sign of a difference orders them for ever. */
#define UNIT 65536.0
#define SPAN (UINT32_C(1) << 30)

#define CHILDREN 4
#define PLACE	 0 /* in entry.place: where in the heap it is */

/* How fast the average follows. */
#define MEAN_SHARE (1.0 / 1024)

struct node {
	uint32_t value;
	uint32_t id;
};

static struct node *node_at(const struct policy *policy, uint32_t place)
{
	return (struct node *)policy->heap.at[place / INDEX_CHUNK] + place % INDEX_CHUNK;
}

static bool is_less(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static void put(struct policy *policy, uint32_t place, struct node node)
{
	*node_at(policy, place) = node;
	entry_at(policy->entries, node.id)->place[PLACE] = place;
}

static void rise(struct policy *policy, uint32_t place, struct node node)
{
	while (place > 0) {
		uint32_t parent = (place - 1) / CHILDREN;
		struct node above = *node_at(policy, parent);

		if (!is_less(node.value, above.value))
			break;
		put(policy, place, above);
		place = parent;
	}
	put(policy, place, node);
}

/* Most are leaves, for which this is one comparison. */
static void fall(struct policy *policy, uint32_t place, struct node node)
{
	for (;;) {
		uint32_t child = place * CHILDREN + 1;
		uint32_t end = child + CHILDREN < policy->count ? child + CHILDREN : policy->count;
		struct node least = node;
		uint32_t at = place;

		for (; child < end; child++) {
			struct node below = *node_at(policy, child);

			if (is_less(below.value, least.value)) {
				least = below;
				at = child;
			}
		}
		if (at == place)
			break;
		put(policy, place, least);
		place = at;
	}
	put(policy, place, node);
}

/* Twice the frequency: what was fetched on a guess and never asked for counts half. */
static uint32_t doubled_frequency(const struct entry *entry)
{
	uint32_t uses = entry->uses + (uint32_t)entry->credit;

	return entry->is_prefetched && entry->uses == 0 ? 1 + 2 * (uint32_t)entry->credit
							: 2 * (1 + uses);
}

static double cost_by_size(const struct entry *entry)
{
	return (double)number_unpack(entry->cost) / (double)budget_cost_of(entry);
}

/* Among those of one worth and one inflation the later one is worth a little more; without it all
 * that were asked for between two rises were equal, and chance decided. */
static double lateness(const struct policy *policy)
{
	double most = 4.0 * policy->count + 1;

	return policy->beats < most ? policy->beats / most : 1;
}

static uint32_t value_of(const struct policy *policy, const struct entry *entry)
{
	double worth = cost_by_size(entry) / policy->mean * UNIT;

	if (policy->by_recency)
		worth *= 1 + lateness(policy);
	else
		worth *= doubled_frequency(entry) / 2.0;
	if (!entry->is_idle)
		worth *= (double)(1u << entry->weight);
	if (worth < 1)
		worth = 1;
	if (worth > SPAN)
		worth = SPAN;
	return policy->inflation + (uint32_t)worth;
}

bool gdsf_add(struct policy *policy, uint32_t id, uint8_t memory)
{
	struct entry *entry = entry_at(policy->entries, id);
	double measure = cost_by_size(entry);

	if (policy->count == (uint64_t)policy->heap.count * INDEX_CHUNK &&
	    !chunks_push(&policy->heap, policy->budget))
		return false;
	entry->credit = memory / 2u & GHOST_FREQUENCY_MAX;
	if (policy->mean == 0)
		policy->mean = measure;
	policy->mean += (measure - policy->mean) * MEAN_SHARE;
	policy->count++;
	policy->beats++;
	rise(policy, policy->count - 1, (struct node){value_of(policy, entry), id});
	return true;
}

void gdsf_remove(struct policy *policy, uint32_t id)
{
	uint32_t place = entry_at(policy->entries, id)->place[PLACE];
	struct node last = *node_at(policy, policy->count - 1);

	policy->count--;
	if (place < policy->count) {
		rise(policy, place, last);
		fall(policy, entry_at(policy->entries, last.id)->place[PLACE], last);
	}
	if (policy->count + 2 * INDEX_CHUNK <= (uint64_t)policy->heap.count * INDEX_CHUNK)
		chunks_pop(&policy->heap, policy->budget);
}

void gdsf_touch(struct policy *policy, uint32_t id)
{
	const struct entry *entry = entry_at(policy->entries, id);
	uint32_t place = entry->place[PLACE];
	uint32_t value = value_of(policy, entry);

	policy->beats++;
	/* It may be worth less for all its use: an idle one has lost its priority. */
	if (is_less(node_at(policy, place)->value, value))
		fall(policy, place, (struct node){value, id});
	else
		rise(policy, place, (struct node){value, id});
}

void gdsf_weaken(struct policy *policy, uint32_t id)
{
	const struct entry *entry = entry_at(policy->entries, id);
	uint32_t value = value_of(policy, entry);

	if (is_less(value, node_at(policy, entry->place[PLACE])->value))
		rise(policy, entry->place[PLACE], (struct node){value, id});
}

void gdsf_reweigh(struct policy *policy, uint32_t place)
{
	if (place < policy->count)
		gdsf_weaken(policy, node_at(policy, place)->id);
}

void gdsf_sink(struct policy *policy, uint32_t id)
{
	rise(policy, entry_at(policy->entries, id)->place[PLACE],
	     (struct node){policy->inflation, id});
}

uint32_t gdsf_victim(struct policy *policy)
{
	if (policy->count == 0)
		return INDEX_NONE;
	if (policy->inflation != node_at(policy, 0)->value)
		policy->beats = 0;
	policy->inflation = node_at(policy, 0)->value;
	return node_at(policy, 0)->id;
}

uint8_t gdsf_frequency(const struct policy *policy, uint32_t id, enum policy_leave how)
{
	const struct entry *entry = entry_at(policy->entries, id);
	uint32_t frequency = doubled_frequency(entry) / 2;

	if (frequency > GHOST_FREQUENCY_MAX)
		frequency = GHOST_FREQUENCY_MAX;
	/* A newer answer takes over all of it, where one that comes back has half. */
	return (uint8_t)(how == POLICY_REPLACED ? 2 * frequency : frequency);
}
