#include "broker/cache/budget.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* From this size on the allocator may take whole pages, with two words in front. */
#define LARGE_BYTES ((size_t)128 * 1024)
#define WORD	    sizeof(size_t)
#define PAGE	    ((size_t)4096)

size_t budget_cost(size_t size)
{
	if (size >= LARGE_BYTES)
		return (size + 2 * WORD + PAGE - 1) / PAGE * PAGE;
	/* Rounded up to two words, and two more where what would be left is too small to keep. */
	return (size + WORD + 4 * WORD - 1) / (2 * WORD) * (2 * WORD);
}

size_t budget_cost_of(const void *piece)
{
	size_t usable = malloc_usable_size((void *)piece);

	return usable + (usable >= LARGE_BYTES ? 2 * WORD : WORD);
}

void *budget_take(struct budget *budget, size_t size)
{
	void *piece;

	if (budget->used > budget->limit || budget_cost(size) > budget->limit - budget->used)
		return NULL;
	piece = malloc(size);
	if (!piece)
		return NULL;
	budget->used += budget_cost_of(piece);
	if (budget->used > budget->limit) {
		budget_give(budget, piece);
		return NULL;
	}
	return piece;
}

void budget_give(struct budget *budget, void *piece)
{
	size_t cost;

	if (!piece)
		return;
	cost = budget_cost_of(piece);
	assert(budget->used >= cost);
	budget->used -= cost;
	free(piece);
}

bool chunks_reserve(struct chunks *chunks, struct budget *budget, uint32_t capacity)
{
	void **at;

	if (capacity < chunks->count)
		capacity = chunks->count;
	if (capacity == chunks->capacity)
		return true;
	at = budget_take(budget, capacity * sizeof(*at));
	if (!at)
		return false;
	if (chunks->count > 0)
		memcpy(at, chunks->at, chunks->count * sizeof(*at));
	budget_give(budget, chunks->at);
	chunks->at = at;
	chunks->capacity = capacity;
	return true;
}

bool chunks_push(struct chunks *chunks, struct budget *budget)
{
	void *piece;

	if (chunks->count == chunks->capacity)
		return false;
	piece = budget_take(budget, chunks->bytes);
	if (!piece)
		return false;
	chunks->at[chunks->count++] = piece;
	return true;
}

void chunks_pop(struct chunks *chunks, struct budget *budget)
{
	assert(chunks->count > 0);
	budget_give(budget, chunks->at[--chunks->count]);
}

void chunks_fini(struct chunks *chunks, struct budget *budget)
{
	while (chunks->count > 0)
		chunks_pop(chunks, budget);
	budget_give(budget, chunks->at);
	*chunks = (struct chunks){.bytes = chunks->bytes};
}
