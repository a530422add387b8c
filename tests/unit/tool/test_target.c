#include <criterion/criterion.h>
#include <string.h>
#include "broker/tool/target.h"

static struct arena *arena;
static struct ws_target target;

static enum wsb_err parse(const char *url)
{
	const char *why = NULL;
	enum wsb_err err;

	if (!arena)
		cr_assert_eq(arena_create(&arena), WSB_OK);
	err = target_parse(arena, url, &target, &why);
	cr_expect_eq(err == WSB_EINVAL, why != NULL, "%s", url);
	return err;
}

Test(target, tcp_and_tls)
{
	cr_assert_eq(parse("ws://127.0.0.1:7080/"), WSB_OK);
	cr_assert_str_eq(target.host, "127.0.0.1");
	cr_assert_eq(target.port, 7080);
	cr_assert_str_eq(target.path, "/");
	cr_assert_not(target.tls);
	cr_assert_null(target.unix_path);
	cr_assert_eq(parse("wss://example.org/rpc?x=1"), WSB_OK);
	cr_assert_eq(target.port, 443);
	cr_assert_str_eq(target.path, "/rpc?x=1");
	cr_assert(target.tls);
	cr_assert_eq(parse("ws://[::1]"), WSB_OK);
	cr_assert_str_eq(target.host, "::1");
	cr_assert_eq(target.port, 80);
	arena_destroy(arena);
}

Test(target, unix_sockets)
{
	static const char *const urls[] = {"unix:/run/x.sock", "ws+unix:/run/x.sock",
					   "ws+unix:///run/x.sock"};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		cr_assert_eq(parse(urls[i]), WSB_OK, "%s", urls[i]);
		cr_assert_str_eq(target.unix_path, "/run/x.sock");
		cr_assert_str_eq(target.path, "/");
		cr_assert_null(target.host);
	}
	cr_assert_eq(parse("unix:x.sock:/rpc?y"), WSB_OK);
	cr_assert_str_eq(target.unix_path, "x.sock");
	cr_assert_str_eq(target.path, "/rpc?y");
	arena_destroy(arena);
}

Test(target, what_is_none)
{
	static const char *const urls[] = {"",	    "http://x/", "ws://",	  "ws://a:0/",
					   "unix:", "ws://a b/", "ws://a:99999/", "unix::/x"};
	char long_path[200] = "unix:";

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		cr_expect_eq(parse(urls[i]), WSB_EINVAL, "%s", urls[i]);
	memset(long_path + 5, 'a', 108);
	cr_expect_eq(parse(long_path), WSB_EINVAL);
	long_path[5 + 107] = '\0';
	cr_expect_eq(parse(long_path), WSB_OK);
	arena_destroy(arena);
}
