#include "broker/route/route.h"

#include <assert.h>
#include <stdlib.h>
#include "common/glob.h"
#include "common/map.h"

/* Two places for each set: two busy methods that share one do not drive each other out. */
#define MEMO_SETS 256
#define MEMO_WAYS 2
/* Longer methods than any server has; only a stranger's nonsense is matched anew each time. */
#define MEMO_METHOD_MAX 95

struct memo {
	uint64_t hash;
	const struct route_settings *route; /* NULL: none matches, which is worth knowing too */
	uint8_t used;
	uint8_t len;
	char method[MEMO_METHOD_MAX];
};

struct rule {
	struct span pattern;
	const struct route_settings *route;
};

struct route_table {
	uint64_t seed;
	struct rule *rules;
	size_t count;
	struct memo memos[MEMO_SETS][MEMO_WAYS];
};

enum wsb_err route_table_create(struct route_table **out, const struct route_settings *settings,
				size_t count, uint64_t seed)
{
	struct route_table *table = calloc(1, sizeof(*table));

	*out = NULL;
	if (!table)
		return WSB_ENOMEM;
	table->rules = calloc(count > 0 ? count : 1, sizeof(*table->rules));
	if (!table->rules) {
		route_table_destroy(table);
		return WSB_ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		table->rules[i].pattern = span_text(settings[i].method);
		table->rules[i].route = &settings[i];
	}
	table->count = count;
	table->seed = seed;
	*out = table;
	return WSB_OK;
}

void route_table_destroy(struct route_table *table)
{
	if (!table)
		return;
	free(table->rules);
	free(table);
}

static const struct route_settings *first_match(const struct route_table *table, struct span method)
{
	for (size_t i = 0; i < table->count; i++)
		if (glob_match(table->rules[i].pattern, method))
			return table->rules[i].route;
	return NULL;
}

static bool memo_is(const struct memo *memo, uint64_t hash, struct span method)
{
	return memo->used && memo->hash == hash &&
	       span_equal(span_of(memo->method, memo->len), method);
}

/* The method must fit. */
static void memo_fill(struct memo *memo, uint64_t hash, struct span method,
		      const struct route_settings *route)
{
	assert(method.len <= MEMO_METHOD_MAX);
	memo->hash = hash;
	memo->route = route;
	memo->used = 1;
	memo->len = (uint8_t)method.len;
	if (method.len > 0)
		memcpy(memo->method, method.at, method.len);
}

const struct route_settings *route_find(struct route_table *table, struct span method)
{
	const struct route_settings *route;
	struct memo *set;
	uint64_t hash;

	if (method.len > MEMO_METHOD_MAX)
		return first_match(table, method);
	hash = hash_bytes(method, table->seed);
	set = table->memos[hash % MEMO_SETS];
	for (size_t way = 0; way < MEMO_WAYS; way++)
		if (memo_is(&set[way], hash, method))
			return set[way].route;

	route = first_match(table, method);
	/* The newcomer takes the first place; who stood there moves back one, the last one goes. */
	memmove(&set[1], &set[0], sizeof(set[0]) * (MEMO_WAYS - 1));
	memo_fill(&set[0], hash, method, route);
	return route;
}
