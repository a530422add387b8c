/* broker/cache/budget.h: every byte the cache allocates, and the bound that none may pass.
 *
 * What a piece costs is what the allocator spends on it: its usable size and the word in front.
 * What the allocator keeps of freed memory for later is not known here and not counted. */
#ifndef WSB_BROKER_CACHE_BUDGET_H
#define WSB_BROKER_CACHE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
	uint64_t limit;
	uint64_t used;
};

/* The most that a piece of so many bytes will cost. */
size_t budget_cost(size_t size);
/* What a piece that was taken costs. */
size_t budget_cost_of(const void *piece);

/* NULL: the bound would be passed, or there is no memory. */
void *budget_take(struct budget *budget, size_t size);
void budget_give(struct budget *budget, void *piece); /* NULL is allowed */

/* A row of pieces of one size: it grows and shrinks at its end without moving what is in it. */
struct chunks {
	void **at;
	uint32_t count;
	uint32_t capacity;
	size_t bytes; /* of each */
};

/* Room for the addresses of so many pieces, or of those there are, is taken at once, so that
 * growing needs no more than the pieces. False: no memory; then it is as it was. */
bool chunks_reserve(struct chunks *chunks, struct budget *budget, uint32_t capacity);
bool chunks_push(struct chunks *chunks, struct budget *budget);
void chunks_pop(struct chunks *chunks, struct budget *budget);
void chunks_fini(struct chunks *chunks, struct budget *budget);

#endif
