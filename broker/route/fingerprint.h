/* broker/route/fingerprint.h: same request, same bytes, whichever way it is written.
 *
 * A value in JSON or MessagePack becomes canonical bytes: two values have the same ones exactly
 * when they mean the same. Members of objects count in any order; 1, 1.0 and 1e0 are equal, as are
 * -0 and 0; numbers and strings are not; strings compare after unescaping. Every part carries its
 * length, so that ["1","23"] and ["12","3"] differ. */
#ifndef WSB_BROKER_ROUTE_FINGERPRINT_H
#define WSB_BROKER_ROUTE_FINGERPRINT_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/codec.h"

/* One member of an object that is being put in order; offsets into bytes. */
struct fingerprint_member {
	size_t at;
	size_t name_at; /* its bytes, behind their head */
	size_t name_len;
	size_t len;
};

/* Reused from one request to the next: once grown it allocates nothing. */
struct fingerprint {
	struct strbuf bytes;
	struct strbuf scratch;
	struct fingerprint_member *members; /* of all objects that are open */
	size_t count;
	size_t capacity;
	size_t moved; /* bytes that sorting has moved so far */
	size_t mark;  /* where its user has set it */
};

void fingerprint_init(struct fingerprint *fingerprint);
void fingerprint_fini(struct fingerprint *fingerprint);

/* Begins anew. */
void fingerprint_begin(struct fingerprint *fingerprint);

/* Appends bytes of one's own, with their length. */
void fingerprint_add_bytes(struct fingerprint *fingerprint, struct span bytes);
void fingerprint_add_number(struct fingerprint *fingerprint, uint64_t number);

/* Appends one validated value. Members (and elements) whose value begins where one of without[]
 * does are left out; absent ones leave nothing out.
 * WSB_EINVAL: it has no canonical form (an object with a name that stands twice or is no string, a
 * number beyond all measure, NaN); WSB_ELIMIT: it is made to be costly; WSB_ENOMEM. Then bytes are
 * meaningless. */
enum wsb_err fingerprint_add_value(struct fingerprint *fingerprint, enum encoding encoding,
				   struct span token, const struct span *without,
				   size_t without_count) WSB_CHECKED;

/* Notes that what was appended so far belongs together. */
static inline void fingerprint_mark(struct fingerprint *fingerprint)
{
	fingerprint->mark = fingerprint->bytes.len;
}

/* Valid until the next call. */
static inline struct span fingerprint_bytes(const struct fingerprint *fingerprint)
{
	return strbuf_span(&fingerprint->bytes);
}

#endif
