#include <criterion/criterion.h>
#include <string.h>
#include "broker/control/address.h"

static struct arena *arena;

static void set_up(void)
{
	cr_assert_eq(arena_create(&arena), WSB_OK);
}

static void tear_down(void)
{
	arena_destroy(arena);
}

TestSuite(address, .init = set_up, .fini = tear_down);

static struct address parse(const char *text)
{
	struct address address;
	const char *why = NULL;

	cr_assert_eq(address_parse(arena, span_text(text), &address, &why), WSB_OK, "%s: %s", text,
		     why);
	cr_expect_str_eq(address.text, text);
	return address;
}

Test(address, of_each_kind)
{
	struct address address = parse("127.0.0.1:7080");

	cr_expect_eq(address.kind, ADDRESS_TCP);
	cr_expect_str_eq(address.host, "127.0.0.1");
	cr_expect_eq(address.port, 7080);
	cr_expect(address_is_local(&address));
	address = parse("[fe80::1]:1");
	cr_expect_str_eq(address.host, "fe80::1");
	cr_expect_not(address_is_local(&address));
	address = parse("0.0.0.0:65535");
	cr_expect_eq(address.port, 65535);
	cr_expect_not(address_is_local(&address));
	address = parse("localhost:80");
	cr_expect_str_eq(address.host, "127.0.0.1");
	address = parse("unix:/run/x.sock");
	cr_expect_eq(address.kind, ADDRESS_UNIX);
	cr_expect_str_eq(address.path, "/run/x.sock");
	cr_expect(address_is_local(&address));
	address = parse("fd:data.1 v6");
	cr_expect_eq(address.kind, ADDRESS_FD);
	cr_expect_str_eq(address.name, "data.1 v6");
	cr_expect_not(address_is_local(&address), "only the socket can tell");
}

Test(address, that_is_none)
{
	static const char *const texts[] = {
		"",
		"7080",
		":7080",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.0.0.1:65536",
		"127.0.0.1:080808",
		"127.0.0.1:7x",
		"127.0.0.1:-1",
		"host:80",
		"::1:80",
		"[::1]",
		"[::1]x:80",
		"[::1:80",
		"[127.0.0.1]:80",
		"1.2.3:80",
		"*:80",
		"unix:",
		"fd:",
		"fd:a:b",
		"fd:a\n",
		"fd:\xc3\xa9",
		"127.0.0.1:80 ",
	};
	char path[200] = "unix:";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct address address;
		const char *why = NULL;

		cr_expect_eq(address_parse(arena, span_text(texts[i]), &address, &why), WSB_EINVAL,
			     "%s", texts[i]);
		cr_expect_not_null(why, "%s", texts[i]);
	}
	memset(path + 5, 'x', UNIX_PATH_BYTES_MAX);
	parse(path);
	path[5 + UNIX_PATH_BYTES_MAX] = 'x';
	const char *why;
	struct address address;
	cr_expect_eq(address_parse(arena, span_text(path), &address, &why), WSB_EINVAL);
}

static struct endpoint_settings url(const char *text)
{
	struct endpoint_settings endpoint = {.weight = 7};
	const char *why = NULL;

	cr_assert_eq(endpoint_url_parse(arena, span_text(text), &endpoint, &why), WSB_OK, "%s: %s",
		     text, why);
	cr_expect_str_eq(endpoint.url, text);
	cr_expect_eq(endpoint.weight, 7);
	return endpoint;
}

Test(address, of_an_endpoint)
{
	struct endpoint_settings endpoint = url("ws://node-1.internal_x");

	cr_expect_not(endpoint.tls);
	cr_expect_str_eq(endpoint.host, "node-1.internal_x");
	cr_expect_eq(endpoint.port, 80);
	cr_expect_str_eq(endpoint.path, "/");
	endpoint = url("wss://[2001:db8::1]/a/b?c=d&e=%20");
	cr_expect(endpoint.tls);
	cr_expect_str_eq(endpoint.host, "2001:db8::1");
	cr_expect_eq(endpoint.port, 443);
	cr_expect_str_eq(endpoint.path, "/a/b?c=d&e=%20");
	endpoint = url("ws://h:1?x=@:/");
	cr_expect_str_eq(endpoint.path, "/?x=@:/");
	cr_expect_eq(endpoint.port, 1);
}

Test(address, of_an_endpoint_that_is_none)
{
	static const char *const texts[] = {
		"",	      "ws://",	    "ws:///",	       "ws://:80",
		"http://h",   "WS://h",	    "ws://h:0",	       "ws://h:65536",
		"ws://h:",    "ws://h:8 0", "ws://h/#a",       "ws://u@h",
		"ws://u:p@h", "ws://h/a b", "ws://h/\r\nX: y", "ws://h/\xc4\x8d",
		"ws://[::1",  "ws://[h]",   "ws://[::1]x",     "ws://a..b:x",
		"ws://h\\x",  "ws://::1/",  "ws//h",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct endpoint_settings endpoint = {0};
		const char *why = NULL;

		cr_expect_eq(endpoint_url_parse(arena, span_text(texts[i]), &endpoint, &why),
			     WSB_EINVAL, "%s", texts[i]);
		cr_expect_not_null(why, "%s", texts[i]);
	}
}
