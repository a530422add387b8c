/* tests/unit/proto/exact.h: texts in memory of exactly their size, so that a sanitizer sees the
 * first byte that is read too far. */
#ifndef WSB_TESTS_UNIT_PROTO_EXACT_H
#define WSB_TESTS_UNIT_PROTO_EXACT_H

#include <stdlib.h>
#include <string.h>
#include "common/span.h"

static inline struct span exact_copy(struct span text)
{
	char *at = malloc(text.len > 0 ? text.len : 1);

	if (!at)
		abort();
	if (text.len > 0)
		memcpy(at, text.at, text.len);
	return span_of(at, text.len);
}

static inline void exact_free(struct span text)
{
	free((char *)text.at);
}

#endif
