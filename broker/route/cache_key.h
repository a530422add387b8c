/* broker/route/cache_key.h: equal requests of those who share, equal bytes.
 *
 * A key is made of the method, of the whole message but its id, its `wsbroker` member and what the
 * rule ignores, and of whom it is for; where the rule lists paths, their values stand for the
 * params. Every part carries its length, and the text of each path is part of the key, so that
 * two rules never mean each other's entries. Keys of applications are another name space. */
#ifndef WSB_BROKER_ROUTE_CACHE_KEY_H
#define WSB_BROKER_ROUTE_CACHE_KEY_H

#include <stdint.h>
#include "broker/route/cache_plan.h"
#include "broker/route/fingerprint.h"
#include "common/span.h"
#include "proto/envelope.h"

/* Whom an answer is for. */
struct cache_asker {
	struct span identity; /* absent: it has not been asked for one */
	uint64_t connection;  /* of the client; never used again; 0: it has none that lasts */
};

enum cache_key_verdict {
	CACHE_KEY_OK,
	CACHE_KEY_AMBIGUOUS,  /* a name stands twice in an object, or a number is beyond measure:
				 which one counts, or what it means, is for the upstream to say */
	CACHE_KEY_NO_SCOPE,   /* it lacks what tells who may share its answer */
	CACHE_KEY_TOO_COSTLY, /* its members are made to be expensive to put in order */
	CACHE_KEY_NO_MEMORY,
};
/* "ok", "ambiguous", "scope_missing", "too_costly", "no_memory": the reasons that `explain`
 * gives. */
const char *cache_key_verdict_text(enum cache_key_verdict verdict);

/* request was scanned without flaws. CACHE_KEY_OK: the key is fingerprint_bytes(out), until out is
 * used again. Allocates nothing once out has grown. */
enum cache_key_verdict cache_key_make(const struct cache_plan *plan, const struct message *request,
				      struct cache_asker asker, struct fingerprint *out);

/* The part of a key of a request that does not say whom it is for: the same for all who ask the
 * same. Valid as long as the key. */
static inline struct span cache_key_common(const struct fingerprint *key)
{
	return span_of(key->bytes.text, key->mark);
}

/* What keys of applications begin with; no key of a request does. */
#define CACHE_KEY_OF_TEXT '@'

/* The key of an entry that an application names itself. False: no memory. */
bool cache_key_of_text(struct span text, struct fingerprint *out);

#endif
