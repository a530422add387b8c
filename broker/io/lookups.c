#include "broker/io/lookups.h"

#include <stdlib.h>
#include "common/clock.h"

struct lookup {
	struct list_node link;
	struct lookups *lookups;
	struct resolver_query *query;
	uint64_t number;
};

void lookups_init(struct lookups *lookups, uv_loop_t *uv)
{
	list_init(&lookups->under_way);
	lookups->uv = uv;
	lookups->engine = NULL;
}

static void on_resolved(void *context, const struct resolver_answer *answer)
{
	struct lookup *lookup = context;
	struct lookups *lookups = lookup->lookups;
	const char *addresses[RESOLVER_ADDRESSES_MAX];

	for (size_t i = 0; i < answer->count; i++)
		addresses[i] = answer->addresses[i];
	list_remove(&lookups->under_way, &lookup->link);
	engine_resolved(lookups->engine, lookup->number, addresses, answer->count, answer->error,
			clock_monotonic_us());
	free(lookup);
}

void lookups_ask(struct lookups *lookups, uint64_t look_up, const char *host)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	/* The engine asks again when it hears nothing. */
	if (!lookup)
		return;
	lookup->lookups = lookups;
	lookup->number = look_up;
	list_node_init(&lookup->link);
	if (resolver_ask(&lookup->query, lookups->uv, host, on_resolved, lookup)) {
		free(lookup);
		return;
	}
	list_append(&lookups->under_way, &lookup->link);
}

void lookups_end(struct lookups *lookups)
{
	struct list_node *node;

	while ((node = list_pop(&lookups->under_way))) {
		struct lookup *lookup = list_entry(node, struct lookup, link);

		resolver_forget(lookup->query);
		free(lookup);
	}
}
