/* tests/support/compose.h: messages put together from tokens, in either encoding. */
#ifndef WSB_TESTS_SUPPORT_COMPOSE_H
#define WSB_TESTS_SUPPORT_COMPOSE_H

#include <stddef.h>
#include "common/span.h"
#include "common/strbuf.h"
#include "proto/codec.h"

/* One member of a message; an absent value leaves it out. */
struct part {
	const char *name;
	struct span value; /* a token in the message's encoding */
};

/* Appends an object with these members, in this order. */
void compose(struct strbuf *out, enum encoding encoding, const struct part *parts, size_t count);

/* Appends {"jsonrpc":"2.0", "id", "method", "params", "wsbroker"} or the answer to such a one;
 * member is "result" or "error". */
void compose_request(struct strbuf *out, enum encoding encoding, struct span id, const char *method,
		     struct span params, struct span options);
void compose_answer(struct strbuf *out, enum encoding encoding, struct span id, const char *member,
		    struct span value);

/* Before each of the members of a batch (at: 0, 1, ...), and behind the last. count: at most 65535.
 */
void compose_batch(struct strbuf *out, enum encoding encoding, size_t at, size_t count);

/* Appends a JSON text in this encoding. */
void compose_json(struct strbuf *out, enum encoding encoding, const char *json);
/* Appends a string token; text must need no escapes. */
void compose_text(struct strbuf *out, enum encoding encoding, const char *text);

#endif
