/* Whole files: what is read from them, and what is said of mistakes. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "rig.h"

static struct rig rig;

static void set_up(void)
{
	rig_init(&rig);
}

static void tear_down(void)
{
	rig_fini(&rig);
}

TestSuite(config, .init = set_up, .fini = tear_down);

Test(config, reads_a_listener_with_all_it_can_have)
{
	const struct listener_settings *listener;
	const struct config *config;
	char path[RIG_PATH_MAX];

	rig_write(&rig, "server.pem", "");
	rig_write(&rig, "server.key", "");
	rig_write(&rig, "clients.pem", "");
	rig_write(&rig, "tokens.txt", "app client s3cret\n");
	config = rig_good(
		&rig, RIG_MINIMAL
		"listen:\n"
		"  - address: '[::1]:7080'\n"
		"    path: /rpc\n"
		"    reuse_port: true\n"
		"    compression: true\n"
		"    tls: {certificate: server.pem, key: server.key, client_ca: clients.pem}\n"
		"    origins: [https://app.example.com, https://b.example.com]\n"
		"    auth: {tokens: tokens.txt, query: token}\n"
		"  - address: unix:data.sock\n"
		"admin: {address: unix:/run/admin.sock, ready: any}\n");
	cr_assert_eq(config->listener_count, 2);
	listener = &config->listeners[0];
	cr_expect_str_eq(listener->address.host, "::1");
	cr_expect_str_eq(listener->path, "/rpc");
	cr_expect(listener->reuse_port);
	cr_expect(listener->compression);
	snprintf(path, sizeof(path), "%s/server.pem", rig.folder);
	cr_expect_str_eq(listener->tls.certificate, path);
	cr_assert_eq(listener->origin_count, 2);
	cr_expect_str_eq(listener->origins[1], "https://b.example.com");
	cr_expect(listener->auth);
	cr_expect_str_eq(listener->auth_query, "token");
	cr_assert_eq(listener->tokens.count, 1);
	cr_expect_str_eq(listener->tokens.tokens[0].secret, "s3cret");
	snprintf(path, sizeof(path), "%s/data.sock", rig.folder);
	cr_expect_eq(config->listeners[1].address.kind, ADDRESS_UNIX);
	cr_expect_not(config->listeners[1].compression);
	cr_expect_str_eq(config->listeners[1].address.path, path);
	cr_expect_str_eq(config->admin.address.path, "/run/admin.sock");
	cr_expect(config->admin.ready_any);
}

Test(config, reads_a_pool_with_all_it_can_have)
{
	const struct pool_settings *pool;
	const struct config *config;

	config = rig_good(
		&rig, "pools:\n"
		      "  - name: main\n"
		      "    endpoints:\n"
		      "      - {url: 'ws://a:9101/x?y=1', name: node1, weight: 3, tier: 2}\n"
		      "      - wss://node2.internal/rpc\n"
		      "    encoding: msgpack\n"
		      "    on_connect:\n"
		      "      - {send: '{\"a\":1}', expect: {t: ok, n: 1, f: 1.5, q: '1', z: null},"
		      " reject: {t: bad}, timeout: 3s}\n"
		      "      - send: '[1]'\n"
		      "    subprotocol: jsonrpc.2.json\n"
		      "    headers: {Authorization: Bearer x, X-Y: ''}\n");
	pool = &config->pools[0];
	cr_expect_eq(pool->encoding, ENCODING_MSGPACK);
	cr_assert_eq(pool->endpoint_count, 2);
	cr_expect_str_eq(pool->endpoints[0].name, "node1");
	cr_expect_str_eq(pool->endpoints[0].path, "/x?y=1");
	cr_expect_eq(pool->endpoints[0].weight, 3);
	cr_expect_str_eq(pool->endpoints[1].name, "node2.internal:443");
	cr_expect(pool->endpoints[1].tls);
	cr_assert_eq(pool->on_connect_count, 2);
	cr_expect_str_eq(pool->on_connect[0].send, "{\"a\":1}");
	cr_expect_eq(pool->on_connect[0].timeout_us, 3000000);
	cr_expect(json_is_string(json_object_get(pool->on_connect[0].expect, "q")));
	cr_expect(json_is_integer(json_object_get(pool->on_connect[0].expect, "n")));
	cr_expect(json_is_real(json_object_get(pool->on_connect[0].expect, "f")));
	cr_expect(json_is_null(json_object_get(pool->on_connect[0].expect, "z")));
	cr_expect_not_null(pool->on_connect[0].reject);
	cr_expect_null(pool->on_connect[1].expect);
	cr_expect_eq(pool->on_connect[1].timeout_us, 5000000);
	cr_expect_str_eq(pool->subprotocol, "jsonrpc.2.json");
	cr_assert_eq(pool->header_count, 2);
	cr_expect_str_eq(pool->headers[0].value, "Bearer x");
	cr_expect_str_eq(pool->headers[1].value, "");
}

Test(config, reads_routes_of_each_action)
{
	const struct config *config = rig_good(
		&rig, "routes:\n"
		      "  - {method: 'a.*', pool: other, timeout: 5s, attempt_timeout: 2s,"
		      " idempotent: true}\n"
		      "  - {method: login, respond: '{\"type\":\"auth_success\"}'}\n"
		      "  - {method: x, deny: true}\n"
		      "  - {method: y, drop: true}\n"
		      "  - {method: '*'}\n" RIG_MINIMAL "  - {name: other, endpoints: [ws://b]}\n");

	cr_assert_eq(config->route_count, 5);
	cr_expect_str_eq(config->routes[0].method, "a.*");
	cr_expect_eq(config->routes[0].pool, 1);
	cr_expect_eq(config->routes[0].timeout_us, 5000000);
	cr_expect_eq(config->routes[0].attempt_timeout_us, 2000000);
	cr_expect(config->routes[0].idempotent);
	cr_expect_eq(config->routes[1].action, ROUTE_RESPOND);
	cr_expect_str_eq(config->routes[1].respond, "{\"type\":\"auth_success\"}");
	cr_expect_eq(config->routes[2].action, ROUTE_DENY);
	cr_expect_eq(config->routes[3].action, ROUTE_DROP);
	cr_expect_eq(config->routes[4].action, ROUTE_FORWARD);
	cr_expect_eq(config->routes[4].pool, 0);
	cr_expect_eq(config->routes[4].timeout_us, 30000000);
}

Test(config, reads_an_envelope)
{
	const struct config *config = rig_good(
		&rig, RIG_MINIMAL
		"envelope: {id: /requestId, method: /type, params: /payload, result: /payload,\n"
		"  error: {/ok: false}, answer_id: /replyTo, push: /event, ids: string,\n"
		"  reply: "
		"'{\"requestId\":$id,\"error\":{\"code\":$code,\"message\":$message}}'}\n");

	cr_expect_not(config->envelope_is_jsonrpc);
	cr_expect_str_eq(config->envelope.id, "/requestId");
	cr_expect_str_eq(config->envelope.error, "/ok");
	cr_expect_str_eq(config->envelope.error_value, "false");
	cr_expect_str_eq(config->envelope.answer_id, "/replyTo");
	cr_expect_eq(config->envelope.ids, ID_STRING);
	config = rig_good(&rig, RIG_MINIMAL "envelope: {id: /id, method: /m, error: /error}\n");
	cr_expect_str_eq(config->envelope.error, "/error");
	cr_expect_null(config->envelope.error_value);
	cr_expect_eq(config->envelope.ids, ID_INTEGER);
	cr_expect(rig_good(&rig, RIG_MINIMAL "envelope: jsonrpc\n")->envelope_is_jsonrpc);
}

Test(config, unknown_keys_are_told_with_the_nearest_known_one)
{
	rig_bad(&rig, RIG_MINIMAL "    max_in_fligt: 3\n",
		"5:5: unknown key \"max_in_fligt\" (did you mean “max_in_flight”?)\n");
	rig_bad(&rig, RIG_MINIMAL "lisen: []\n",
		"5:1: unknown key \"lisen\" (did you mean “listen”?)\n");
	rig_bad(&rig, RIG_MINIMAL "limits: {memroy: 1GiB}\n",
		"5:10: unknown key \"memroy\" (did you mean “memory”?)\n");
	rig_bad(&rig, RIG_MINIMAL "something_else: 1\n", "5:1: unknown key \"something_else\"\n");
	rig_bad(&rig, RIG_MINIMAL "limits.clients: 1\n", "5:1: unknown key \"limits.clients\"\n");
	rig_bad(&rig, RIG_MINIMAL "\"\\e[31m\\n\": 1\n", "5:1: unknown key \"\\u001b[31m\\n\"\n");
}

Test(config, keys_are_there_once_and_the_needed_ones_are_there)
{
	rig_bad(&rig, RIG_MINIMAL "    size: 1\n    size: 2\n",
		"6:5: this key stands here twice\n");
	rig_bad(&rig, RIG_MINIMAL "pools: []\n", "5:1: this key stands here twice\n");
	rig_bad(&rig, "node: a\n", "1:1: `pools` is missing\n");
	rig_bad(&rig, "pools: [{}]\n", "1:9: `name` is missing\n1:9: `endpoints` is missing\n");
	rig_bad(&rig, "pools: [{name: a, endpoints: [{name: x}]}]\n", "1:31: `url` is missing\n");
	rig_bad(&rig, RIG_MINIMAL "routes: [{deny: true}]\n", "5:10: `method` is missing\n");
	rig_bad(&rig, RIG_MINIMAL "routes: [{method: \"\"}]\n",
		"5:19: cannot be empty, got \"\"\n");
	rig_bad(&rig, RIG_MINIMAL "routes: [{method: }]\n", "5:19: expected a text, got nothing\n");
	rig_bad(&rig, RIG_MINIMAL "push: [{method: \"\"}]\n", "5:17: cannot be empty, got \"\"\n");
}

Test(config, shapes_are_told)
{
	rig_bad(&rig, "pools: {name: main}\n", "1:8: expected a list, got a mapping\n");
	rig_bad(&rig, "pools: [main: 1]\nlimits: 3\n",
		"1:9: unknown key \"main\"\n1:9: `name` is missing\n1:9: `endpoints` is missing\n"
		"2:9: expected a mapping, got \"3\"\n");
	rig_bad(&rig, "pools: []\n", "1:8: must have 1 to 64 entries, has 0\n");
	rig_bad(&rig, "pools: ~\n", "1:8: expected a list, got nothing\n");
	rig_bad(&rig, "- 1\n", "1:1: expected a mapping of keys such as `pools`, got a list\n");
	rig_bad(&rig, RIG_MINIMAL "    size: []\n", "5:11: expected a whole number, got a list\n");
	rig_bad(&rig, RIG_MINIMAL "    size:\n", "5:10: expected a whole number, got nothing\n");
	rig_bad(&rig, RIG_MINIMAL "routes: [7]\n", "5:10: expected a mapping, got \"7\"\n");
	rig_bad(&rig, RIG_MINIMAL "? [a]\n: 1\n", "5:3: a key must be a text\n");
}

Test(config, all_mistakes_are_told_at_once_in_the_order_of_the_file)
{
	rig_bad(&rig,
		"routes:\n"
		"  - {method: '*', pool: mian}\n"
		"lisen: []\n"
		"limits: {clients: -1, messag: 1MiB}\n" RIG_MINIMAL "    sise: 3\n"
		"    balancer: fair\n"
		"  - name: main\n"
		"    endpoints: [ws://a, ws://a, 'tcp:1']\n",
		"2:25: there is no pool \"mian\" (did you mean “main”?)\n"
		"3:1: unknown key \"lisen\" (did you mean “listen”?)\n"
		"4:19: must be 1 to 1000000, got \"-1\"\n"
		"4:23: unknown key \"messag\" (did you mean “message”?)\n"
		"9:5: unknown key \"sise\" (did you mean “size”?)\n"
		"10:15: expected round-robin, least-connections, random or peak-ewma, got "
		"\"fair\"\n"
		"11:11: another pool is called “main” already\n"
		"12:25: another endpoint of the pool is called “a:80” already: give each a `name`\n"
		"12:33: the URL must begin with ws:// or wss://\n");
}

Test(config, a_session_listener_has_a_pool_for_itself)
{
	const struct config *config;

	config = rig_good(&rig, "listen:\n"
				"  - {address: '127.0.0.1:1', session: chat}\n"
				"  - {address: '127.0.0.1:2', session: ''}\n"
				"pools:\n"
				"  - {name: chat, endpoints: [ws://a]}\n"
				"  - {name: main, endpoints: [ws://a]}\n");
	cr_expect(config->listeners[0].session);
	cr_expect_eq(config->listeners[0].session_pool, 0);
	cr_expect_not(config->listeners[1].session);
	cr_expect(config->pools[0].tunnels);
	cr_expect_not(config->pools[1].tunnels);
	cr_expect_eq(config->routes[0].pool, 1, "the first that no session listener has");
	rig_good(&rig, "listen: [{session: chat}]\n"
		       "pools: [{name: chat, endpoints: [ws://a]}]\n");
	rig_bad(&rig,
		"listen:\n"
		"  - {address: '127.0.0.1:1', session: chatt}\n"
		"  - {address: '127.0.0.1:2', session: chat}\n"
		"  - {address: '127.0.0.1:3'}\n"
		"pools:\n"
		"  - {name: chat, endpoints: [ws://a], affinity: client, subprotocol: x}\n"
		"routes:\n"
		"  - {method: a, pool: chat}\n",
		"2:39: there is no pool \"chatt\" (did you mean “chat”?)\n"
		"4:5: every pool is that of a session listener; this one needs one more\n"
		"6:49: `affinity` has no meaning in the pool of a session listener, where each "
		"client has a connection of its own\n"
		"6:70: `subprotocol` has no meaning in the pool of a session listener, where each "
		"client has a connection of its own\n"
		"8:23: pool “chat” is that of a session listener, which no request can go to\n");
}

Test(config, a_hundred_mistakes_are_enough)
{
	struct strbuf text;

	strbuf_init(&text);
	strbuf_text(&text, RIG_MINIMAL "routes:\n");
	for (size_t i = 0; i < 300; i++)
		strbuf_text(&text, "  - {method: a, pool: x}\n");
	cr_assert_eq(rig_load(&rig, text.text), WSB_EINVAL);
	cr_expect_not_null(strstr(rig.errors.text, "105:23: there is no pool"));
	cr_expect_null(strstr(rig.errors.text, "106:23:"));
	cr_expect_not_null(strstr(rig.errors.text, "200 more errors\n"));
	strbuf_fini(&text);
}

Test(config, things_that_need_or_exclude_each_other)
{
	rig_write(&rig, "a.pem", "");
	rig_bad(&rig, RIG_MINIMAL "listen: [{tls: {certificate: a.pem}}]\n",
		"5:16: `certificate` needs its `key`\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{tls: {key: a.pem}}]\n",
		"5:16: `key` needs its `certificate`\n");
	rig_bad(&rig, RIG_MINIMAL "    tls: {key: a.pem}\n",
		"5:10: `key` needs its `certificate`\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{tls: {client_ca: a.pem}}]\n",
		"5:28: `client_ca` needs a `certificate`\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{auth: {query: t}}]\n",
		"5:17: `auth` needs `tokens` or `jwt`\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{address: 'unix:a', reuse_port: true}]\n",
		"5:42: a Unix socket cannot be shared by `reuse_port`\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{session: main, compression: true}]\n",
		"5:39: the clients of a `session` agree upon compression with the upstream\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{}, {address: 127.0.0.1:7080}]\n",
		"5:24: another listener has this address already\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{address: 127.0.0.1:7081}]\n",
		"5:20: the admin listener has this address already\n");
	rig_bad(&rig, RIG_MINIMAL "admin: {address: 127.0.0.1:7080}\n",
		"5:18: clients connect at this address, unless `listen` says otherwise\n");
	rig_bad(&rig, RIG_MINIMAL "    on_connect: [{reject: {a: 1}}]\n",
		"5:18: `reject` needs an `expect`: nothing is waited for without it\n");
	rig_bad(&rig, RIG_MINIMAL "    on_connect: [{timeout: 1s}]\n",
		"5:18: a step needs `send`, `expect` or both\n");
	rig_bad(&rig, RIG_MINIMAL "routes: [{method: a, pool: main, deny: true}]\n",
		"5:10: a route has one of `pool`, `respond`, `deny` and `drop`\n");
	rig_bad(&rig, RIG_MINIMAL "routes: [{method: a, deny: true, drop: true}]\n",
		"5:10: a route has one of `pool`, `respond`, `deny` and `drop`\n");
	rig_bad(&rig, RIG_MINIMAL "routes: [{method: a, respond: '1', drop: true}]\n",
		"5:10: a route has one of `pool`, `respond`, `deny` and `drop`\n");
	rig_bad(&rig, RIG_MINIMAL "routes: [{method: a, timeout: 1s, attempt_timeout: 2s}]\n",
		"5:52: longer than the route's `timeout`\n");
	rig_bad(&rig, RIG_MINIMAL "drain: {code: 1006}\n",
		"5:15: 1006 is no close code that an endpoint may send\n");
}

Test(config, admin_without_tokens_stays_on_this_machine)
{
	rig_bad(&rig, RIG_MINIMAL "admin: {address: '0.0.0.0:7081'}\n",
		"5:18: an admin listener that other machines can reach needs `admin.tokens`; "
		"without, its address must be loopback or unix:PATH\n");
	rig_bad(&rig, RIG_MINIMAL "admin: {address: '[::]:7081'}\n",
		"5:18: an admin listener that other machines can reach needs `admin.tokens`; "
		"without, its address must be loopback or unix:PATH\n");
	rig_good(&rig, RIG_MINIMAL "admin: {address: 127.8.9.10:7081}\n");
	rig_good(&rig, RIG_MINIMAL "admin: {address: '[::1]:7081'}\n");
	rig_good(&rig, RIG_MINIMAL "admin: {address: localhost:7081}\n");
}

Test(config, sockets_that_are_handed_over)
{
	rig_good(&rig, RIG_MINIMAL "listen: [{address: 'fd:data'}, {address: 'fd:more'}]\n"
				   "admin: {address: 'fd:admin'}\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{address: 'fd:data'}, {address: 'fd:data'}]\n",
		"5:42: another listener has this address already\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{address: 'fd:data'}]\nadmin: {address: 'fd:data'}\n",
		"5:20: the admin listener has this address already\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{address: 'fd:data', reuse_port: true}]\n",
		"5:43: whoever opens the socket of fd:NAME decides who shares it: systemd by "
		"ReusePort=\n");
}

Test(config, envelopes_that_cannot_work)
{
	rig_bad(&rig, RIG_MINIMAL "envelope: {id: requestId, method: /type}\n",
		"5:16: expected a JSON pointer of at most 3 steps, such as /payload, got "
		"\"requestId\"\n");
	rig_bad_somewhere(&rig, RIG_MINIMAL "envelope: {id: /a/b/c/d, method: /type}\n", "5:16: ");
	rig_bad_somewhere(&rig, RIG_MINIMAL "envelope: {id: /a~2, method: /type}\n", "5:16: ");
	rig_bad(&rig, RIG_MINIMAL "envelope: {method: /type}\n",
		"5:11: `envelope` needs `id` and `method`\n");
	rig_bad_somewhere(&rig, RIG_MINIMAL "envelope: {id: /i, method: /m, reply: '{'}\n", "5:");
	rig_bad_somewhere(&rig, RIG_MINIMAL "envelope: {id: /i, method: /m, error: {/a: []}}\n",
			  "5:39: expected a JSON pointer, or a mapping of one to its value");
	rig_bad(&rig, RIG_MINIMAL "envelope: soap\n", "5:11: expected jsonrpc, got \"soap\"\n");
}

Test(config, files_that_are_named_must_be_there)
{
	rig_bad(&rig, RIG_MINIMAL "    tls: {ca: none.pem}\n",
		"5:15: expected a readable file (No such file or directory), got \"none.pem\"\n");
	rig_bad(&rig, RIG_MINIMAL "listen: [{auth: {tokens: none.txt}}]\n",
		"5:26: expected a readable file (No such file or directory), got \"none.txt\"\n");
}

Test(config, secrets_are_never_shown)
{
	static const char *const texts[] = {
		RIG_MINIMAL "    headers: {A: [hunter2]}\n",
		RIG_MINIMAL "    headers: {Host: hunter2}\n",
		RIG_MINIMAL "    headers: {A: \"hunter2\\n\"}\n",
		RIG_MINIMAL "    headers: hunter2\n",
		RIG_MINIMAL "    on_connect: [{send: '{\"token\": hunter2}'}]\n",
		RIG_MINIMAL "    on_connect: [{send: 'hunter2'}]\n",
		RIG_MINIMAL "    on_connect: [{expect: hunter2}]\n",
		RIG_MINIMAL "routes: [{method: a, respond: hunter2}]\n",
		"pools: [{name: a, endpoints: ['ws://u:hunter2@h']}]\n",
		"pools: [{name: a, endpoints: ['ws://h:99999/hunter2']}]\n",
		"pools: [{name: a, endpoints: ['http://h/hunter2']}]\n",
		"pools: [{name: a, endpoints: [ws://h, 'ws://h/?key=hunter2']}]\n",
		RIG_MINIMAL "    size: ${WSB_TEST_SECRET}\n",
	};

	setenv("WSB_TEST_SECRET", "hunter2", 1);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_expect_eq(rig_load(&rig, texts[i]), WSB_EINVAL, "%s", texts[i]);
		cr_expect_null(strstr(strbuf_span(&rig.errors).at, "hunter2"), "%s",
			       rig.errors.text);
	}
}

Test(config, headers_that_would_break_the_handshake)
{
	rig_bad(&rig, RIG_MINIMAL "    headers: {Host: a, upgrade: b, Sec-WebSocket-Key: c}\n",
		"5:15: this header is set by the handshake itself\n"
		"5:24: this header is set by the handshake itself\n"
		"5:36: this header is set by the handshake itself (`subprotocol` is a key)\n");
	rig_bad(&rig, RIG_MINIMAL "    headers: {'A:B': a}\n",
		"5:15: a header's name is made of letters, digits and -\n");
	rig_bad(&rig, RIG_MINIMAL "    headers: {A: \"x\\r\\nB: y\"}\n",
		"5:15: a header's value cannot hold a line break or another control character\n");
	rig_bad(&rig, RIG_MINIMAL "    headers: {A: x, a: y}\n",
		"5:21: this header stands here twice\n");
}

Test(config, json_texts_tell_where_they_break)
{
	rig_bad(&rig, RIG_MINIMAL "    on_connect: [{send: '{\"a\": }'}]\n",
		"5:25: not valid JSON at its line 1, column 7\n");
	rig_bad(&rig, RIG_MINIMAL "routes: [{method: a, respond: '{'}]\n",
		"5:31: not valid JSON at its line 1, column 1\n");
}

Test(config, a_file_that_cannot_be_read)
{
	struct config *config;
	struct strbuf errors;

	strbuf_init(&errors);
	cr_expect_eq(config_load(&config, "/no/such/file.yaml", &errors), WSB_EIO);
	cr_expect_null(config);
	cr_expect_str_eq(errors.text,
			 "/no/such/file.yaml: cannot be read: No such file or directory\n");
	strbuf_clear(&errors);
	cr_expect_eq(config_load(&config, "/", &errors), WSB_EIO);
	strbuf_fini(&errors);
}

Test(config, a_size_that_follows_the_load_has_bounds)
{
	const struct pool_settings *pool;

	pool = &rig_good(&rig, RIG_MINIMAL)->pools[0];
	cr_assert_not(pool->autoscale.enabled);
	pool = &rig_good(&rig, RIG_MINIMAL "    autoscale: {min: 4, max: 8, target: 0.5}\n")
			->pools[0];
	cr_assert(pool->autoscale.enabled);
	cr_assert_eq(pool->size, 8, "the default of 10 is too many");
	pool = &rig_good(&rig, RIG_MINIMAL "    autoscale: {min: 100}\n")->pools[0];
	cr_assert_eq(pool->autoscale.max, 100);
	cr_assert_eq(pool->size, 100);
	pool = &rig_good(&rig, RIG_MINIMAL "    autoscale: {max: 1}\n")->pools[0];
	cr_assert_eq(pool->autoscale.min, 1);
	rig_bad(&rig, RIG_MINIMAL "    autoscale: {min: 9, max: 8}\n",
		"5:16: `autoscale.min` 9 is above `autoscale.max` 8\n");
	rig_bad(&rig, RIG_MINIMAL "    size: 9\n    autoscale: {min: 2, max: 8}\n",
		"5:11: `size` 9 is not between `autoscale.min` 2 and `autoscale.max` 8\n");
	rig_bad(&rig, RIG_MINIMAL "    size: 1\n    autoscale: {min: 2, max: 8}\n",
		"5:11: `size` 1 is not between `autoscale.min` 2 and `autoscale.max` 8\n");
	rig_bad(&rig, RIG_MINIMAL "    autoscale: {target: 0}\n",
		"5:25: `target` must be above 0\n");
}
