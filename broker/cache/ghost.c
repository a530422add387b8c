#include "broker/cache/ghost.h"

#include <string.h>

#define SET_SLOTS  (GHOST_SET_BYTES / sizeof(uint32_t))
#define ROW_SETS   64
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

static bool has_set(const struct ghost_table *table, uint32_t set)
{
	return set / ROW_SETS < table->rows.count && table->rows.at[set / ROW_SETS];
}

static uint32_t *set_at(const struct ghost_table *table, uint32_t set)
{
	return (uint32_t *)table->rows.at[set / ROW_SETS] + set % ROW_SETS * SET_SLOTS;
}

static uint32_t set_number(const struct ghost_table *table, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * table->sets >> 32);
}

/* Where the hash lies, or would. */
static uint32_t *set_of(const struct ghost *ghost, uint32_t hash)
{
	uint32_t set = set_number(&ghost->now, hash);

	if (set >= ghost->moved)
		return set_at(&ghost->now, set);
	return set_at(&ghost->next, set_number(&ghost->next, hash));
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

static bool push_row(struct ghost *ghost, struct ghost_table *table)
{
	if (!chunks_push(&table->rows, ghost->budget))
		return false;
	memset(table->rows.at[table->rows.count - 1], 0, table->rows.bytes);
	return true;
}

static bool begin_table(struct ghost *ghost, struct ghost_table *table, uint32_t sets)
{
	*table = (struct ghost_table){
		.sets = sets,
		.rows.bytes = ROW_SETS * (size_t)GHOST_SET_BYTES,
	};
	if (chunks_reserve(&table->rows, ghost->budget, (sets + ROW_SETS - 1) / ROW_SETS))
		return true;
	table->sets = 0;
	return false;
}

bool ghost_init(struct ghost *ghost, struct budget *budget, uint64_t window_bytes)
{
	*ghost = (struct ghost){.budget = budget, .window_bytes = window_bytes};
	return begin_table(ghost, &ghost->now, FIRST_SETS) && push_row(ghost, &ghost->now);
}

void ghost_fini(struct ghost *ghost)
{
	if (!ghost->budget)
		return;
	chunks_fini(&ghost->now.rows, ghost->budget);
	chunks_fini(&ghost->next.rows, ghost->budget);
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

size_t ghost_size(uint64_t keys)
{
	return sets_for(keys) * GHOST_SET_BYTES;
}

bool ghost_fits(const struct ghost *ghost, uint64_t keys)
{
	uint64_t sets = sets_for(keys);

	return ghost->next.sets == 0 && sets <= ghost->now.sets + ghost->now.sets / 8 &&
	       sets >= ghost->now.sets / 2;
}

/* A set is the keys in a range of hashes. What a slot holds of its hash does not say which of the
 * new sets in that range is its own, so it goes into each. Returns how many those are; 0: there is
 * no memory. */
static uint32_t move_set(struct ghost *ghost)
{
	struct ghost_table *next = &ghost->next;
	uint64_t set = ghost->moved;
	uint32_t first = (uint32_t)(set * next->sets / ghost->now.sets);
	uint32_t last = (uint32_t)(((set + 1) * next->sets - 1) / ghost->now.sets);
	const uint32_t *from = set_at(&ghost->now, ghost->moved);

	while (!has_set(next, last))
		if (!push_row(ghost, next))
			return 0;
	for (uint32_t i = 0; i < SET_SLOTS; i++)
		for (uint32_t to = first; from[i] && to <= last && age(ghost, from[i]) < STAMPS;
		     to++)
			put(ghost, set_at(next, to), from[i]);
	return last - first + 1;
}

static void pass_set(struct ghost *ghost)
{
	void **row = &ghost->now.rows.at[ghost->moved / ROW_SETS];

	ghost->moved++;
	if (ghost->moved % ROW_SETS != 0)
		return;
	budget_give(ghost->budget, *row);
	*row = NULL;
}

static void end_fitting(struct ghost *ghost)
{
	chunks_fini(&ghost->now.rows, ghost->budget);
	ghost->now = ghost->next;
	ghost->next = (struct ghost_table){.sets = 0};
	ghost->moved = 0;
}

/* Twice as large at most, so that no set becomes many. */
static bool begin_fitting(struct ghost *ghost, uint64_t keys)
{
	uint64_t sets = sets_for(keys);
	uint64_t most = 2 * (uint64_t)ghost->now.sets;

	if (ghost_fits(ghost, keys))
		return false;
	return begin_table(ghost, &ghost->next, (uint32_t)(sets < most ? sets : most));
}

void ghost_fit(struct ghost *ghost, uint64_t keys, uint32_t steps)
{
	if (ghost->next.sets == 0 && !begin_fitting(ghost, keys))
		return;
	while (steps > 0 && ghost->moved < ghost->now.sets) {
		uint32_t took = move_set(ghost);

		if (took == 0)
			return;
		pass_set(ghost);
		steps -= took < steps ? took : steps;
	}
	if (ghost->moved == ghost->now.sets)
		end_fitting(ghost);
}

static void clean(const struct ghost *ghost, struct ghost_table *table)
{
	for (uint32_t i = table->sets / STAMPS + 1; i > 0 && table->sets > 0; i--) {
		for (uint32_t slot = 0; slot < SET_SLOTS && has_set(table, table->hand); slot++) {
			uint32_t *at = set_at(table, table->hand) + slot;

			if (age(ghost, *at) >= STAMPS)
				*at = 0;
		}
		table->hand = (table->hand + 1) % table->sets;
	}
}

/* The next stamp. They go round, and what is older than the window must be gone before its own
 * comes again: each set is cleaned about four times a round. */
static void turn(struct ghost *ghost)
{
	ghost->stamp++;
	clean(ghost, &ghost->now);
	clean(ghost, &ghost->next);
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
