#include "broker/engine/names.h"

#include <stdlib.h>
#include <string.h>

struct name {
	struct list_node link;
	char text[];
};

void names_init(struct names *names)
{
	names->known = NULL;
	list_init(&names->names);
}

void names_fini(struct names *names)
{
	struct list_node *node;

	map_destroy(names->known);
	while ((node = list_pop(&names->names)))
		free(list_entry(node, struct name, link));
}

const char *names_keep(struct names *names, const char *text)
{
	size_t size = strlen(text) + 1;
	struct name *name;

	/* The operator chose them, so nobody has to be kept from guessing where they go. */
	if (!names->known && map_create(&names->known, 0))
		return NULL;
	name = map_get(names->known, span_text(text));
	if (name)
		return name->text;
	name = malloc(sizeof(*name) + size);
	if (!name)
		return NULL;
	memcpy(name->text, text, size);
	if (map_put(names->known, span_text(text), name)) {
		free(name);
		return NULL;
	}
	list_node_init(&name->link);
	list_append(&names->names, &name->link);
	return name->text;
}
