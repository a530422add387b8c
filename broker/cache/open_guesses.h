/* broker/cache/open_guesses.h: guesses that were sent and not asked for yet. For the predictor
 * alone. */
#ifndef WSB_BROKER_CACHE_OPEN_GUESSES_H
#define WSB_BROKER_CACHE_OPEN_GUESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/err.h"

struct guess {
	uint64_t hash; /* of the request; 0: free */
	uint64_t issued_us;
	uint32_t rule;
};

struct open_guesses {
	struct guess *guesses;
	size_t count; /* a power of two */
	size_t sweep; /* where housekeeping goes on */
};

enum wsb_err open_guesses_init(struct open_guesses *outstanding, uint64_t bytes) WSB_CHECKED;
void open_guesses_fini(struct open_guesses *outstanding);

/* True: *lost is the one that had to make room. One that is there already begins anew, and is
 * the lost one. */
bool open_guesses_add(struct open_guesses *outstanding, const struct guess *guess,
		      struct guess *lost);
/* True: there was one, and it is no more. */
bool open_guesses_take(struct open_guesses *outstanding, uint64_t hash, struct guess *out);
/* The next one of a slice of the table that was sent before then; false: the slice is through. The
 * walk begins with *left at the number of places to look at. */
bool open_guesses_expire(struct open_guesses *outstanding, uint64_t before_us, size_t *left,
			 struct guess *out);

#endif
