#include <criterion/criterion.h>
#include <string.h>
#include "broker/control/redis_url.h"

static struct arena *arena;

static void set_up(void)
{
	cr_assert_eq(arena_create(&arena), WSB_OK);
}

static void tear_down(void)
{
	arena_destroy(arena);
}

TestSuite(redis_url, .init = set_up, .fini = tear_down);

static const struct {
	const char *text, *host, *path, *user, *password, *label;
	uint16_t port;
	uint32_t database;
} good[] = {
	{"redis://127.0.0.1:6379/0", "127.0.0.1", NULL, NULL, NULL, "127.0.0.1:6379/0", 6379, 0},
	{"redis://cache", "cache", NULL, NULL, NULL, "cache:6379/0", 6379, 0},
	{"redis://[::1]:7000/12", "::1", NULL, NULL, NULL, "[::1]:7000/12", 7000, 12},
	{"redis://h/", "h", NULL, NULL, NULL, "h:6379/0", 6379, 0},
	{"redis://h?db=3", "h", NULL, NULL, NULL, "h:6379/3", 6379, 3},
	{"redis://:secret@h:1/2", "h", NULL, NULL, "secret", "h:1/2", 1, 2},
	{"redis://me:s%40%3a%2F@h", "h", NULL, "me", "s@:/", "h:6379/0", 6379, 0},
	{"redis://me:a/b@h", "h", NULL, "me", "a/b", "h:6379/0", 6379, 0},
	{"redis+unix:///run/redis.sock", NULL, "/run/redis.sock", NULL, NULL,
	 "unix:/run/redis.sock", 0, 0},
	{"unix:///run/r.sock?db=4", NULL, "/run/r.sock", NULL, NULL, "unix:/run/r.sock/4", 0, 4},
	{"unix:/run/r@x.sock", NULL, "/run/r@x.sock", NULL, NULL, "unix:/run/r@x.sock", 0, 0},
	{"unix://me:pw@/r.sock", NULL, "/r.sock", "me", "pw", "unix:/r.sock", 0, 0},
};

static void same(const char *text, const char *got, const char *wanted)
{
	cr_expect(got && wanted ? strcmp(got, wanted) == 0 : got == wanted, "%s: %s is not %s",
		  text, got ? got : "nothing", wanted ? wanted : "nothing");
}

Test(redis_url, of_each_form)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct bus_url url;
		const char *why = "";

		cr_expect_eq(redis_url_parse(arena, span_text(good[i].text), &url, &why), WSB_OK,
			     "%s: %s", good[i].text, why);
		same(good[i].text, url.host, good[i].host);
		same(good[i].text, url.path, good[i].path);
		same(good[i].text, url.user, good[i].user);
		same(good[i].text, url.password, good[i].password);
		same(good[i].text, url.label, good[i].label);
		cr_expect_eq(url.port, good[i].port, "%s", good[i].text);
		cr_expect_eq(url.database, good[i].database, "%s", good[i].text);
	}
}

Test(redis_url, that_is_none)
{
	static const char *const texts[] = {
		"redis:/h",	 "http://h",	       "127.0.0.1:6379",  "redis://",
		"redis://:1",	 "redis://h:0",	       "redis://h:99999", "redis://h/x",
		"redis://h/1/2", "redis://h?x=1",      "redis://h?db=",	  "redis://[::1",
		"redis://[x]:1", "redis://h/99999999", "unix:",		  "unix://",
		"unix:relative", "unix:///a?db=x",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct bus_url url;
		const char *why = "";

		cr_expect_eq(redis_url_parse(arena, span_text(texts[i]), &url, &why), WSB_EINVAL,
			     "%s", texts[i]);
		cr_expect(why[0], "%s", texts[i]);
	}
}

Test(redis_url, with_tls_says_why_not)
{
	struct bus_url url;
	const char *why = "";

	cr_expect_eq(redis_url_parse(arena, span_text("rediss://:secret@h"), &url, &why),
		     WSB_EINVAL);
	cr_expect(strstr(why, "hiredis"));
	cr_expect_not(strstr(why, "secret"));
}
