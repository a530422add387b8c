/* broker/cache/key_clocks.h: keys that were invalidated while a load of them may have been under
 * way, and when. Oldest first. */
#ifndef WSB_BROKER_CACHE_KEY_CLOCKS_H
#define WSB_BROKER_CACHE_KEY_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/cache/digest.h"
#include "broker/cache/index.h"

struct key_clock {
	struct digest digest;
	uint64_t clock;
	uint64_t told_ms;
	uint32_t older;
	uint32_t newer;
};

struct key_clocks {
	struct index index;
	struct budget *budget;
	uint64_t seed;
	uint64_t bytes;
	uint32_t oldest;
	uint32_t newest;
};

bool key_clocks_init(struct key_clocks *clocks, struct budget *budget, uint64_t most,
		     uint64_t seed);
void key_clocks_fini(struct key_clocks *clocks);

/* False: no memory. */
bool key_clocks_note(struct key_clocks *clocks, struct digest digest, uint64_t clock,
		     uint64_t now_ms);
/* The clock when it was last invalidated; 0: not that is remembered. */
uint64_t key_clocks_find(const struct key_clocks *clocks, struct digest digest);
/* NULL: none is remembered. */
const struct key_clock *key_clocks_oldest(const struct key_clocks *clocks);
/* There is an oldest one; returns its clock. */
uint64_t key_clocks_forget_oldest(struct key_clocks *clocks);

#endif
