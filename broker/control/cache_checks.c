#include "broker/control/cache_checks.h"

#include "broker/route/cache_plan.h"
#include "broker/route/tag_template.h"
#include "proto/path.h"

/* The node of an entry's text, or of the list, where they do not go together. */
static struct place item_place(struct document *document, yaml_node_t *list, size_t position)
{
	yaml_node_t *item = document_item(document, list, position);

	if (item)
		return node_place(item);
	return list ? node_place(list) : (struct place){0};
}

static void check_pointers(struct document *document, yaml_node_t *list, const char *const *texts,
			   size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct path path;
		const char *why = "a JSON pointer begins with /";

		if (texts[i][0] != '/' || path_compile(&path, span_text(texts[i]), &why) != WSB_OK)
			complain(document->complaints, item_place(document, list, i), "%s", why);
	}
}

static void check_key(struct document *document, yaml_node_t *list, const struct cache_rule *rule)
{
	for (size_t i = 0; i < rule->key_count; i++) {
		struct path path;
		const char *why;

		if (path_compile(&path, span_text(rule->key[i]), &why) == WSB_OK) {
			if (path.root != PATH_RESULT && path.root != PATH_ERROR)
				continue;
			why = "a key is made of the request: params or a JSON pointer";
		}
		complain(document->complaints, item_place(document, list, i), "%s", why);
	}
}

static void check_templates(struct document *document, yaml_node_t *list, const char *const *texts,
			    size_t count, enum tag_use use)
{
	/* One by one, so that all that are wrong are told. */
	for (size_t i = 0; i < count; i++) {
		struct tag_templates *templates;
		const char *why;
		size_t bad;
		enum wsb_err err = tag_templates_create(&templates, &texts[i], 1, use, &why, &bad);

		tag_templates_destroy(templates);
		if (err == WSB_EINVAL)
			complain(document->complaints, item_place(document, list, i), "%s", why);
	}
}

/* What is written stands; the rest is the strategy's. */
static void take_strategy(struct document *document, yaml_node_t *section,
			  enum cache_strategy fallback, struct cache_rule *rule)
{
	struct cache_rule of_strategy = *rule;

	cache_strategy_apply(document_find(document, section, "strategy") ? rule->strategy
									  : fallback,
			     &of_strategy);
	rule->strategy = of_strategy.strategy;
	rule->trust = of_strategy.trust;
	rule->weight = cache_priority_weight(rule->priority);
	if (!document_find(document, section, "ttl"))
		rule->ttl_us = of_strategy.ttl_us;
	if (!document_find(document, section, "stale_while_revalidate"))
		rule->stale_while_revalidate_us = of_strategy.stale_while_revalidate_us;
	if (!document_find(document, section, "prefetch_threshold"))
		rule->prefetch_threshold = of_strategy.prefetch_threshold;
}

static void release_plan(void *plan)
{
	cache_plan_destroy(plan);
}

static void release_templates(void *templates)
{
	tag_templates_destroy(templates);
}

/* What has been complained of stays without one; the configuration is not used then. */
static void compile_cache(struct arena *arena, struct cache_rule *rule)
{
	struct cache_plan *plan;
	enum wsb_err err = cache_plan_create(&plan, rule);

	if (err == WSB_ENOMEM)
		arena_fail(arena);
	else if (err == WSB_OK && arena_defer(arena, release_plan, plan))
		rule->plan = plan;
}

static void compile_invalidate(struct arena *arena, struct invalidate_rule *rule, enum tag_use use)
{
	struct tag_templates *templates;
	const char *why;
	enum wsb_err err;
	size_t bad;

	if (rule->count == 0)
		return;
	err = tag_templates_create(&templates, rule->templates, rule->count, use, &why, &bad);
	if (err == WSB_ENOMEM)
		arena_fail(arena);
	else if (err == WSB_OK && arena_defer(arena, release_templates, templates))
		rule->compiled = templates;
}

static void check_cache(struct document *document, const struct config *config, yaml_node_t *entry,
			struct route_settings *route)
{
	yaml_node_t *section = document_find(document, entry, "cache");
	struct cache_rule *rule = &route->cache;

	if (section && section->type == YAML_MAPPING_NODE)
		rule->enabled = true;
	if (!rule->enabled)
		return;
	if (route->action != ROUTE_FORWARD)
		complain(document->complaints, node_place(section),
			 "`cache` needs a route that forwards to a pool");
	else if (route->subscribe.unsubscribe)
		complain(document->complaints, node_place(section),
			 "the answer to a `subscribe` cannot be cached: each client has its own");
	take_strategy(document, section, config->cache.strategy, rule);
	check_key(document, document_find(document, section, "key"), rule);
	check_pointers(document, document_find(document, section, "ignore"), rule->ignore,
		       rule->ignore_count);
	check_pointers(document, document_find(document, section, "scope"), rule->scope.pointers,
		       rule->scope.count);
	check_templates(document, document_find(document, section, "tags"), rule->tags,
			rule->tag_count, TAGS_OF_ENTRY);
	compile_cache(document->arena, rule);
}

static void check_invalidate(struct document *document, yaml_node_t *entry,
			     struct invalidate_rule *rule, enum tag_use use)
{
	static const char *const keys[] = {"mode", "merge"};
	yaml_node_t *list = document_find(document, entry, "invalidate");

	check_templates(document, list, rule->templates, rule->count, use);
	compile_invalidate(document->arena, rule, use);
	for (size_t i = 0; !list && i < sizeof(keys) / sizeof(keys[0]); i++) {
		yaml_node_t *node = document_find(document, entry, keys[i]);

		if (node)
			complain(document->complaints, node_place(node),
				 "`%s` needs `invalidate`, the tags that it is about", keys[i]);
	}
}

static void check_route(struct document *document, struct config *config, yaml_node_t *entry,
			struct route_settings *route)
{
	yaml_node_t *invalidate = document_find(document, entry, "invalidate");

	check_cache(document, config, entry, route);
	check_invalidate(document, entry, &route->invalidate, TAGS_OF_WRITE);
	if (invalidate && (route->action != ROUTE_FORWARD || route->subscribe.unsubscribe))
		complain(document->complaints, node_place(invalidate),
			 "`invalidate` needs a route that forwards requests to a pool");
}

void cache_checks_run(struct document *document, struct config *config)
{
	yaml_node_t *root = document_root(document);
	yaml_node_t *routes = document_find(document, root, "routes");
	yaml_node_t *push = document_find(document, root, "push");

	for (size_t i = 0; i < config->route_count; i++)
		check_route(document, config, document_item(document, routes, i),
			    &config->routes[i]);
	for (size_t i = 0; i < config->push_count; i++)
		check_invalidate(document, document_item(document, push, i),
				 &config->push[i].invalidate, TAGS_OF_PUSH);
}
