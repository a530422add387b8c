/* What routes and push rules say of the cache. */
#include <criterion/criterion.h>
#include <string.h>
#include "broker/control/value_text.h"
#include "rig.h"

#define MINUTE UINT64_C(60000000)

static struct rig rig;

static void set_up(void)
{
	rig_init(&rig);
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(cache_rules, .init = set_up, .fini = tear_down);

static const struct cache_rule *rule_of(const char *cache, const char *more)
{
	struct strbuf text;
	const struct config *config;

	strbuf_init(&text);
	strbuf_printf(&text, RIG_MINIMAL "routes: [{method: a, cache: %s}]\n%s", cache, more);
	config = rig_good(&rig, text.text);
	strbuf_fini(&text);
	return &config->routes[0].cache;
}

Test(cache_rules, are_off_unless_written)
{
	const struct config *config = rig_good(&rig, RIG_MINIMAL);

	cr_expect_not(config->routes[0].cache.enabled);
	cr_expect_null(config->routes[0].cache.plan);
	cr_expect_null(config->routes[0].invalidate.compiled);
	cr_expect_eq(config->routes[0].invalidate.count, 0);
	cr_expect_eq(config->cache.strategy, CACHE_BALANCED);
	cr_expect_eq(config->cache.store.memory_bytes, 256u << 20);
	cr_expect_eq(config->cache.store.max_entry_bytes, 1u << 20);
	cr_expect_eq(config->cache.store.max_tags, 256);
	cr_expect_eq(config->cache.store.compress_above, 2048);
	cr_expect_eq(config->cache.store.policy, CACHE_GDSF);
	cr_expect(config->cache.prefetch.predictive);
	cr_expect_float_eq(config->cache.prefetch.budget, 0.1, 1e-9);
	cr_expect_not(rule_of("false", "")->enabled);
}

Test(cache_rules, take_from_the_strategy_what_they_do_not_say)
{
	static const struct {
		const char *cache, *more;
		uint64_t ttl_us, stale_us;
		double threshold;
		enum cache_trust trust;
	} table[] = {
		{"true", "", 5 * MINUTE, MINUTE / 2, 0.8, TRUST_BRIEFLY},
		{"{}", "", 5 * MINUTE, MINUTE / 2, 0.8, TRUST_BRIEFLY},
		{"true", "cache: {strategy: aggressive}", 10 * MINUTE, 5 * MINUTE, 0.9, TRUST_TTL},
		{"true", "cache: {strategy: conservative}", 2 * MINUTE, 0, 0.6, TRUST_ASK},
		{"{strategy: conservative}", "cache: {strategy: aggressive}", 2 * MINUTE, 0, 0.6,
		 TRUST_ASK},
		{"{ttl: 1m, strategy: conservative, stale_while_revalidate: 1m}", "", MINUTE,
		 MINUTE, 0.6, TRUST_ASK},
		{"{stale_while_revalidate: 0s, prefetch_threshold: 0}", "", 5 * MINUTE, 0, 0,
		 TRUST_BRIEFLY},
		{"{ttl: 0}", "", 0, MINUTE / 2, 0.8, TRUST_BRIEFLY},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct cache_rule *rule = rule_of(table[i].cache, table[i].more);

		cr_expect(rule->enabled, "row %zu", i);
		cr_expect_not_null(rule->plan);
		cr_expect_eq(rule->ttl_us, table[i].ttl_us, "row %zu", i);
		cr_expect_eq(rule->stale_while_revalidate_us, table[i].stale_us, "row %zu", i);
		cr_expect_float_eq(rule->prefetch_threshold, table[i].threshold, 1e-9, "row %zu",
				   i);
		cr_expect_eq(rule->trust, table[i].trust, "row %zu", i);
	}
}

Test(cache_rules, hold_all_that_can_be_written)
{
	const struct cache_rule *rule = rule_of(
		"{scope: [/auth/userId, /tenant], key: [params.id, 'params.tags[*]'], ignore: "
		"[/timestamp], stale_if_error: 5m, tags: ['p:{params.id}', search], priority: "
		"critical, allow_null: true}",
		"");

	cr_expect_eq(rule->scope.kind, CACHE_SCOPE_POINTERS);
	cr_assert_eq(rule->scope.count, 2);
	cr_expect_str_eq(rule->scope.pointers[1], "/tenant");
	cr_assert_eq(rule->key_count, 2);
	cr_expect_str_eq(rule->key[1], "params.tags[*]");
	cr_assert_eq(rule->ignore_count, 1);
	cr_expect_eq(rule->stale_if_error_us, 5 * MINUTE);
	cr_assert_eq(rule->tag_count, 2);
	cr_expect_str_eq(rule->tags[0], "p:{params.id}");
	cr_expect_eq(rule->weight, 8);
	cr_expect(rule->allow_null);
	cr_expect_eq(rule_of("true", "")->weight, 2);
	cr_expect_eq(rule_of("{priority: low}", "")->weight, 1);
	cr_expect_eq(rule_of("true", "")->scope.kind, CACHE_SCOPE_CLIENT);
	cr_expect_eq(rule_of("{scope: shared}", "")->scope.kind, CACHE_SCOPE_SHARED);
}

Test(cache_rules, of_what_is_invalidated)
{
	const struct config *config =
		rig_good(&rig, RIG_MINIMAL
			 "routes:\n"
			 "  - {method: a, invalidate: ['p:{params.id}', search], mode: soft}\n"
			 "push:\n"
			 "  - {method: b, invalidate: ['p:{/data/id}'], merge: 250ms}\n");

	cr_expect_eq(config->routes[0].invalidate.count, 2);
	cr_expect(config->routes[0].invalidate.soft);
	cr_expect_not_null(config->routes[0].invalidate.compiled);
	cr_expect_not_null(config->push[0].invalidate.compiled);
	cr_expect_eq(config->routes[0].invalidate.merge_us, 0);
	cr_expect_eq(config->push[0].invalidate.count, 1);
	cr_expect_not(config->push[0].invalidate.soft);
	cr_expect_eq(config->push[0].invalidate.merge_us, 250000);
}

static size_t count_shown(const struct config *config)
{
	size_t count = 0;
	struct strbuf text;

	strbuf_init(&text);
	for (size_t i = 0; i < option_count; i++) {
		strbuf_clear(&text);
		count += options[i].scope == SCOPE_ROUTE &&
			 strncmp(options[i].path, "cache.", 6) == 0 &&
			 value_text(config, &options[i], &config->routes[0], &text);
	}
	strbuf_fini(&text);
	return count;
}

Test(cache_rules, are_shown_of_cached_routes_only)
{
	cr_expect_eq(count_shown(rig_good(&rig, RIG_MINIMAL "routes: [{method: a}]\n")), 0);
	cr_expect_gt(
		count_shown(rig_good(&rig, RIG_MINIMAL "routes: [{method: a, cache: true}]\n")), 5);
}

Test(cache_rules, mistakes_are_told_where_they_stand)
{
	static const struct {
		const char *text, *error;
	} table[] = {
		{"routes: [{method: a, deny: true, cache: true}]",
		 "6:41: `cache` needs a route that forwards to a pool\n"},
		{"routes: [{method: a, respond: '1', cache: {ttl: 1s}}]",
		 "6:43: `cache` needs a route that forwards to a pool\n"},
		{"routes: [{method: a, subscribe: {unsubscribe: b}, cache: true}]",
		 "6:58: the answer to a `subscribe` cannot be cached: each client has its own\n"},
		{"routes: [{method: a, cache: {tag: []}}]",
		 "6:30: unknown key \"tag\" (did you mean “tags”?)\n"},
		{"routes: [{method: a, cache: {scope: privat}}]",
		 "6:37: expected client or shared, or a list of JSON pointers, got \"privat\"\n"},
		{"routes: [{method: a, cache: {scope: shred}}]",
		 "6:37: expected client or shared, or a list of JSON pointers, got \"shred\" (did "
		 "you mean “shared”?)\n"},
		{"routes: [{method: a, cache: {scope: []}}]",
		 "6:37: expected client, shared or a list of JSON pointers, got a list\n"},
		{"routes: [{method: a, cache: {scope: [/a, auth.user]}}]",
		 "6:42: a JSON pointer begins with /\n"},
		{"routes: [{method: a, cache: {ignore: [/a~]}}]",
		 "6:39: ~ must be written ~0 and / in a name ~1\n"},
		{"routes: [{method: a, cache: {key: [result.id]}}]",
		 "6:36: a key is made of the request: params or a JSON pointer\n"},
		{"routes: [{method: a, cache: {key: [id]}}]",
		 "6:36: a path begins with params, result, error or /\n"},
		{"routes: [{method: a, cache: {ttl: 25h}}]",
		 "6:35: must be 0 or 1ms to 1d, got \"25h\"\n"},
		{"routes: [{method: a, cache: {tags: [a, 'b:{error.code}', 'c:{params.x']}}]",
		 "6:40: an error has no tags\n"
		 "6:58: { without }; a literal one is written \\{\n"},
		{"routes: [{method: a, drop: true, invalidate: [a]}]",
		 "6:46: `invalidate` needs a route that forwards requests to a pool\n"},
		{"routes: [{method: a, merge: 1s}]",
		 "6:29: `merge` needs `invalidate`, the tags that it is about\n"},
		{"push: [{method: a, mode: soft}]",
		 "6:26: `mode` needs `invalidate`, the tags that it is about\n"},
		{"push: [{method: a, invalidate: ['a:{result.id}']}]",
		 "6:33: a push has no result: {params...} or {/pointer} read it\n"},
		{"push: [{method: a, invalidate: ['a:{request:/id}']}]",
		 "6:33: a push answers no request: {/pointer} reads the push\n"},
		{"cache: {policy: lru}", "6:17: expected gdsf or s3-fifo, got \"lru\"\n"},
		{"cache: {max_tags: 1025}", "6:19: must be 1 to 1024, got \"1025\"\n"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct strbuf text;

		strbuf_init(&text);
		strbuf_printf(&text, RIG_MINIMAL "\n%s\n", table[i].text);
		rig_bad(&rig, text.text, table[i].error);
		strbuf_fini(&text);
	}
}
