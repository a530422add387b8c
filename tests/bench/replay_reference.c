#include "replay_reference.h"

#include <assert.h>
#include <stdlib.h>

#define NONE UINT32_MAX

struct lru {
	uint32_t *newer;
	uint32_t *older;
	bool *here;
	uint32_t newest;
	uint32_t oldest;
	uint64_t used;
};

static void *rows(size_t count, size_t size)
{
	void *row = calloc(count, size);

	assert(row);
	return row;
}

static uint64_t size_of(const struct trace *trace, uint32_t key)
{
	return trace->sizes ? trace->sizes[key] : 1;
}

static void leave(struct lru *lru, uint32_t key)
{
	if (lru->newer[key] != NONE)
		lru->older[lru->newer[key]] = lru->older[key];
	else
		lru->newest = lru->older[key];
	if (lru->older[key] != NONE)
		lru->newer[lru->older[key]] = lru->newer[key];
	else
		lru->oldest = lru->newer[key];
}

static void enter(struct lru *lru, uint32_t key)
{
	lru->newer[key] = NONE;
	lru->older[key] = lru->newest;
	if (lru->newest != NONE)
		lru->newer[lru->newest] = key;
	else
		lru->oldest = key;
	lru->newest = key;
}

uint64_t reference_lru(const struct trace *trace, uint64_t capacity)
{
	struct lru lru = {
		.newer = rows(trace->distinct, sizeof(*lru.newer)),
		.older = rows(trace->distinct, sizeof(*lru.older)),
		.here = rows(trace->distinct, sizeof(*lru.here)),
		.newest = NONE,
		.oldest = NONE,
	};
	uint64_t hits = 0;

	for (size_t i = 0; i < trace->count; i++) {
		uint32_t key = trace->keys[i];
		uint64_t size = size_of(trace, key);

		if (lru.here[key]) {
			hits++;
			leave(&lru, key);
			enter(&lru, key);
			continue;
		}
		if (size > capacity)
			continue;
		while (lru.used + size > capacity) {
			uint32_t victim = lru.oldest;

			leave(&lru, victim);
			lru.here[victim] = false;
			lru.used -= size_of(trace, victim);
		}
		enter(&lru, key);
		lru.here[key] = true;
		lru.used += size;
	}
	free(lru.newer);
	free(lru.older);
	free(lru.here);
	return hits;
}

/* A heap of (next use, key), the furthest on top; nodes that are no longer true are passed over. */
struct far {
	uint64_t next;
	uint32_t key;
};

static void push(struct far *heap, size_t *count, struct far node)
{
	size_t at = (*count)++;

	while (at > 0 && heap[(at - 1) / 2].next < node.next) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = node;
}

static struct far pop(struct far *heap, size_t *count)
{
	struct far top = heap[0];
	struct far last = heap[--*count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= *count)
			break;
		if (child + 1 < *count && heap[child + 1].next > heap[child].next)
			child++;
		if (heap[child].next <= last.next)
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = last;
	return top;
}

uint64_t reference_belady(const struct trace *trace, uint64_t capacity)
{
	uint64_t *next = rows(trace->count, sizeof(*next));
	uint64_t *due = rows(trace->distinct, sizeof(*due)); /* 0: not here; else next use + 1 */
	struct far *heap = rows(trace->count + 1, sizeof(*heap));
	size_t count = 0;
	uint64_t hits = 0, used = 0;

	for (uint32_t key = 0; key < trace->distinct; key++)
		due[key] = UINT64_MAX - 1;
	for (size_t i = trace->count; i-- > 0;) {
		next[i] = due[trace->keys[i]];
		due[trace->keys[i]] = i;
	}
	for (uint32_t key = 0; key < trace->distinct; key++)
		due[key] = 0;
	for (size_t i = 0; i < trace->count; i++) {
		uint32_t key = trace->keys[i];

		if (due[key] > 0) {
			hits++;
		} else if (used < capacity) {
			used++;
		} else {
			struct far top = pop(heap, &count);

			while (due[top.key] != top.next + 1)
				top = pop(heap, &count);
			due[top.key] = 0;
		}
		due[key] = next[i] + 1;
		push(heap, &count, (struct far){next[i], key});
	}
	free(next);
	free(due);
	free(heap);
	return hits;
}
