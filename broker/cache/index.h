/* broker/cache/index.h: things by their hash, and by a small number.
 *
 * Each thing has an id of 32 bits while it is here, so that others link to it at half the price of
 * an address. The table grows and shrinks one bucket at a time (linear hashing, Litwin 1980): no
 * step takes longer because there is much in it, and it is never there twice. */
#ifndef WSB_BROKER_CACHE_INDEX_H
#define WSB_BROKER_CACHE_INDEX_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "broker/cache/budget.h"

#define INDEX_NONE	UINT32_MAX
#define INDEX_CHUNK	1024
#define INDEX_PER_CHAIN 2 /* things in a bucket, on average, at most */

struct index_cell {
	void *item;    /* NULL: free */
	uint32_t hash; /* of a free one: the free one before it */
	uint32_t next; /* in the same bucket; the next free one */
};

struct index {
	struct chunks cells;
	struct chunks buckets; /* ids of the first in each */
	struct budget *budget;
	uint32_t bucket_count;
	uint32_t base; /* buckets in [0, bucket_count - base) are split already, at base x 2 */
	uint32_t count;
	uint32_t used; /* ids below it have been given; the last ones are let go when free */
	uint32_t free;
};

/* False: no memory. budget must outlive the index. */
bool index_init(struct index *index, struct budget *budget, uint64_t most);
bool index_reserve(struct index *index, uint64_t most); /* room for as many, at some time */
void index_fini(struct index *index);			/* things are the caller's */

/* INDEX_NONE: no memory. item must not be NULL. */
uint32_t index_add(struct index *index, uint32_t hash, void *item);
void index_remove(struct index *index, uint32_t id);

static inline struct index_cell *index_cell(const struct index *index, uint32_t id)
{
	assert(id < index->used);
	return (struct index_cell *)index->cells.at[id / INDEX_CHUNK] + id % INDEX_CHUNK;
}

/* NULL: the id is free, as all are once the index is empty. */
static inline void *index_item(const struct index *index, uint32_t id)
{
	return id < index->used ? index_cell(index, id)->item : NULL;
}

static inline uint32_t index_hash(const struct index *index, uint32_t id)
{
	return index_cell(index, id)->hash;
}

/* Another thing of the same hash takes the place of id. */
static inline void index_replace(struct index *index, uint32_t id, void *item)
{
	index_cell(index, id)->item = item;
}

/* The ids of all things with this hash, one after the other; INDEX_NONE ends them. */
uint32_t index_first(const struct index *index, uint32_t hash);
uint32_t index_next(const struct index *index, uint32_t id);

#endif
