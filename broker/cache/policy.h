/* broker/cache/policy.h: who leaves when it is full. One interface, two policies:
 *
 * gdsf: an entry is worth L + priority x cost x frequency / size, L being what the last victim was
 * worth (Cherkasova, 1998). One that comes back begins with half the frequency it left with.
 * s3-fifo: newcomers pass a small queue; what was asked for again, or comes back, goes to the main
 * one (Yang et al., SOSP 2023). */
#ifndef WSB_BROKER_CACHE_POLICY_H
#define WSB_BROKER_CACHE_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/cache/budget.h"
#include "broker/cache/index.h"
#include "broker/cache/settings.h"

#define POLICY_QUEUES 3

enum policy_leave {
	POLICY_EVICTED,
	POLICY_GONE,	 /* expired or invalidated */
	POLICY_REPLACED, /* by a newer answer to the same key */
};

struct policy_queue {
	uint32_t head; /* the newest */
	uint32_t tail;
	uint32_t count;
	uint64_t bytes;
};

struct policy {
	enum cache_policy_kind kind;
	struct index *entries;
	struct budget *budget;
	bool by_recency; /* how often is of no account for now */
	/* gdsf: a heap, four children a node */
	struct chunks heap;
	uint32_t count;
	uint32_t inflation;
	uint32_t beats;	  /* arrivals and touches since the inflation last rose */
	uint32_t reweigh; /* places in the heap that are still to be weighed anew */
	double mean;	  /* of cost / size of what came lately; what values are measured by */
	/* s3-fifo */
	struct policy_queue queues[POLICY_QUEUES];
};

/* False: no memory; most: entries there will ever be. */
bool policy_init(struct policy *policy, enum cache_policy_kind kind, struct index *entries,
		 struct budget *budget, uint64_t most);
bool policy_reserve(struct policy *policy, uint64_t most);
void policy_fini(struct policy *policy);

/* What a policy of that kind takes for itself, before there are entries. */
size_t policy_needs(enum cache_policy_kind kind, uint64_t most);
/* Then so many can be added without memory. False: no memory. */
bool policy_prepare(struct policy *policy, uint32_t entries);

/* Whether to go by recency alone; what that changes for those who are here is done in slices. */
void policy_go_by(struct policy *policy, bool recency);
void policy_upkeep(struct policy *policy, uint32_t steps);

/* Whether it takes in anything so large: s3-fifo nothing that its small queue could not hold. */
bool policy_admits(const struct policy *policy, size_t bytes);
/* The entry is new, and is_prefetched, weight and cost are set. memory: the frequency that
 * policy_frequency gave when its key left, 0: it is not remembered. False: no memory. */
bool policy_add(struct policy *policy, uint32_t id, uint8_t memory);
void policy_remove(struct policy *policy, uint32_t id);
/* It takes more than before. */
void policy_grew(struct policy *policy, uint32_t id, size_t before);
/* It was asked for, and uses says so already. */
void policy_touch(struct policy *policy, uint32_t id);
/* It is idle now (entry.is_idle): its priority no longer counts. */
void policy_weaken(struct policy *policy, uint32_t id);
/* Nobody should be served it any more: it goes before all others. */
void policy_sink(struct policy *policy, uint32_t id);
/* Who leaves; INDEX_NONE: there is nobody. The caller removes it. */
uint32_t policy_victim(struct policy *policy);
/* What to remember of one that leaves that way; 0: nothing. */
uint8_t policy_frequency(const struct policy *policy, uint32_t id, enum policy_leave how);

#endif
