/* common/nearest.h: what somebody may have meant who wrote a word that nobody knows. */
#ifndef WSB_COMMON_NEAREST_H
#define WSB_COMMON_NEAREST_H

#include <stddef.h>
#include "common/span.h"
#include "common/strbuf.h"

#define NEAREST_WORD_MAX 64

/* The optimal string alignment distance: insertions, deletions, replacements and swaps of
 * neighbours that turn a into b. SIZE_MAX when either is longer than NEAREST_WORD_MAX. */
size_t nearest_distance(struct span a, struct span b);

/* Offer candidates one by one; best ends up as the nearest one that is near enough (a third of the
 * word, at least 1 step, at most 3), absent when none is. */
struct nearest {
	struct span word;
	struct span best;
	size_t distance;
};
void nearest_init(struct nearest *nearest, struct span word);
void nearest_offer(struct nearest *nearest, struct span candidate);
/* The same, where what is meant by the candidate is to be told by another text. */
void nearest_offer_as(struct nearest *nearest, struct span candidate, struct span told);

/* Appends " (did you mean “best”?)", or nothing where none is near enough. */
void nearest_suggest(const struct nearest *nearest, struct strbuf *out);

#endif
