/* tests/fuzz/fuzz.h: what the fuzz targets share.
 *
 * A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput, a line in meson.build and a folder
 * seeds/NAME. It says what must hold with must(), which works in every build. */
#ifndef WSB_TESTS_FUZZ_FUZZ_H
#define WSB_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* The part, where there is one, lies within the whole. */
static inline void must_lie_within(struct span part, struct span whole)
{
	if (part.at)
		must(part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

#endif
