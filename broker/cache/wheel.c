#include "broker/cache/wheel.h"

#include "broker/cache/entry.h"

/* A link back to the head of a slot instead of an entry; ids stay below it. */
#define HEAD (UINT32_C(1) << 31)

#define SLOT_BITS 8
#define EMPTY_MAX (UINT32_C(3600) * 1000 / WHEEL_TICK_MS)

void wheel_init(struct wheel *wheel, const struct index *entries, uint64_t now_ms)
{
	wheel->entries = entries;
	wheel->tick = now_ms / WHEEL_TICK_MS;
	for (uint32_t i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++)
		wheel->heads[i] = INDEX_NONE;
}

/* The slot of the lowest level whose turn covers the tick. */
static uint32_t slot_of(const struct wheel *wheel, uint64_t tick)
{
	uint32_t level = 0;

	while (level < WHEEL_LEVELS - 1 &&
	       tick >> SLOT_BITS * (level + 1) != wheel->tick >> SLOT_BITS * (level + 1))
		level++;
	return level * WHEEL_SLOTS + (uint32_t)(tick >> SLOT_BITS * level) % WHEEL_SLOTS;
}

static void put(struct wheel *wheel, uint32_t id, uint32_t slot)
{
	struct entry *entry = entry_at(wheel->entries, id);

	entry->timer_prev = HEAD | slot;
	entry->timer_next = wheel->heads[slot];
	if (entry->timer_next != INDEX_NONE)
		entry_at(wheel->entries, entry->timer_next)->timer_prev = id;
	wheel->heads[slot] = id;
}

void wheel_add(struct wheel *wheel, uint32_t id, uint64_t deadline_ms)
{
	uint64_t tick = deadline_ms / WHEEL_TICK_MS + 1;
	/* Its turn of the highest level comes round, and it is put off once more. */
	uint64_t furthest = (((wheel->tick >> SLOT_BITS * 3) + WHEEL_SLOTS - 1) << SLOT_BITS * 3);

	if (tick <= wheel->tick)
		tick = wheel->tick;
	if (tick > furthest)
		tick = furthest;
	put(wheel, id, slot_of(wheel, tick));
}

void wheel_remove(struct wheel *wheel, uint32_t id)
{
	struct entry *entry = entry_at(wheel->entries, id);

	if (entry->timer_prev & HEAD)
		wheel->heads[entry->timer_prev & ~HEAD] = entry->timer_next;
	else
		entry_at(wheel->entries, entry->timer_prev)->timer_next = entry->timer_next;
	if (entry->timer_next != INDEX_NONE)
		entry_at(wheel->entries, entry->timer_next)->timer_prev = entry->timer_prev;
}

/* Brings entries of the slot of a level whose turn has come down to lower levels; false: it is not
 * empty yet. */
static bool bring_down(struct wheel *wheel, uint32_t level, uint32_t *steps)
{
	uint32_t slot =
		level * WHEEL_SLOTS + (uint32_t)(wheel->tick >> SLOT_BITS * level) % WHEEL_SLOTS;

	while (wheel->heads[slot] != INDEX_NONE) {
		uint32_t id = wheel->heads[slot];
		const struct entry *entry = entry_at(wheel->entries, id);

		if (*steps == 0)
			return false;
		--*steps;
		wheel_remove(wheel, id);
		wheel_add(wheel, id, entry_next_ms(entry, wheel->tick * WHEEL_TICK_MS));
	}
	return true;
}

/* With the first tick of a turn, the slot above that covers it is emptied, from the top. */
static bool bring_all_down(struct wheel *wheel, uint32_t *steps)
{
	for (uint32_t level = WHEEL_LEVELS - 1; level > 0; level--)
		if ((wheel->tick & ((UINT64_C(1) << SLOT_BITS * level) - 1)) == 0 &&
		    !bring_down(wheel, level, steps))
			return false;
	return true;
}

uint32_t wheel_pop(struct wheel *wheel, uint64_t now_ms, uint32_t *steps)
{
	uint64_t now = now_ms / WHEEL_TICK_MS;
	uint32_t empty = 0;

	if (wheel->entries->count == 0 && wheel->tick < now)
		wheel->tick = now;
	while (wheel->tick <= now && *steps > 0 && empty++ < EMPTY_MAX) {
		uint32_t slot = (uint32_t)wheel->tick % WHEEL_SLOTS;
		uint32_t id;

		if (!bring_all_down(wheel, steps))
			return INDEX_NONE;
		id = wheel->heads[slot];
		if (id != INDEX_NONE) {
			--*steps;
			wheel_remove(wheel, id);
			return id;
		}
		if (wheel->tick == now)
			return INDEX_NONE;
		wheel->tick++;
	}
	return INDEX_NONE;
}
