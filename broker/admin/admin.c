#include "broker/admin/admin.h"

#include <jansson.h>
#include "broker/admin/origin.h"
#include "broker/admin/views.h"
#include "broker/control/exposition.h"
#include "proto/admin_api.h"

#define JSON_TYPE    "application/json"
#define PROBLEM_TYPE "application/problem+json"
#define POOL_PREFIX  ADMIN_POOLS "/"

/* 15 digits print each number of microseconds as it was. */
#define DUMP_FLAGS (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

static int add_dumped(const char *bytes, size_t size, void *context)
{
	strbuf_add(context, span_of(bytes, size));
	return 0;
}

/* Takes the reference. */
static void answer_json(struct admin_response *response, int status, const char *content_type,
			json_t *value)
{
	int dumped =
		value ? json_dump_callback(value, add_dumped, &response->body, DUMP_FLAGS) : -1;

	json_decref(value);
	strbuf_text(&response->body, "\n");
	response->status = status;
	response->content_type = content_type;
	if (dumped == 0 && !response->body.failed)
		return;
	/* Memory ran out; this text needs none to speak of. */
	strbuf_clear(&response->body);
	strbuf_text(&response->body, "{\"title\": \"Internal Server Error\", \"status\": 500}\n");
	response->status = 500;
	response->content_type = PROBLEM_TYPE;
}

/* RFC 9457. */
static void answer_problem(struct admin_response *response, int status, const char *title,
			   const char *detail)
{
	answer_json(response, status, PROBLEM_TYPE,
		    json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title", title,
			      "status", status, "detail", detail));
}

static void answer_livez(const struct snapshot *snapshot, struct span name,
			 struct admin_response *response)
{
	(void)snapshot;
	(void)name;
	strbuf_text(&response->body, "ok\n");
	response->status = 200;
	response->content_type = "text/plain; charset=utf-8";
}

static void answer_readyz(const struct snapshot *snapshot, struct span name,
			  struct admin_response *response)
{
	(void)name;
	answer_json(response, snapshot->ready ? 200 : 503, JSON_TYPE, view_readiness(snapshot));
}

static void answer_metrics(const struct snapshot *snapshot, struct span name,
			   struct admin_response *response)
{
	(void)name;
	exposition_write(snapshot, &response->body);
	response->status = 200;
	response->content_type = EXPOSITION_TYPE;
	if (response->body.failed)
		answer_json(response, 500, PROBLEM_TYPE, NULL);
}

static void answer_status(const struct snapshot *snapshot, struct span name,
			  struct admin_response *response)
{
	(void)name;
	answer_json(response, 200, JSON_TYPE, view_status(snapshot));
}

static void answer_pools(const struct snapshot *snapshot, struct span name,
			 struct admin_response *response)
{
	(void)name;
	answer_json(response, 200, JSON_TYPE, view_pools(snapshot));
}

static void answer_pool(const struct snapshot *snapshot, struct span name,
			struct admin_response *response)
{
	for (size_t i = 0; i < snapshot->pool_count; i++) {
		if (span_is(name, snapshot->pools[i].name)) {
			answer_json(response, 200, JSON_TYPE, view_pool(&snapshot->pools[i]));
			return;
		}
	}
	answer_problem(response, 404, "Not Found", "There is no pool of this name.");
}

static void answer_connections(const struct snapshot *snapshot, struct span name,
			       struct admin_response *response)
{
	(void)name;
	answer_json(response, 200, JSON_TYPE, view_connections(snapshot));
}

/* A path that ends in a slash is a prefix: what follows it is handed on as name. */
struct admin_route {
	const char *path;
	bool snapshot; /* /livez must not need one: it says that the loop turns, no more */
	bool connections;
	void (*answer)(const struct snapshot *snapshot, struct span name,
		       struct admin_response *response);
};

static const struct admin_route routes[] = {
	{ADMIN_LIVEZ, false, false, answer_livez},
	{ADMIN_READYZ, true, false, answer_readyz},
	{ADMIN_METRICS, true, false, answer_metrics},
	{ADMIN_STATUS, true, false, answer_status},
	{ADMIN_POOLS, true, false, answer_pools},
	{POOL_PREFIX, true, false, answer_pool},
	{ADMIN_CONNECTIONS, true, true, answer_connections},
};

static const struct admin_route *find_route(struct span path, struct span *name)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct span own = span_text(routes[i].path);

		*name = span_of(NULL, 0);
		if (own.at[own.len - 1] != '/') {
			if (span_equal(path, own))
				return &routes[i];
			continue;
		}
		if (path.len <= own.len || !span_begins(path, own.at))
			continue;
		*name = span_of(path.at + own.len, path.len - own.len);
		if (!memchr(name->at, '/', name->len))
			return &routes[i];
	}
	return NULL;
}

static void answer_route(const struct admin_backend *backend, const struct admin_route *route,
			 struct span name, struct admin_response *response)
{
	struct snapshot snapshot = {0};

	if (route->snapshot &&
	    backend->snapshot(backend->instance, route->connections, &snapshot) != WSB_OK) {
		answer_json(response, 500, PROBLEM_TYPE, NULL);
		return;
	}
	route->answer(&snapshot, name, response);
	snapshot_fini(&snapshot);
}

void admin_handle(const struct admin_backend *backend, const struct admin_request *request,
		  struct admin_response *response)
{
	const struct admin_route *route;
	struct span name;

	response->allow = NULL;
	if (request->origin.at && !origin_is_own(request->origin, request->host)) {
		answer_problem(response, 403, "Forbidden",
			       "Requests from pages of other servers are refused.");
		return;
	}
	route = find_route(request->path, &name);
	if (!route) {
		answer_problem(response, 404, "Not Found", "There is nothing at this path.");
		return;
	}
	if (!span_is(request->method, "GET") && !span_is(request->method, "HEAD")) {
		response->allow = "GET, HEAD";
		answer_problem(response, 405, "Method Not Allowed", "This path can be read only.");
		return;
	}
	answer_route(backend, route, name, response);
}
