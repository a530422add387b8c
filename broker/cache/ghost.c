#include "broker/cache/ghost.h"

#include <string.h>

#define SET_SLOTS  16
#define FIRST_SETS 64
#define STAMPS	   64 /* in a window */

/* A slot: 16 bits of the hash (never 0), 6 of frequency, 2 of reason, 8 of stamp. */
static uint32_t slot_make(uint32_t mark, struct ghost_memory memory, uint8_t stamp)
{
	return mark << 16 | (uint32_t)memory.frequency << 10 | (uint32_t)memory.reason << 8 | stamp;
}

static uint32_t mark_of(uint32_t hash)
{
	uint32_t mark = hash & 0xffff;

	return mark ? mark : 1;
}

static uint32_t *set_of(const struct ghost *ghost, uint32_t hash)
{
	return ghost->slots + ((uint64_t)hash * ghost->sets >> 32) * SET_SLOTS;
}

static uint32_t age(const struct ghost *ghost, uint32_t slot)
{
	return (uint8_t)(ghost->stamp - (uint8_t)slot);
}

static uint32_t *find(const struct ghost *ghost, uint32_t hash)
{
	uint32_t *set = set_of(ghost, hash);
	uint32_t mark = mark_of(hash);

	for (uint32_t i = 0; i < SET_SLOTS; i++)
		if (set[i] >> 16 == mark && age(ghost, set[i]) < STAMPS)
			return set + i;
	return NULL;
}

bool ghost_init(struct ghost *ghost, struct budget *budget, uint64_t window_bytes)
{
	size_t size = FIRST_SETS * SET_SLOTS * sizeof(*ghost->slots);

	*ghost = (struct ghost){.sets = FIRST_SETS, .budget = budget, .window_bytes = window_bytes};
	ghost->slots = budget_take(budget, size);
	if (!ghost->slots)
		return false;
	memset(ghost->slots, 0, size);
	return true;
}

void ghost_fini(struct ghost *ghost)
{
	if (ghost->budget)
		budget_give(ghost->budget, ghost->slots);
}

static void put(const struct ghost *ghost, uint32_t *set, uint32_t slot)
{
	uint32_t *oldest = set;

	for (uint32_t i = 0; i < SET_SLOTS; i++) {
		if (set[i] >> 16 == slot >> 16 || set[i] == 0) {
			set[i] = slot;
			return;
		}
		if (age(ghost, set[i]) > age(ghost, *oldest))
			oldest = set + i;
	}
	*oldest = slot;
}

static uint64_t sets_for(uint64_t keys)
{
	uint64_t sets = keys / SET_SLOTS + 1;

	return sets < FIRST_SETS ? FIRST_SETS : sets;
}

size_t ghost_needs(const struct ghost *ghost, uint64_t keys)
{
	uint64_t sets = sets_for(keys);

	if (sets <= ghost->sets + ghost->sets / 8 && sets >= ghost->sets / 2)
		return 0;
	return sets * SET_SLOTS * sizeof(*ghost->slots);
}

/* A set is the keys in a range of hashes. What a slot holds of its hash does not say which of the
 * new sets in that range is its own, so it goes into each. */
void ghost_fit(struct ghost *ghost, uint64_t keys)
{
	size_t size = ghost_needs(ghost, keys);
	uint64_t sets = sets_for(keys);
	struct ghost fitted = *ghost;

	if (size == 0)
		return;
	fitted.slots = budget_take(ghost->budget, size);
	if (!fitted.slots)
		return;
	fitted.sets = (uint32_t)sets;
	fitted.hand = 0;
	memset(fitted.slots, 0, size);
	for (uint64_t set = 0; set < ghost->sets; set++) {
		uint64_t first = set * sets / ghost->sets;
		uint64_t last = ((set + 1) * sets - 1) / ghost->sets;

		for (uint32_t i = 0; i < SET_SLOTS; i++) {
			uint32_t slot = ghost->slots[set * SET_SLOTS + i];

			for (uint64_t to = first; slot && to <= last && age(ghost, slot) < STAMPS;
			     to++)
				put(&fitted, fitted.slots + to * SET_SLOTS, slot);
		}
	}
	budget_give(ghost->budget, ghost->slots);
	*ghost = fitted;
}

/* The next stamp. They go round, and what is older than the window must be gone before its own
 * comes again: each set is cleaned about four times a round. */
static void turn(struct ghost *ghost)
{
	ghost->stamp++;
	for (uint32_t i = ghost->sets / STAMPS + 1; i > 0; i--) {
		uint32_t *set = ghost->slots + (size_t)ghost->hand * SET_SLOTS;

		for (uint32_t slot = 0; slot < SET_SLOTS; slot++)
			if (age(ghost, set[slot]) >= STAMPS)
				set[slot] = 0;
		ghost->hand = (ghost->hand + 1) % ghost->sets;
	}
}

void ghost_note(struct ghost *ghost, uint32_t hash, struct ghost_memory memory, uint64_t bytes)
{
	uint64_t part = ghost->window_bytes / STAMPS + 1;

	ghost->stamped_bytes += bytes;
	for (; ghost->stamped_bytes >= part; ghost->stamped_bytes -= part)
		turn(ghost);
	put(ghost, set_of(ghost, hash), slot_make(mark_of(hash), memory, ghost->stamp));
}

bool ghost_find(const struct ghost *ghost, uint32_t hash, struct ghost_memory *out)
{
	const uint32_t *slot = find(ghost, hash);

	if (!slot)
		return false;
	out->frequency = *slot >> 10 & GHOST_FREQUENCY_MAX;
	out->reason = (enum ghost_reason)(*slot >> 8 & 3);
	return true;
}

void ghost_forget(struct ghost *ghost, uint32_t hash)
{
	uint32_t *slot = find(ghost, hash);

	if (slot)
		*slot = 0;
}
