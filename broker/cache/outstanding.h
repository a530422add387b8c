/* broker/cache/outstanding.h: guesses that were sent and not asked for yet. For the predictor
 * alone. */
#ifndef WSB_BROKER_CACHE_OUTSTANDING_H
#define WSB_BROKER_CACHE_OUTSTANDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

struct guess {
	uint64_t hash; /* of the request; 0: free */
	uint64_t issued_us;
	uint32_t rule;
};

struct outstanding {
	struct guess *guesses;
	size_t count; /* a power of two */
	size_t sweep; /* where housekeeping goes on */
};

enum wsb_err outstanding_init(struct outstanding *outstanding, uint64_t bytes) WSB_CHECKED;
void outstanding_fini(struct outstanding *outstanding);

/* True: *lost is the one that had to make room. One that is there already begins anew, and is
 * the lost one. */
bool outstanding_add(struct outstanding *outstanding, const struct guess *guess,
		     struct guess *lost);
/* True: there was one, and it is no more. */
bool outstanding_take(struct outstanding *outstanding, uint64_t hash, struct guess *out);
/* The next one of a slice of the table that was sent before then; false: the slice is through. The
 * walk begins with *left at the number of places to look at. */
bool outstanding_expire(struct outstanding *outstanding, uint64_t before_us, size_t *left,
			struct guess *out);

#endif
