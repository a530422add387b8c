/* broker/cache/wheel.h: which entry's time runs out next, at eight bytes an entry.
 * A hierarchical timing wheel (Varghese and Lauck, 1987) in ticks of 32 ms. It may lag behind: what
 * may be served is decided when it is looked at, the wheel only finds what to free. */
#ifndef WSB_BROKER_CACHE_WHEEL_H
#define WSB_BROKER_CACHE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>
#include "broker/cache/index.h"

#define WHEEL_TICK_MS 32
#define WHEEL_LEVELS  4
#define WHEEL_SLOTS   256

struct wheel {
	const struct index *entries;
	uint64_t tick; /* all before it has been handed out */
	uint32_t heads[WHEEL_LEVELS * WHEEL_SLOTS];
};

void wheel_init(struct wheel *wheel, const struct index *entries, uint64_t now_ms);

/* Nothing is on it: it need not turn for the time gone by. */
static inline void wheel_begin(struct wheel *wheel, uint64_t now_ms)
{
	wheel->tick = now_ms / WHEEL_TICK_MS;
}

/* The entry must not be on the wheel. What lies beyond 2^32 ticks is looked at again then. */
void wheel_add(struct wheel *wheel, uint32_t id, uint64_t deadline_ms);
void wheel_remove(struct wheel *wheel, uint32_t id);

/* Takes off an entry whose deadline may have passed: the caller looks, and adds it again when it
 * has not. Moves at most *steps entries and lowers it, and passes over an hour of nothing at most;
 * INDEX_NONE: none is due, or that much is used up. */
uint32_t wheel_pop(struct wheel *wheel, uint64_t now_ms, uint32_t *steps);

#endif
