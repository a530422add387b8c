/* broker/route/cache_plan.h: the rule of a cached route, compiled.
 *
 * It is made with the configuration, lives as long as that does and never changes: whoever holds
 * the configuration may use it, and a reload has nothing left that could fail. */
#ifndef WSB_BROKER_ROUTE_CACHE_PLAN_H
#define WSB_BROKER_ROUTE_CACHE_PLAN_H

#include <stddef.h>
#include "broker/route/cache_rule.h"
#include "broker/route/tag_template.h"
#include "common/err.h"
#include "proto/path.h"

#define CACHE_IGNORE_MAX 64

struct cache_path {
	char *text; /* as written */
	struct path path;
};

struct cache_paths {
	struct cache_path *list;
	size_t count;
};

struct cache_plan {
	enum cache_scope scope;
	struct cache_paths pointers; /* of the scope; only for CACHE_SCOPE_POINTERS */
	struct cache_paths key;	     /* none: all params count */
	struct cache_paths ignore;   /* at most CACHE_IGNORE_MAX */
	struct tag_templates *tags;  /* of a stored answer; may be without any */
};

/* Copies what it needs of rule. WSB_EINVAL: one of its paths or templates is none; WSB_ENOMEM. */
enum wsb_err cache_plan_create(struct cache_plan **out, const struct cache_rule *rule) WSB_CHECKED;
void cache_plan_destroy(struct cache_plan *plan); /* NULL is allowed */

#endif
