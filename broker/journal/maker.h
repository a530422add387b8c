/* broker/journal/maker.h: what tells a broker's events from all others: its source, one for each
 * start, and the ids under it. Pure. */
#ifndef WSB_BROKER_JOURNAL_MAKER_H
#define WSB_BROKER_JOURNAL_MAKER_H

#include <stdbool.h>
#include <stdint.h>
#include "common/rng.h"
#include "common/span.h"

#define MAKER_ID_LEN                                                                               \
	26 /* a ULID: 48 bits of milliseconds, 80 of chance, in Crockford's base 32                \
	    */
#define MAKER_NODE_MAX	 128
#define MAKER_SOURCE_MAX (10 + MAKER_NODE_MAX + 1 + MAKER_ID_LEN + 1)

struct maker {
	char source[MAKER_SOURCE_MAX]; /* "/wsbroker/NODE/START" */
	uint64_t ms;		       /* of the latest id */
	uint64_t high, low;	       /* its chance: 16 and 64 bits */
	struct rng rng;
};

/* seed must differ from start to start. A long node is cut. */
void maker_init(struct maker *maker, const char *node, uint64_t wall_us, uint64_t seed);

/* Ids rise, as texts too, even where the clock goes back. Writes it with a terminator. */
void maker_id(struct maker *maker, uint64_t wall_us, char id[MAKER_ID_LEN + 1]);

/* Whether this broker, since its start, made what has this source. */
bool maker_is_own(const struct maker *maker, struct span source);

#endif
