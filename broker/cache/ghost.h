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

struct ghost {
	uint32_t *slots;
	uint32_t sets;
	uint32_t hand;		/* the next set to be rid of what is too old */
	uint8_t stamp;		/* one more with each 64th part of the window */
	uint64_t window_bytes;	/* as many bytes of entries as leave are remembered */
	uint64_t stamped_bytes; /* that left under this stamp */
	struct budget *budget;
};

struct ghost_memory {
	uint8_t frequency;
	enum ghost_reason reason;
};

/* False: no memory. budget must outlive the ghost. */
bool ghost_init(struct ghost *ghost, struct budget *budget, uint64_t window_bytes);
void ghost_fini(struct ghost *ghost);

/* What ghost_fit would take; 0: it fits already. */
size_t ghost_needs(const struct ghost *ghost, uint64_t keys);
/* Room for about so many keys, where there is memory for it; what is remembered stays. */
void ghost_fit(struct ghost *ghost, uint64_t keys);

void ghost_note(struct ghost *ghost, uint32_t hash, struct ghost_memory memory, uint64_t bytes);
/* False: it is not remembered. */
bool ghost_find(const struct ghost *ghost, uint32_t hash, struct ghost_memory *out);
void ghost_forget(struct ghost *ghost, uint32_t hash);

#endif
