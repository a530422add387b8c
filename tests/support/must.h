/* tests/support/must.h: memory for tests, where running out of it ends the test. */
#ifndef WSB_TESTS_SUPPORT_MUST_H
#define WSB_TESTS_SUPPORT_MUST_H

#include <stdlib.h>

static inline void *must_realloc(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);

	if (!memory)
		abort();
	return memory;
}

static inline void *must_calloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);

	if (!memory)
		abort();
	return memory;
}

#endif
