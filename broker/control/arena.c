#include "broker/control/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#define BLOCK_BYTES ((size_t)16384)
#define ALIGN	    alignof(max_align_t)

struct block {
	struct block *next;
	size_t capacity;
	size_t used;
	alignas(max_align_t) char bytes[];
};

struct deferred {
	struct deferred *next;
	void (*release)(void *thing);
	void *thing;
};

struct arena {
	struct block *blocks; /* the first one has the room */
	struct deferred *deferred;
	bool failed;
};

enum wsb_err arena_create(struct arena **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? WSB_OK : WSB_ENOMEM;
}

void arena_destroy(struct arena *arena)
{
	if (!arena)
		return;
	for (struct deferred *deferred = arena->deferred; deferred; deferred = deferred->next)
		deferred->release(deferred->thing);
	while (arena->blocks) {
		struct block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	free(arena);
}

static struct block *add_block(struct arena *arena, size_t bytes)
{
	size_t capacity = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct block *block = malloc(sizeof(*block) + capacity);

	if (!block)
		return NULL;
	block->next = arena->blocks;
	block->capacity = capacity;
	block->used = 0;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	struct block *block = arena->blocks;
	size_t bytes;
	void *memory;

	if (arena->failed || __builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 4) {
		arena->failed = true;
		return NULL;
	}
	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (!block || block->capacity - block->used < bytes)
		block = add_block(arena, bytes);
	if (!block) {
		arena->failed = true;
		return NULL;
	}
	memory = block->bytes + block->used;
	block->used += bytes;
	return memset(memory, 0, bytes);
}

char *arena_text(struct arena *arena, struct span text)
{
	char *copy = arena_alloc(arena, 1, text.len + 1);

	if (copy && text.len > 0)
		memcpy(copy, text.at, text.len);
	return copy;
}

bool arena_defer(struct arena *arena, void (*release)(void *thing), void *thing)
{
	struct deferred *deferred;

	if (!thing)
		return true;
	deferred = arena_alloc(arena, 1, sizeof(*deferred));
	if (!deferred) {
		release(thing);
		return false;
	}
	*deferred = (struct deferred){.next = arena->deferred, .release = release, .thing = thing};
	arena->deferred = deferred;
	return true;
}

void arena_fail(struct arena *arena)
{
	arena->failed = true;
}

bool arena_failed(const struct arena *arena)
{
	return arena->failed;
}
