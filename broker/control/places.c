#include "broker/control/places.h"

#include <string.h>
#include "broker/control/key.h"

enum wsb_err places_open(struct places *out, const struct config_source *source,
			 const struct config *config)
{
	struct arena *arena;

	*out = (struct places){.config = config, .file = source->file};
	if (source->urls)
		return WSB_OK;
	if (arena_create(&arena))
		return WSB_ENOMEM;
	complaints_init(&out->complaints, arena);
	document_init(&out->document, source->file, source->text, arena, &out->complaints);
	return WSB_OK;
}

void places_close(struct places *places)
{
	struct arena *arena = places->document.arena;

	if (!arena)
		return;
	document_fini(&places->document);
	arena_destroy(arena);
	places->document.arena = NULL;
}

yaml_node_t *places_root(struct places *places)
{
	return places->document.arena ? document_root(&places->document) : NULL;
}

/* Section by section: "autoscale.min". */
static yaml_node_t *find_path(struct document *document, yaml_node_t *node, const char *path)
{
	char key[64];

	while (node && *path) {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		key[len] = '\0';
		node = document_find(document, node, key);
		path += len + (path[len] ? 1 : 0);
	}
	return node;
}

yaml_node_t *places_option(struct places *places, yaml_node_t *entry, const struct option *option)
{
	if (entry && entry->type == YAML_SCALAR_NODE)
		return option->shorthand ? entry : NULL;
	return find_path(&places->document, entry, option->path);
}

/* Its entry, from the outermost list inwards; the root where it stands in none. */
static yaml_node_t *find_entry(struct places *places, const struct key_target *target)
{
	yaml_node_t *node = places_root(places);

	for (size_t i = target->step_count; i-- > 0;) {
		node = places_option(places, node, target->steps[i].list);
		node = document_item(&places->document, node, target->steps[i].position);
	}
	return node;
}

yaml_node_t *places_key(struct places *places, struct span key)
{
	struct key_target target;
	yaml_node_t *entry;

	if (!key_find(places->config, key, &target))
		return NULL;
	entry = find_entry(places, &target);
	return target.entry ? entry : places_option(places, entry, target.option);
}

void places_write(struct places *places, struct span key, struct strbuf *out)
{
	struct key_target target;
	yaml_node_t *node = places_key(places, key);

	if (!node && key_find(places->config, key, &target) && target.step_count > 0)
		node = find_entry(places, &target);
	if (node)
		strbuf_printf(out, "%s:%zu:%zu", places->file, node_place(node).line,
			      node_place(node).column);
}
