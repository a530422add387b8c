/* common/cacheline.h: where in memory things stand that thousands of clients share a cache for. */
#ifndef WSB_COMMON_CACHELINE_H
#define WSB_COMMON_CACHELINE_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

/* Blank memory that begins with a line; free() gives it back. NULL: there is none. */
static inline void *cacheline_alloc(size_t bytes)
{
	size_t whole = (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	void *memory = whole >= bytes ? aligned_alloc(CACHE_LINE, whole) : NULL;

	return memory ? memset(memory, 0, whole) : NULL;
}

/* Asks for what is about to be written, so that it has come by then. Any address will do, NULL too,
 * so that it is a number here: no pointer may be counted on from NULL. */
static inline void cacheline_foresee(const void *at, size_t bytes)
{
	const uintptr_t first = (uintptr_t)at;

	for (size_t i = 0; i < bytes; i += CACHE_LINE)
		__builtin_prefetch((const void *)(first + i), 1);
}

#endif
