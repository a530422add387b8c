/* broker/cache/ghost.h: how often keys were asked for that have left the cache, and why they left.
 *
 * Four bytes a key: 16 bits of its hash, so one of some thousands of strangers is taken for one
 * that was here; that costs a little of the hit rate and nothing else. Sets of 16, in each the
 * newest. */
#ifndef WSB_BROKER_CACHE_GHOST_H
#define WSB_BROKER_CACHE_GHOST_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/cache/budget.h"

#define GHOST_FREQUENCY_MAX 63

enum ghost_reason { GHOST_EVICTED, GHOST_EXPIRED, GHOST_INVALIDATED, GHOST_FLUSHED };

/* Sets in pieces, so that none of them is large. */
struct ghost_table {
	struct chunks rows;
	uint32_t sets;
	uint32_t hand; /* the next set to be rid of what is too old */
};

struct ghost {
	struct ghost_table now;
	struct ghost_table next; /* has what lay in the first sets of now already; or no sets */
	uint32_t moved;		 /* so many */
	uint8_t stamp;		 /* one more with each 64th part of the window */
	uint64_t window_bytes;	 /* as many bytes of entries as leave are remembered */
	uint64_t stamped_bytes;	 /* that left under this stamp */
	struct budget *budget;
};

struct ghost_memory {
	uint8_t frequency;
	enum ghost_reason reason;
};

/* False: no memory. budget must outlive the ghost. */
bool ghost_init(struct ghost *ghost, struct budget *budget, uint64_t window_bytes);
void ghost_fini(struct ghost *ghost);

/* What so many keys take. */
size_t ghost_size(uint64_t keys);
/* Whether it has room for about so many, and not for many more. */
bool ghost_fits(const struct ghost *ghost, uint64_t keys);
/* Goes on to make it fit, by about so many sets, as far as there is memory: a set takes
 * GHOST_SET_BYTES. What is remembered stays. */
#define GHOST_SET_BYTES 64
void ghost_fit(struct ghost *ghost, uint64_t keys, uint32_t steps);

void ghost_note(struct ghost *ghost, uint32_t hash, struct ghost_memory memory, uint64_t bytes);
/* False: it is not remembered. */
bool ghost_find(const struct ghost *ghost, uint32_t hash, struct ghost_memory *out);
void ghost_forget(struct ghost *ghost, uint32_t hash);

#endif
