#include "broker/cache/index.h"

#define FIRST_BUCKETS 64

static uint32_t *bucket(const struct index *index, uint32_t number)
{
	return (uint32_t *)index->buckets.at[number / INDEX_CHUNK] + number % INDEX_CHUNK;
}

static uint32_t bucket_of(const struct index *index, uint32_t hash)
{
	uint32_t number = hash & (2 * index->base - 1);

	return number < index->bucket_count ? number : number & (index->base - 1);
}

bool index_reserve(struct index *index, uint64_t most)
{
	uint64_t cells = most / INDEX_CHUNK + 1;
	uint64_t limit = (UINT64_C(1) << 31) / INDEX_CHUNK;

	if (cells > limit)
		cells = limit;
	return chunks_reserve(&index->cells, index->budget, (uint32_t)cells) &&
	       chunks_reserve(&index->buckets, index->budget, (uint32_t)cells);
}

bool index_init(struct index *index, struct budget *budget, uint64_t most)
{
	*index = (struct index){
		.cells.bytes = INDEX_CHUNK * sizeof(struct index_cell),
		.buckets.bytes = INDEX_CHUNK * sizeof(uint32_t),
		.budget = budget,
		.bucket_count = FIRST_BUCKETS,
		.base = FIRST_BUCKETS,
		.free = INDEX_NONE,
	};
	if (!index_reserve(index, most) || !chunks_push(&index->buckets, budget)) {
		index_fini(index);
		return false;
	}
	for (uint32_t i = 0; i < FIRST_BUCKETS; i++)
		*bucket(index, i) = INDEX_NONE;
	return true;
}

void index_fini(struct index *index)
{
	if (!index->budget)
		return;
	chunks_fini(&index->cells, index->budget);
	chunks_fini(&index->buckets, index->budget);
}

static void put_first(struct index *index, uint32_t number, uint32_t id)
{
	index_cell(index, id)->next = *bucket(index, number);
	*bucket(index, number) = id;
}

/* The next bucket in line gives half of what it holds to a new one. Without memory for it chains
 * get longer, that is all. */
static void split(struct index *index)
{
	uint32_t number = index->bucket_count;
	uint32_t from = number - index->base;
	uint32_t id;

	if (number % INDEX_CHUNK == 0 && !chunks_push(&index->buckets, index->budget))
		return;
	*bucket(index, number) = INDEX_NONE;
	if (++index->bucket_count == 2 * index->base)
		index->base *= 2;
	id = *bucket(index, from);
	*bucket(index, from) = INDEX_NONE;
	while (id != INDEX_NONE) {
		uint32_t next = index_cell(index, id)->next;

		put_first(index, bucket_of(index, index_hash(index, id)), id);
		id = next;
	}
}

static void merge(struct index *index)
{
	uint32_t number = index->bucket_count - 1;
	uint32_t id = *bucket(index, number);

	if (index->bucket_count == index->base)
		index->base /= 2;
	index->bucket_count = number;
	while (id != INDEX_NONE) {
		uint32_t next = index_cell(index, id)->next;

		put_first(index, bucket_of(index, index_hash(index, id)), id);
		id = next;
	}
	if (number % INDEX_CHUNK == 0)
		chunks_pop(&index->buckets, index->budget);
}

static void take_free(struct index *index, uint32_t id)
{
	const struct index_cell *cell = index_cell(index, id);

	if (cell->hash != INDEX_NONE)
		index_cell(index, cell->hash)->next = cell->next;
	else
		index->free = cell->next;
	if (cell->next != INDEX_NONE)
		index_cell(index, cell->next)->hash = cell->hash;
}

static void make_free(struct index *index, uint32_t id)
{
	*index_cell(index, id) = (struct index_cell){.hash = INDEX_NONE, .next = index->free};
	if (index->free != INDEX_NONE)
		index_cell(index, index->free)->hash = id;
	index->free = id;
}

/* Each that leaves lets a few of the last ids go, if those are free: more than come in one step,
 * so that the table shrinks, and few. */
#define LET_GO 4

static void let_go(struct index *index)
{
	for (uint32_t i = 0; i < LET_GO && index->used > 0; i++) {
		uint32_t id = index->used - 1;

		if (index_cell(index, id)->item)
			return;
		take_free(index, id);
		index->used--;
		if (index->used % INDEX_CHUNK == 0)
			chunks_pop(&index->cells, index->budget);
	}
}

uint32_t index_add(struct index *index, uint32_t hash, void *item)
{
	uint32_t id = index->free;

	if (id != INDEX_NONE) {
		take_free(index, id);
	} else {
		if (index->used % INDEX_CHUNK == 0 && !chunks_push(&index->cells, index->budget))
			return INDEX_NONE;
		id = index->used++;
	}
	*index_cell(index, id) = (struct index_cell){.item = item, .hash = hash};
	put_first(index, bucket_of(index, hash), id);
	if (++index->count > (uint64_t)INDEX_PER_CHAIN * index->bucket_count)
		split(index);
	return id;
}

/* An empty index needs nothing. */
static void forget_ids(struct index *index)
{
	while (index->cells.count > 0)
		chunks_pop(&index->cells, index->budget);
	index->used = 0;
	index->free = INDEX_NONE;
}

void index_remove(struct index *index, uint32_t id)
{
	struct index_cell *cell = index_cell(index, id);
	uint32_t *link = bucket(index, bucket_of(index, cell->hash));

	assert(cell->item);
	while (*link != id)
		link = &index_cell(index, *link)->next;
	*link = cell->next;
	make_free(index, id);
	/* Well below what makes it grow, lest it go to and fro. */
	if (--index->count < index->bucket_count / 2 && index->bucket_count > FIRST_BUCKETS)
		merge(index);
	if (index->count == 0)
		forget_ids(index);
	else
		let_go(index);
}

static uint32_t equal_from(const struct index *index, uint32_t id, uint32_t hash)
{
	while (id != INDEX_NONE) {
		const struct index_cell *cell = index_cell(index, id);

		if (cell->hash == hash)
			return id;
		id = cell->next;
	}
	return INDEX_NONE;
}

uint32_t index_first(const struct index *index, uint32_t hash)
{
	return equal_from(index, *bucket(index, bucket_of(index, hash)), hash);
}

uint32_t index_next(const struct index *index, uint32_t id)
{
	const struct index_cell *cell = index_cell(index, id);

	return equal_from(index, cell->next, cell->hash);
}
