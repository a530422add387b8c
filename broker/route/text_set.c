#include "broker/route/text_set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "common/map.h"

#define CAPACITY_MIN 32

void text_set_init(struct text_set *set, uint64_t seed)
{
	*set = (struct text_set){.seed = seed};
	strbuf_init(&set->bytes);
}

void text_set_fini(struct text_set *set)
{
	strbuf_fini(&set->bytes);
	free(set->marks);
	free(set->table);
}

void text_set_clear(struct text_set *set)
{
	strbuf_clear(&set->bytes);
	if (set->count > 0)
		memset(set->table, 0, set->table_size * sizeof(*set->table));
	set->count = 0;
}

/* The place of a text with this hash, or the free one where it belongs. */
static uint16_t *find(const struct text_set *set, struct span text, uint64_t hash)
{
	size_t mask = set->table_size - 1;

	for (size_t at = hash & mask;; at = (at + 1) & mask) {
		uint16_t *place = &set->table[at];

		if (*place == 0)
			return place;
		if (set->marks[*place - 1].hash == hash &&
		    span_equal(text_set_at(set, *place - 1U), text))
			return place;
	}
}

static enum wsb_err grow(struct text_set *set)
{
	size_t capacity = set->capacity ? set->capacity * 2 : CAPACITY_MIN;
	struct text_mark *marks = realloc(set->marks, capacity * sizeof(*marks));
	uint16_t *table = calloc(capacity * 2, sizeof(*table));

	if (marks)
		set->marks = marks;
	if (!marks || !table) {
		free(table);
		return WSB_ENOMEM;
	}
	free(set->table);
	set->capacity = capacity;
	set->table = table;
	set->table_size = capacity * 2;
	for (size_t i = 0; i < set->count; i++)
		*find(set, text_set_at(set, i), marks[i].hash) = (uint16_t)(i + 1);
	return WSB_OK;
}

enum wsb_err text_set_add(struct text_set *set, struct span text, size_t limit)
{
	uint64_t hash = hash_bytes(text, set->seed);
	uint16_t *place;

	assert(limit <= TEXT_SET_MAX);
	if (set->count == set->capacity && grow(set) != WSB_OK)
		return WSB_ENOMEM;
	place = find(set, text, hash);
	if (*place != 0)
		return WSB_OK;
	if (set->count == limit)
		return WSB_ELIMIT;
	set->marks[set->count] =
		(struct text_mark){.at = set->bytes.len, .len = text.len, .hash = hash};
	strbuf_add(&set->bytes, text);
	if (set->bytes.failed)
		return WSB_ENOMEM;
	*place = (uint16_t)++set->count;
	return WSB_OK;
}
