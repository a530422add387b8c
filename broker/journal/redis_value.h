/* broker/journal/redis_value.h: what Redis answers, as plain data. */
#ifndef WSB_BROKER_JOURNAL_REDIS_VALUE_H
#define WSB_BROKER_JOURNAL_REDIS_VALUE_H

#include <stddef.h>
#include <stdint.h>
#include "common/span.h"

enum redis_kind {
	REDIS_NIL,
	REDIS_STATUS,  /* text */
	REDIS_ERROR,   /* text */
	REDIS_STRING,  /* text */
	REDIS_INTEGER, /* integer */
	REDIS_ARRAY,   /* items */
};

struct redis_value {
	enum redis_kind kind;
	int64_t integer; /* of an array: no matter */
	struct span text;
	struct redis_value **items; /* none is NULL in a whole answer */
	size_t count;
};

/* The item of an array; NULL: value is no array, or has not so many. */
static inline const struct redis_value *redis_item(const struct redis_value *value, size_t index)
{
	return value && value->kind == REDIS_ARRAY && index < value->count ? value->items[index]
									   : NULL;
}

/* Its bytes, of a status or string; absent for anything else, NULL too. */
static inline struct span redis_text(const struct redis_value *value)
{
	return value && (value->kind == REDIS_STRING || value->kind == REDIS_STATUS)
		       ? value->text
		       : (struct span){0};
}

static inline size_t redis_count(const struct redis_value *value)
{
	return value && value->kind == REDIS_ARRAY ? value->count : 0;
}

#endif
