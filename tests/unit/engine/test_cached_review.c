/* What a reload leaves in the cache. */
#include <criterion/criterion.h>

#include "broker/engine/reconfigure.h"
#include "tests/unit/engine/stage.h"

#define ASK(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"}"

/* The next one after this begins as a copy of this one. */
static void reload(struct stage *stage, struct setup **next)
{
	struct setup *taken = *next;

	setup_compile(taken);
	cr_assert_eq(engine_reconfigure(stage->outside.engine, &taken->config, "ann",
					stage->outside.now_us),
		     WSB_OK);
	*next = setup_copy(taken);
	config_release(&taken->config);
}

static void cache_route(struct route_settings *route, const char **tags)
{
	route->cache = (struct cache_rule){
		.enabled = true,
		.scope = {.kind = CACHE_SCOPE_SHARED},
		.ttl_us = 60 * STAGE_S,
		.weight = 2,
		.tags = tags,
		.tag_count = 1,
	};
}

static const char *old[] = {"a:1"}, *new[] = {"b:1"};

enum change { NOTHING, TTL, TAGS, SCOPE, TAKEN_OVER, SWAPPED, CHANGES };

static void make_change(struct setup *next, enum change change)
{
	struct route_settings *routes = next->routes;

	switch (change) {
	case TTL:
		routes[0].cache.ttl_us = 30 * STAGE_S;
		break;
	case TAGS:
		routes[0].cache.tags = new;
		break;
	case SCOPE:
		routes[0].cache.scope.kind = CACHE_SCOPE_CLIENT;
		break;
	case TAKEN_OVER:
		routes[0].method = "h*";
		break;
	case SWAPPED:
		routes[2] = routes[0];
		routes[0] = routes[1];
		routes[1] = routes[2];
		break;
	default:
		break;
	}
}

/* It would lack the tag by which it is invalidated from now on, or be another upstream's. */
Test(cached_review, what_was_cached_by_other_rules_is_dropped)
{
	static const bool drops[CHANGES] = {
		[TAGS] = true, [SCOPE] = true, [TAKEN_OVER] = true, [SWAPPED] = true};

	for (enum change change = NOTHING; change < CHANGES; change++) {
		struct stage stage;
		struct setup *next;
		struct peer *client, *upstream;

		stage_init(&stage);
		stage.any->method = "g*";
		cache_route(stage.any, old);
		cache_route(setup_route(&stage.setup, "ge*"), new);
		setup_route(&stage.setup, "*");
		stage_begin_ready(&stage);
		next = setup_copy(&stage.setup);
		client = stage_client(&stage);
		upstream = stage_upstream(&stage, 0);
		says(client, ASK("1", "get"));
		answers(upstream, hears_request(upstream), "\"result\":1");
		expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
		make_change(next, change);
		reload(&stage, &next);
		if (change == SCOPE) {
			/* And back: for everybody again. */
			next->routes[0].cache.scope.kind = CACHE_SCOPE_SHARED;
			reload(&stage, &next);
		}
		says(client, ASK("2", "get"));
		cr_expect_eq(stage.outside.engine->cached.stats.hits, drops[change] ? 0 : 1,
			     "change %d", change);
		config_release(&next->config);
		stage_end(&stage);
	}
}

/* What is sent only now has begun after all that the review has dropped. */
Test(cached_review, what_waited_meanwhile_is_passed_on_and_not_stored)
{
	struct stage stage;
	struct setup *next;
	struct peer *client, *upstream;
	const struct cached_stats *stats;

	stage_init(&stage);
	cache_route(stage.any, old);
	stage_begin(&stage);
	stats = &stage.outside.engine->cached.stats;
	next = setup_copy(&stage.setup);
	client = stage_client(&stage);
	says(client, ASK("1", "get"));
	next->routes[0].cache.tags = new;
	reload(&stage, &next);
	stage_pass(&stage, 10 * STAGE_MS);
	stage_open_dials(&stage);
	upstream = stage_upstream(&stage, 0);
	answers(upstream, hears_request(upstream), "\"result\":1");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}");
	cr_assert_eq(stats->not_stored[NOT_STORED_RELOADED], 1);
	says(client, ASK("2", "get"));
	answers(upstream, hears_request(upstream), "\"result\":2");
	expect_hears(client, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}");
	cr_assert_eq(stats->stored, 1);
	config_release(&next->config);
	stage_end(&stage);
}
