/* Another configuration: entries that were made by rules which are not in force any more. They
 * would lack tags by which they are invalidated from now on, or be for others than their key says
 * now. */
#include "broker/engine/cached.h"

#include <string.h>

static bool same_texts(const char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
	bool same = a_count == b_count;

	for (size_t i = 0; same && i < a_count; i++)
		same = strcmp(a[i], b[i]) == 0;
	return same;
}

/* How long an entry may be served is not looked at: it keeps the times it was stored with. */
static bool same_rule(const struct cache_rule *a, const struct cache_rule *b)
{
	if (!a->enabled || !b->enabled)
		return a->enabled == b->enabled;
	return a->scope.kind == b->scope.kind &&
	       same_texts(a->scope.pointers, a->scope.count, b->scope.pointers, b->scope.count) &&
	       same_texts(a->key, a->key_count, b->key, b->key_count) &&
	       same_texts(a->ignore, a->ignore_count, b->ignore, b->ignore_count) &&
	       same_texts(a->tags, a->tag_count, b->tags, b->tag_count);
}

/* An index is meaningful within its own configuration only. */
static const char *pool_of(const struct config *config, const struct route_settings *route)
{
	return route->action == ROUTE_FORWARD ? config->pools[route->pool].name : "";
}

/* Where the other configuration has the same route; its route_count: nowhere. */
static size_t find(const struct config *config, const struct route_settings *route,
		   const struct config *other)
{
	size_t at = 0;

	while (at < other->route_count &&
	       (strcmp(route->method, other->routes[at].method) != 0 ||
		strcmp(pool_of(config, route), pool_of(other, &other->routes[at])) != 0 ||
		!same_rule(&route->cache, &other->routes[at].cache)))
		at++;
	return at;
}

static void drop(struct engine *engine, const char *methods, uint64_t now_us)
{
	const struct span glob = span_text(methods);
	const struct invalidation what = {
		.mode = INVALIDATE_HARD,
		.methods = &glob,
		.method_count = 1,
	};
	size_t hits = cache_invalidate(engine->cached.cache, &what, now_us);

	log_event(engine->log, LOG_INFO, "cache.rules_changed", log_text("method", methods),
		  log_number("entries", hits));
}

/* Of cached routes only one configuration has. */
static void drop_what_differs(struct engine *engine, const struct config *config,
			      const struct config *other, uint64_t now_us)
{
	for (size_t i = 0; i < config->route_count; i++)
		if (config->routes[i].cache.enabled &&
		    find(config, &config->routes[i], other) == other->route_count)
			drop(engine, config->routes[i].method, now_us);
}

/* Whether routes that both have stand in another order: then any of them may take another's
 * methods. */
static bool is_other_order(const struct config *before, const struct config *next)
{
	size_t latest = 0;

	for (size_t i = 0; i < next->route_count; i++) {
		size_t at = find(next, &next->routes[i], before);

		if (at == before->route_count)
			continue;
		if (at < latest)
			return true;
		latest = at;
	}
	return false;
}

void cached_review(struct engine *engine, const struct config *before, uint64_t now_us)
{
	const struct config *next = engine->config;

	if (is_other_order(before, next)) {
		drop(engine, "*", now_us);
		return;
	}
	drop_what_differs(engine, before, next, now_us);
	drop_what_differs(engine, next, before, now_us);
}
