/* common/glob.h: patterns for names: * any run, ? one character, \ takes the next literally. */
#ifndef WSB_COMMON_GLOB_H
#define WSB_COMMON_GLOB_H

#include <stdbool.h>
#include "common/span.h"

/* Bytewise, the whole text must match; time is linear in pattern x text at worst. */
bool glob_match(struct span pattern, struct span text);

#endif
