/* The table of routes: every one, as everybody. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/admin/routes.h"
#include "tests/unit/control/sample.h"

static struct token tokens[] = {
	{.name = "app", .role = ROLE_CLIENT, .secret = "client"},
	{.name = "grafana", .role = ROLE_VIEWER, .secret = "viewer"},
	{.name = "deploy", .role = ROLE_PUBLISHER, .secret = "publisher"},
	{.name = "anna", .role = ROLE_OPERATOR, .secret = "operator"},
};

static struct admin_settings settings = {.tokens = {.tokens = tokens, .count = 4}};
static struct admin_backend backend = {.settings = &settings};
static struct admin_response response;

static void set_up(void)
{
	strbuf_init(&response.body);
}

static void tear_down(void)
{
	strbuf_fini(&response.body);
}

TestSuite(routes, .init = set_up, .fini = tear_down);

/* The path with "x" for each name. */
static void fill_in(const char *pattern, char path[128])
{
	size_t len = 0;

	for (; *pattern; pattern++) {
		path[len++] = *pattern == '{' ? 'x' : *pattern;
		if (*pattern == '{')
			pattern = strchr(pattern, '}');
	}
	path[len] = '\0';
}

/* The status that the head gets; 0: it may go on. */
static int begin(const struct admin_route *route, const char *secret, const char *origin)
{
	struct admin_call call;
	char path[128];
	char authorization[64];
	struct admin_request request = {
		.method = span_text(route->method),
		.path = span_of(path, 0),
		.credentials = {.origin = span_text(origin), .host = span_text("127.0.0.1")},
	};

	fill_in(route->path, path);
	request.path = span_text(path);
	if (secret) {
		snprintf(authorization, sizeof(authorization), "Bearer %s", secret);
		request.credentials.authorization = span_text(authorization);
	}
	strbuf_clear(&response.body);
	if (admin_begin(&backend, &request, &call, &response)) {
		cr_expect_eq(call.route, route);
		return 0;
	}
	cr_expect_eq(response.challenge, response.status == 401);
	return response.status;
}

Test(routes, each_asks_for_its_role)
{
	for (size_t i = 0; i < admin_route_count; i++) {
		const struct admin_route *route = &admin_routes[i];

		for (size_t role = 0; role < 4; role++) {
			int expected = route->open || role >= route->role ? 0 : 403;

			cr_expect_eq(begin(route, tokens[role].secret, NULL), expected,
				     "%s %s as %s", route->method, route->path, tokens[role].name);
		}
		cr_expect_eq(begin(route, NULL, NULL), route->open ? 0 : 401, "%s %s",
			     route->method, route->path);
		cr_expect_eq(begin(route, "wrong", NULL), route->open ? 0 : 401);
		cr_expect_eq(begin(route, "operator", "http://evil.example.com"), 403);
	}
}

/* What changes anything is an operator's, unless it says here why not: whoever publishes what has
 * changed may say so. */
Test(routes, reading_is_a_viewers_and_changing_an_operators)
{
	for (size_t i = 0; i < admin_route_count; i++) {
		const struct admin_route *route = &admin_routes[i];
		bool reads = strcmp(route->method, "GET") == 0;
		bool publishes = strcmp(route->path, "/v1/cache/invalidate") == 0;

		cr_expect(strcmp(route->method, "GET") == 0 || strcmp(route->method, "POST") == 0 ||
			  strcmp(route->method, "PATCH") == 0 ||
			  strcmp(route->method, "DELETE") == 0);
		cr_expect_eq(route->role,
			     route->open ? ROLE_CLIENT
			     : reads	 ? ROLE_VIEWER
			     : publishes ? ROLE_PUBLISHER
					 : ROLE_OPERATOR,
			     "%s %s", route->method, route->path);
		cr_expect(!route->open || strcmp(route->path, "/livez") == 0 ||
			  strcmp(route->path, "/readyz") == 0);
	}
}

/* The methods under each path of proto/openapi.yaml, as its form has them: paths two spaces in,
 * methods four. */
static bool is_described(const char *text, const struct admin_route *route)
{
	char path[128];
	char method[16];
	const char *at;
	const char *end;

	snprintf(path, sizeof(path), "\n  %s:\n", route->path);
	at = strstr(text, path);
	if (!at)
		return false;
	end = strstr(at + 3, "\n  /");
	snprintf(method, sizeof(method), "\n    %s:\n", route->method);
	for (char *c = method; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
	at = strstr(at, method);
	return at && (!end || at < end);
}

static char *read_description(void)
{
	FILE *file = fopen(OPENAPI, "re");
	static char text[128 * 1024];
	size_t len;

	cr_assert_not_null(file, "%s", OPENAPI);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	cr_assert_lt(len, sizeof(text) - 1);
	return text;
}

static size_t count_lines_like(const char *text, const char *const *starts)
{
	size_t count = 0;

	for (; *starts; starts++) {
		for (const char *at = text; (at = strstr(at, *starts)) != NULL; at++)
			count++;
	}
	return count;
}

Test(routes, each_is_described_and_no_other)
{
	static const char *const methods[] = {"\n    get:\n", "\n    post:\n",	 "\n    patch:\n",
					      "\n    put:\n", "\n    delete:\n", NULL};
	const char *text = read_description();

	for (size_t i = 0; i < admin_route_count; i++)
		cr_expect(is_described(text, &admin_routes[i]), "%s %s", admin_routes[i].method,
			  admin_routes[i].path);
	cr_expect_eq(count_lines_like(text, methods), admin_route_count);
}
