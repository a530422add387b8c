#include "broker/cache/key_clocks.h"

static struct key_clock *at(const struct key_clocks *clocks, uint32_t id)
{
	return index_item(&clocks->index, id);
}

bool key_clocks_init(struct key_clocks *clocks, struct budget *budget, uint64_t most, uint64_t seed)
{
	*clocks = (struct key_clocks){
		.budget = budget,
		.seed = seed,
		.oldest = INDEX_NONE,
		.newest = INDEX_NONE,
	};
	return index_init(&clocks->index, budget, most);
}

void key_clocks_fini(struct key_clocks *clocks)
{
	for (uint32_t id = 0; id < clocks->index.used; id++)
		budget_give(clocks->budget, at(clocks, id));
	index_fini(&clocks->index);
}

static uint32_t find(const struct key_clocks *clocks, struct digest digest)
{
	uint32_t id = index_first(&clocks->index, digest_hash(digest, clocks->seed));

	while (id != INDEX_NONE && !digest_equal(at(clocks, id)->digest, digest))
		id = index_next(&clocks->index, id);
	return id;
}

static void unlink_clock(struct key_clocks *clocks, const struct key_clock *clock)
{
	if (clock->older != INDEX_NONE)
		at(clocks, clock->older)->newer = clock->newer;
	else
		clocks->oldest = clock->newer;
	if (clock->newer != INDEX_NONE)
		at(clocks, clock->newer)->older = clock->older;
	else
		clocks->newest = clock->older;
}

static void link_newest(struct key_clocks *clocks, uint32_t id)
{
	struct key_clock *clock = at(clocks, id);

	clock->newer = INDEX_NONE;
	clock->older = clocks->newest;
	if (clocks->newest != INDEX_NONE)
		at(clocks, clocks->newest)->newer = id;
	else
		clocks->oldest = id;
	clocks->newest = id;
}

static uint32_t make(struct key_clocks *clocks, struct digest digest)
{
	struct key_clock *clock = budget_take(clocks->budget, sizeof(*clock));
	uint32_t id;

	if (!clock)
		return INDEX_NONE;
	clock->digest = digest;
	id = index_add(&clocks->index, digest_hash(digest, clocks->seed), clock);
	if (id == INDEX_NONE) {
		budget_give(clocks->budget, clock);
		return INDEX_NONE;
	}
	clocks->bytes += budget_cost_of(clock) + sizeof(struct index_cell);
	return id;
}

bool key_clocks_note(struct key_clocks *clocks, struct digest digest, uint64_t clock,
		     uint64_t now_ms)
{
	uint32_t id = find(clocks, digest);

	if (id != INDEX_NONE)
		unlink_clock(clocks, at(clocks, id));
	else
		id = make(clocks, digest);
	if (id == INDEX_NONE)
		return false;
	at(clocks, id)->clock = clock;
	at(clocks, id)->told_ms = now_ms;
	link_newest(clocks, id);
	return true;
}

uint64_t key_clocks_find(const struct key_clocks *clocks, struct digest digest)
{
	uint32_t id = find(clocks, digest);

	return id == INDEX_NONE ? 0 : at(clocks, id)->clock;
}

const struct key_clock *key_clocks_oldest(const struct key_clocks *clocks)
{
	return clocks->oldest == INDEX_NONE ? NULL : at(clocks, clocks->oldest);
}

uint64_t key_clocks_forget_oldest(struct key_clocks *clocks)
{
	uint32_t id = clocks->oldest;
	struct key_clock *clock = at(clocks, id);
	uint64_t forgotten = clock->clock;

	unlink_clock(clocks, clock);
	clocks->bytes -= budget_cost_of(clock) + sizeof(struct index_cell);
	index_remove(&clocks->index, id);
	budget_give(clocks->budget, clock);
	return forgotten;
}
