/* common/glob.h: patterns for names: * any run, ? one character, \ takes the next literally. */
#ifndef WSB_COMMON_GLOB_H
#define WSB_COMMON_GLOB_H

#include <stdbool.h>
#include "common/span.h"

/* Bytewise, the whole text must match; time is linear in pattern x text at worst. */
bool glob_match(struct span pattern, struct span text);

/* Whether the pattern is the one text that it matches: it holds neither * ? nor \. */
bool glob_is_plain(struct span pattern);

/* The one text that the pattern matches, when it can match no other: the pattern itself, or with
 * its \ resolved in buf. Absent when it can match several, or needs more than size bytes. */
struct span glob_literal(struct span pattern, char *buf, size_t size);

#endif
