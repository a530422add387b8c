/* broker/route/cache_rule.h: how the answers of a route are cached, and what makes them untrue. */
#ifndef WSB_BROKER_ROUTE_CACHE_RULE_H
#define WSB_BROKER_ROUTE_CACHE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No entry is fresh for longer, also where the rule says for ever: the bound of all that could ever
 * go wrong with invalidation. */
#define CACHE_TTL_MAX_US (UINT64_C(24) * 3600 * 1000000)

/* Who shares an entry. */
enum cache_scope {
	CACHE_SCOPE_CLIENT,   /* one authenticated identity; without one, one connection */
	CACHE_SCOPE_SHARED,   /* all */
	CACHE_SCOPE_POINTERS, /* requests with the same values there */
};

/* What is served while the bus is suspect. */
enum cache_trust {
	TRUST_TTL,     /* what is fresh by its ttl */
	TRUST_BRIEFLY, /* that, for TRUST_BRIEFLY_US; what is older is stale then */
	TRUST_ASK,     /* nothing from before: the upstream is asked */
};
#define TRUST_BRIEFLY_US UINT64_C(2000000)

/* Named sets of settings; a rule overrides any. */
enum cache_strategy { CACHE_AGGRESSIVE, CACHE_BALANCED, CACHE_CONSERVATIVE };

enum cache_priority { PRIORITY_LOW, PRIORITY_MEDIUM, PRIORITY_HIGH, PRIORITY_CRITICAL };

struct cache_scope_setting {
	enum cache_scope kind;
	const char **pointers; /* for CACHE_SCOPE_POINTERS: JSON pointers into the request */
	size_t count;
};

struct cache_plan;
struct tag_templates;

/* As an operator writes it, what is not written taken from the strategy, and compiled; owned by the
 * configuration. */
struct cache_rule {
	bool enabled; /* false: the route is not cached, and the rest means nothing */
	const struct cache_plan *plan; /* see cache_plan.h; NULL only where it is not enabled */
	enum cache_strategy strategy;
	struct cache_scope_setting scope;
	const char **key;    /* paths in the request whose values stand for all of its params */
	size_t key_count;    /* 0: all params count */
	const char **ignore; /* pointers to members of the request that do not count */
	size_t ignore_count;
	const char **tags; /* templates, see tag_template.h */
	size_t tag_count;
	uint64_t ttl_us; /* at most CACHE_TTL_MAX_US; 0: for ever, which is as long */
	uint64_t stale_while_revalidate_us;
	uint64_t stale_if_error_us;
	double prefetch_threshold; /* share of the ttl after which a use refreshes; 0: none does */
	enum cache_priority priority;
	uint8_t weight;	 /* of the priority: 1, 2, 4, 8 */
	bool allow_null; /* results that are null are stored too */
	enum cache_trust trust;
};

/* Tags of what a successful answer or a push makes untrue; of routes and of push rules. */
struct invalidate_rule {
	const char **templates;		      /* see tag_template.h; may be globs */
	size_t count;			      /* 0: nothing is invalidated */
	const struct tag_templates *compiled; /* NULL where there are none */
	bool soft;	   /* entries may still be served as stale while they are refreshed */
	uint64_t merge_us; /* equal invalidations within it become one; 0: each counts */
};

static inline uint64_t cache_rule_ttl_us(const struct cache_rule *rule)
{
	return rule->ttl_us ? rule->ttl_us : CACHE_TTL_MAX_US;
}

/* What a strategy sets; *rule keeps the rest. */
void cache_strategy_apply(enum cache_strategy strategy, struct cache_rule *rule);

/* 1, 2, 4 or 8. */
uint8_t cache_priority_weight(enum cache_priority priority);

#endif
