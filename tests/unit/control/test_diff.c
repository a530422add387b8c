#include <criterion/criterion.h>
#include <string.h>
#include "broker/control/diff.h"
#include "broker/control/key.h"
#include "broker/control/options.h"
#include "broker/control/value_text.h"
#include "rig.h"

#define HEAD                                                                                       \
	"pools:\n  - name: main\n    endpoints: [{url: ws://a:1/, name: a}, {url: ws://b:1/, "     \
	"name: b}]\n"

/* "KEY: BEFORE -> AFTER", with " (restart)" behind it, one a line. */
static void tell(const struct config_diff *diff, struct strbuf *out)
{
	for (size_t i = 0; i < diff->count; i++) {
		const struct config_change *change = &diff->changes[i];

		strbuf_printf(out, "%s: %s -> %s%s\n", change->key,
			      change->before ? change->before : "nothing",
			      change->after ? change->after : "nothing",
			      change->restart ? " (restart)" : "");
	}
}

static const struct {
	const char *before;
	const char *after;
	const char *told;
} cases[] = {
	{HEAD, HEAD, ""},
	{HEAD, HEAD "    size: 10\n", ""},
	{HEAD, HEAD "    size: 12\n", "pools.main.size: 10 -> 12\n"},
	{HEAD, HEAD "    queue: {age: 300ms}\n    headers: {X-Key: hidden}\n",
	 "pools.main.queue.age: 5s -> 0.3s\n"
	 "pools.main.headers: nothing -> (secret)\n"},
	{HEAD "    headers: {X-Key: one}\n", HEAD "    headers: {X-Key: two}\n",
	 "pools.main.headers: (secret) -> (secret)\n"},
	{HEAD "node: a\n", HEAD "node: b\n", "node: a -> b (restart)\n"},
	{HEAD "admin: {address: 127.0.0.1:1}\n", HEAD "admin: {address: 127.0.0.1:2}\n",
	 "admin.address: 127.0.0.1:1 -> 127.0.0.1:2 (restart)\n"},
	{HEAD "envelope: {id: /a, method: /m}\n", HEAD "envelope: {id: /b, method: /m}\n",
	 "envelope.id: /a -> /b (restart)\n"},
	{HEAD "listen: [{address: 127.0.0.1:1, origins: [a, b c]}]\n",
	 HEAD "listen: [{address: 127.0.0.1:1, reuse_port: true}, {address: 127.0.0.1:2}]\n",
	 "listen.127.0.0.1:1.reuse_port: false -> true (restart)\n"
	 "listen.127.0.0.1:1.origins: [a, \"b c\"] -> nothing\n"
	 "listen.127.0.0.1:2: nothing -> present\n"},
	{HEAD,
	 "pools:\n  - name: main\n    endpoints: [{url: ws://b:1/, name: b, weight: 3}, "
	 "{url: ws://c:1/, name: c}]\n",
	 "pools.main.endpoints.b.weight: 1 -> 3\n"
	 "pools.main.endpoints.c: nothing -> present\n"
	 "pools.main.endpoints.a: present -> nothing\n"},
	{HEAD, HEAD "  - {name: spare, endpoints: [ws://s/]}\n",
	 "pools.spare: nothing -> present\n"},
	{HEAD "routes: [{method: a}, {method: b}, {method: c}]\n",
	 HEAD "routes: [{method: a}, {method: b, timeout: 2s}, {method: c}]\n",
	 "routes[1].timeout: 30s -> 2s\n"},
	{HEAD "routes: [{method: a}, {method: c}]\n",
	 HEAD "routes: [{method: a}, {method: b}, {method: c}]\n",
	 "routes[1]: nothing -> present\n"},
	{HEAD "routes: [{method: a}, {method: b}, {method: c}]\n", HEAD "routes: [{method: c}]\n",
	 "routes[0]: present -> nothing\nroutes[1]: present -> nothing\n"},
	{HEAD "routes: [{method: a}]\n", HEAD "routes: [{method: a, deny: true}]\n",
	 "routes[0].pool: main -> nothing\nroutes[0].deny: nothing -> true\n"},
	{HEAD "    on_connect: [{send: '{}', expect: {type: ok}}]\n",
	 HEAD "    on_connect: [{send: '{}', expect: {type: yes, n: 1}}]\n",
	 "pools.main.on_connect[0].expect: (secret) -> (secret)\n"},
	{HEAD "    retry: {budget: 0.2}\n", HEAD "    retry: {budget: 0.35}\n",
	 "pools.main.retry.budget: 0.2 -> 0.35\n"},
};

/* Routes are told by what is written, so that the pools' order is no change of theirs. */
Test(diff, tells_what_is_different)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config_diff diff;
		struct strbuf told;
		struct rig before;
		struct rig after;

		rig_init(&before);
		rig_init(&after);
		strbuf_init(&told);
		cr_assert_eq(config_diff_make(&diff, rig_good(&before, cases[i].before),
					      rig_good(&after, cases[i].after)),
			     WSB_OK);
		tell(&diff, &told);
		cr_expect_eq(config_diff_restarts(&diff) > 0,
			     strstr(cases[i].told, "(restart)") != NULL);
		/* The order is that of the option table, which may change: the lines count. */
		cr_expect_eq(told.len, strlen(cases[i].told), "case %zu:\n%s\ninstead of\n%s", i,
			     strbuf_span(&told).at, cases[i].told);
		for (const char *line = cases[i].told; *line; line += strcspn(line, "\n") + 1) {
			char one[200] = "";

			strncat(one, line, strcspn(line, "\n") + 1);
			cr_expect(strstr(strbuf_span(&told).at, one), "case %zu lacks %sin\n%s", i,
				  one, strbuf_span(&told).at);
		}
		config_diff_fini(&diff);
		strbuf_fini(&told);
		rig_fini(&before);
		rig_fini(&after);
	}
}

/* The path of a token file is the same, what it holds is not. */
Test(diff, looks_into_token_files)
{
	static const char text[] = HEAD "listen: [{auth: {tokens: tokens.txt}}]\n";
	const struct config *held;
	struct config_diff diff;
	struct rig rig;

	rig_init(&rig);
	rig_write(&rig, "tokens.txt", "ann client secret-1\n");
	held = config_hold(rig_good(&rig, text));
	rig_write(&rig, "tokens.txt", "ann client secret-2\n");
	cr_assert_eq(config_diff_make(&diff, held, rig_good(&rig, text)), WSB_OK);
	cr_assert_eq(diff.count, 1);
	cr_expect_str_eq(diff.changes[0].key, "listen.127.0.0.1:7080.auth.tokens");
	cr_expect_null(strstr(diff.changes[0].after, "secret"));
	config_diff_fini(&diff);
	config_release(held);
	rig_fini(&rig);
}

Test(key, leads_to_values_and_entries)
{
	static const struct {
		const char *key;
		const char *text; /* NULL: nowhere; "[]": an entry */
	} keys[] = {
		{"limits.clients", "10000"},
		{"pools.main.size", "10"},
		{"pools.main.endpoints.10.0.0.1:9.weight", "4"},
		{"pools.main.endpoints.10.0.0.1:9", "[]"},
		{"pools.main.more.size", "3"},
		{"pools.main.more", "[]"},
		{"listen.127.0.0.1:7080.path", "/"},
		{"routes[1].timeout", "2s"},
		{"routes[2].timeout", NULL},
		{"routes[].timeout", NULL},
		{"routes[x].timeout", NULL},
		{"pools.main.sizes", NULL},
		{"pools.main", "[]"},
		{"pools.mai.size", NULL},
		{"pools", NULL},
		{"", NULL},
		{"limits", NULL},
	};
	const struct config *config;
	struct rig rig;

	rig_init(&rig);
	config =
		rig_good(&rig, "pools:\n"
			       "  - {name: main, endpoints: [{url: ws://10.0.0.1:9/, weight: 4}]}\n"
			       "  - {name: main.more, size: 3, endpoints: [ws://x/]}\n"
			       "routes: [{method: a}, {method: b, timeout: 2s}]\n");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct key_target target;
		struct strbuf text;

		strbuf_init(&text);
		if (!key_find(config, span_text(keys[i].key), &target))
			cr_expect_null(keys[i].text, "%s leads nowhere", keys[i].key);
		else if (target.entry)
			cr_expect_str_eq(keys[i].text, "[]", "%s", keys[i].key);
		else {
			value_text(config, target.option, target.base, &text);
			cr_expect_str_eq(strbuf_span(&text).at, keys[i].text, "%s", keys[i].key);
		}
		strbuf_fini(&text);
	}
	rig_fini(&rig);
}

Test(value_text, quotes_what_yaml_would_take_for_something_else)
{
	static const char *const texts[][2] = {
		{"plain-1.2_x/y", "plain-1.2_x/y"},
		{"127.0.0.1:7080", "127.0.0.1:7080"},
		{"a: b", "\"a: b\""},
		{"true", "\"true\""},
		{"No", "\"No\""},
		{"", "\"\""},
		{"*", "\"*\""},
		{"- x", "\"- x\""},
		{"a#b", "\"a#b\""},
		{"{x}", "\"{x}\""},
		{"price $5", "\"price $$5\""},
		{"line\nbreak", "\"line\\nbreak\""},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct strbuf out;

		strbuf_init(&out);
		yaml_scalar(&out, span_text(texts[i][0]));
		cr_expect_str_eq(strbuf_span(&out).at, texts[i][1]);
		strbuf_fini(&out);
	}
}
