/* broker/route/text_set.h: a few short texts, each once, in the order in which they came. */
#ifndef WSB_BROKER_ROUTE_TEXT_SET_H
#define WSB_BROKER_ROUTE_TEXT_SET_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"

#define TEXT_SET_MAX 1024

struct text_mark {
	size_t at;
	size_t len;
	uint64_t hash;
};

/* Reused: once grown it allocates nothing. */
struct text_set {
	struct strbuf bytes;
	struct text_mark *marks;
	size_t count;
	size_t capacity;
	uint16_t *table; /* positions of marks, counted from 1 */
	size_t table_size;
	uint64_t seed;
};

/* seed makes equal hashes unpredictable to strangers. */
void text_set_init(struct text_set *set, uint64_t seed);
void text_set_fini(struct text_set *set);
void text_set_clear(struct text_set *set);

/* Copies the text unless it is there already (WSB_OK too). WSB_ELIMIT: there would be more than
 * limit (at most TEXT_SET_MAX); WSB_ENOMEM. */
enum wsb_err text_set_add(struct text_set *set, struct span text, size_t limit) WSB_CHECKED;

/* Valid until the next call that changes the set. */
static inline struct span text_set_at(const struct text_set *set, size_t position)
{
	const struct text_mark *mark = &set->marks[position];

	return span_of(set->bytes.text ? set->bytes.text + mark->at : "", mark->len);
}

#endif
