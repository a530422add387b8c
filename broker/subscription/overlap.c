#include "broker/subscription/overlap.h"

#include <string.h>

void overlap_init(struct overlap *overlap)
{
	*overlap = (struct overlap){0};
}

static void run_drop(struct overlap_run *run, uint32_t count)
{
	run->count -= count;
	memmove(run->hashes, run->hashes + count, run->count * sizeof(run->hashes[0]));
}

static void run_add(struct overlap_run *run, uint64_t hash)
{
	if (run->count == OVERLAP_EVENTS)
		run_drop(run, 1);
	run->hashes[run->count++] = hash;
}

/* How many stand up to and with the one of this hash; 0: there is none. */
static uint32_t run_find(const struct overlap_run *run, uint64_t hash)
{
	for (uint32_t i = run->count; i > 0; i--)
		if (run->hashes[i - 1] == hash)
			return i;
	return 0;
}

bool overlap_is_repeated(struct overlap *overlap, enum overlap_side side, uint64_t hash)
{
	struct overlap_run *mine = &overlap->runs[side];
	struct overlap_run *other = &overlap->runs[side == OVERLAP_OLD ? OVERLAP_NEW : OVERLAP_OLD];
	uint32_t found = run_find(other, hash);

	if (run_find(mine, hash) > 0) {
		overlap->alike = true;
		overlap->joined = false;
	}
	if (overlap->alike)
		return false;
	if (found == 0) {
		run_add(mine, hash);
		return false;
	}
	/* Each side keeps its order: what the other brought before this one, this side will not
	 * bring any more. */
	run_drop(other, found);
	overlap->joined = true;
	return true;
}
