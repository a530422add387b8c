#include "broker/engine/visitors.h"

#include <stdlib.h>

struct visitor {
	struct list_node link;
	struct quota quota;
};

void visitors_init(struct visitors *visitors, size_t count_max)
{
	visitors->known = NULL;
	visitors->count_max = count_max;
	list_init(&visitors->visitors);
}

void visitors_fini(struct visitors *visitors)
{
	struct list_node *node;

	map_destroy(visitors->known);
	visitors->known = NULL;
	while ((node = list_pop(&visitors->visitors)))
		free(list_entry(node, struct visitor, link));
}

static struct visitor *visitor_create(struct visitors *visitors, const char *name,
				      uint32_t per_second, uint64_t now_us)
{
	struct visitor *visitor = malloc(sizeof(*visitor));

	if (!visitor)
		return NULL;
	if (map_put(visitors->known, span_text(name), visitor)) {
		free(visitor);
		return NULL;
	}
	quota_init(&visitor->quota, per_second, now_us);
	list_node_init(&visitor->link);
	list_append(&visitors->visitors, &visitor->link);
	return visitor;
}

struct quota *visitors_quota(struct visitors *visitors, const char *name, uint32_t per_second,
			     uint64_t now_us)
{
	struct visitor *visitor;

	if (visitors->visitors.count >= visitors->count_max)
		visitors_fini(visitors);
	if (!visitors->known && map_create(&visitors->known, now_us))
		return NULL;
	visitor = map_get(visitors->known, span_text(name));
	if (!visitor)
		visitor = visitor_create(visitors, name, per_second, now_us);
	return visitor ? &visitor->quota : NULL;
}
