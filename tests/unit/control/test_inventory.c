/* Every value, where it comes from, and on whose word. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/control/inventory.h"
#include "broker/control/value_text.h"
#include "running.h"

#define FILE_TEXT                                                                                  \
	"node: one\n"                                                                              \
	"limits: {batch: 7}\n"                                                                     \
	"pools:\n"                                                                                 \
	"  - name: main\n"                                                                         \
	"    endpoints: [{url: 'ws://a:1/v3/KEY', name: a}, ws://b:1/]\n"                          \
	"    headers: {Authorization: Bearer KEY}\n"                                               \
	"    on_connect: [{send: '\"KEY\"'}]\n"                                                    \
	"routes: [{method: x, timeout: 9s}]\n"

static struct running running;
static struct strbuf listed; /* "key=value default source way\n" */

static void set_up(void)
{
	running_init(&running);
	strbuf_init(&listed);
	running_open(&running, FILE_TEXT);
}

static void tear_down(void)
{
	running_fini(&running);
	strbuf_fini(&listed);
}

TestSuite(inventory, .init = set_up, .fini = tear_down);

static void note(enum override_kind kind, const char *key, const char *value, const char *actor)
{
	struct override change = {.kind = kind,
				  .key = key,
				  .value = value,
				  .actor = actor,
				  .reason = "because",
				  .wall_us = 17};

	running_note(&running, &change);
}

static void list_item(void *context, const struct inventory_item *item)
{
	static const char *const sources[] = {"default", "file", "runtime", "tuner"};
	static const char *const ways[] = {"once", "file", "start", "dormant"};
	const struct config defaults = {0};

	(void)context;
	strbuf_printf(&listed, "%s=", item->key);
	if (!item->option)
		strbuf_text(&listed, "removed");
	else if (!value_shown(item->config, item->option, item->base, &listed))
		strbuf_text(&listed, "-");
	strbuf_text(&listed, " ");
	if (!item->option || item->option->type == OPTION_POOL ||
	    !value_shown(&defaults, item->option, item->fallback, &listed))
		strbuf_text(&listed, "-");
	strbuf_printf(&listed, " %s %s", sources[item->source], ways[item->way]);
	if (item->override)
		strbuf_printf(&listed, " %s", item->override->actor);
	if (item->waiting) {
		strbuf_text(&listed, " waits:");
		value_shown(item->file, item->option, item->waiting, &listed);
	}
	strbuf_text(&listed, "\n");
}

static void expect(const char *line)
{
	char whole[256];

	snprintf(whole, sizeof(whole), "\n%s\n", line);
	cr_expect_not_null(strstr(strbuf_span(&listed).at, whole), "%s in %s", line,
			   strbuf_span(&listed).at);
}

static void list_some(const struct inventory_query *query)
{
	strbuf_clear(&listed);
	strbuf_text(&listed, "\n");
	cr_assert_eq(inventory_walk(&running.configuration, query, list_item, NULL), WSB_OK);
	cr_expect_null(strstr(strbuf_span(&listed).at, "KEY"), "%s", strbuf_span(&listed).at);
}

static void list(void)
{
	list_some(&(struct inventory_query){0});
}

/* How many values are listed. */
static size_t listed_count(void)
{
	size_t count = 0;

	for (const char *at = strbuf_span(&listed).at; *at; at++)
		count += *at == '\n';
	return count - 1;
}

Test(inventory, page_by_page_it_is_the_same)
{
	struct strbuf whole, pages;
	size_t count;

	strbuf_init(&whole);
	strbuf_init(&pages);
	note(OVERRIDE_VALUE, "pools.main.size", "4", "ann");
	note(OVERRIDE_REMOVED, "pools.main.endpoints.a", NULL, "ann");
	list();
	count = listed_count();
	strbuf_add(&whole, strbuf_span(&listed));
	for (size_t size = 1; size < count + 2; size += 7) {
		strbuf_clear(&pages);
		strbuf_text(&pages, "\n");
		for (size_t from = 0; from < count; from += size) {
			list_some(&(struct inventory_query){.from = from, .count = size});
			cr_assert_eq(listed_count(), from + size < count ? size : count - from);
			strbuf_text(&pages, strbuf_span(&listed).at + 1);
		}
		cr_expect_str_eq(strbuf_span(&pages).at, strbuf_span(&whole).at, "by %zu", size);
	}
	list_some(&(struct inventory_query){.from = count, .count = 5});
	cr_expect_eq(listed_count(), 0);
	strbuf_fini(&whole);
	strbuf_fini(&pages);
}

Test(inventory, only_what_is_asked_for)
{
	static const struct {
		const char *pattern;
		size_t count;
		const char *line;
	} cases[] = {
		{"limits.batch", 1, "limits.batch=7 100 file once"},
		{"pools.main.size", 1, "pools.main.size=4 10 runtime once ann"},
		{"*.size", 1, "pools.main.size=4 10 runtime once ann"},
		{"p*.siz?", 1, "pools.main.size=4 10 runtime once ann"},
		{"routes[0].timeout", 1, "routes[0].timeout=9s 30s file file"},
		{"pools.main.endpoints.a", 1, "pools.main.endpoints.a=removed - runtime file ann"},
		{"drain", 4, "drain.code=1012 1012 default once"},
		{"nothing", 0, NULL},
		{"", 0, NULL},
	};

	note(OVERRIDE_VALUE, "pools.main.size", "4", "ann");
	note(OVERRIDE_REMOVED, "pools.main.endpoints.a", NULL, "ann");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		list_some(&(struct inventory_query){.pattern = span_text(cases[i].pattern)});
		cr_expect_eq(listed_count(), cases[i].count, "%s: %s", cases[i].pattern,
			     strbuf_span(&listed).at);
		if (cases[i].line)
			expect(cases[i].line);
	}
	list_some(&(struct inventory_query){.changed = true});
	cr_expect_eq(listed_count(), 2);
	expect("pools.main.size=4 10 runtime once ann");
	expect("pools.main.endpoints.a=removed - runtime file ann");
}

Test(inventory, some_entries_of_each_list)
{
	list_some(&(struct inventory_query){.entries = 1});
	expect("pools.main.endpoints.a.tier=1 1 default once");
	cr_expect_null(strstr(strbuf_span(&listed).at, "endpoints.b:1"));
	list_some(&(struct inventory_query){.entries = 1,
					    .near = span_text("pools.main.endpoints.b:1.teir")});
	expect("pools.main.endpoints.a.tier=1 1 default once");
	expect("pools.main.endpoints.b:1.tier=1 1 default once");
}

Test(inventory, each_value_and_its_source)
{
	note(OVERRIDE_VALUE, "pools.main.size", "4", "ann");
	note(OVERRIDE_VALUE, "pools.main.max_in_flight", "40", "tuner");
	note(OVERRIDE_VALUE, "pools.main.endpoints.b:1.weight", "3", "ann");
	note(OVERRIDE_ADDED, "pools.main.endpoints.c", "ws://c:1/KEY", "ben");
	note(OVERRIDE_REMOVED, "pools.main.endpoints.a", NULL, "ann");
	list();
	expect("node=one - file start");
	expect("limits.batch=7 100 file once");
	expect("limits.clients=10000 10000 default once");
	expect("pools.main.name=main - file file");
	expect("pools.main.size=4 10 runtime once ann");
	expect("pools.main.max_in_flight=40 256 tuner once tuner");
	expect("pools.main.autoscale.max=50 50 default dormant");
	expect("pools.main.headers=(secret) - file file");
	expect("pools.main.on_connect[0].send=(secret) - file file");
	expect("pools.main.endpoints.a=removed - runtime file ann");
	expect("pools.main.endpoints.b:1.url=ws://b:1/ - file file");
	expect("pools.main.endpoints.b:1.weight=3 1 runtime once ann");
	expect("pools.main.endpoints.c.url=ws://c:1/… - runtime file ben");
	expect("pools.main.endpoints.c.weight=1 1 default once");
	expect("routes[0].method=x - file file");
	expect("routes[0].timeout=9s 30s file file");
	expect("routes[0].pool=main - default file");
	expect("listen.127.0.0.1:7080.path=/ / default once");
}

Test(inventory, what_waits_for_a_restart)
{
	running_reload(
		&running,
		"node: two\npools: [{name: main, endpoints: [ws://b:1/], encoding: msgpack}]\n");
	list();
	expect("node=one - file start waits:two");
	expect("pools.main.encoding=json json file start waits:msgpack");
}

Test(inventory, what_a_pattern_asks_for)
{
	static const struct {
		const char *pattern;
		const char *key;
		bool asked;
	} cases[] = {
		{"pools.main", "pools.main.size", true},
		{"pools.main", "pools.mainly.size", false},
		{"pools.main.size", "pools.main.size", true},
		{"*.size", "pools.main.size", true},
		{"*.size", "pools.main.size_x", false},
		{"routes", "routes[0].method", true},
		{"routes[0]", "routes[0].method", true},
		{"routes[0]", "routes[01].method", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(inventory_asked(span_text(cases[i].pattern), span_text(cases[i].key)),
			     cases[i].asked, "%s of %s", cases[i].pattern, cases[i].key);
}
