#include "broker/admin/routes.h"

#include <stdio.h>
#include <string.h>
#include "broker/admin/reads.h"
#include "common/query.h"
#include "proto/admin_api.h"

const struct admin_route admin_routes[] = {
	/* Probes hold no token, and what these say is no secret. */
	{"GET", ADMIN_LIVEZ, true, ROLE_CLIENT, NEEDS_NOTHING, read_livez},
	{"GET", ADMIN_READYZ, true, ROLE_CLIENT, NEEDS_SNAPSHOT, read_readyz},
	{"GET", ADMIN_METRICS, false, ROLE_VIEWER, NEEDS_SNAPSHOT, read_metrics},
	{"GET", ADMIN_STATUS, false, ROLE_VIEWER, NEEDS_SNAPSHOT, read_status},
	{"GET", ADMIN_POOLS, false, ROLE_VIEWER, NEEDS_SNAPSHOT, read_pools},
	{"GET", ADMIN_POOLS "/{pool}", false, ROLE_VIEWER, NEEDS_SNAPSHOT, read_pool},
	{"GET", ADMIN_POOLS "/{pool}/endpoints", false, ROLE_VIEWER, NEEDS_SNAPSHOT,
	 read_endpoints},
	{"GET", ADMIN_POOLS "/{pool}/endpoints/{endpoint}", false, ROLE_VIEWER, NEEDS_SNAPSHOT,
	 read_endpoint},
	{"GET", ADMIN_ENDPOINTS, false, ROLE_VIEWER, NEEDS_SNAPSHOT, read_all_endpoints},
	{"GET", ADMIN_CONNECTIONS, false, ROLE_VIEWER, NEEDS_CONNECTIONS, read_connections},
};

const size_t admin_route_count = sizeof(admin_routes) / sizeof(admin_routes[0]);

/* The next segment of a path, the slash before it left out. */
static bool next_segment(struct span *rest, struct span *segment)
{
	const char *end;

	if (rest->len == 0 || rest->at[0] != '/')
		return false;
	*rest = span_of(rest->at + 1, rest->len - 1);
	end = memchr(rest->at, '/', rest->len);
	*segment = span_of(rest->at, end ? (size_t)(end - rest->at) : rest->len);
	*rest = span_of(segment->at + segment->len, rest->len - segment->len);
	return true;
}

/* A name that is empty, too long or holds a NUL is nobody's. */
static bool take_name(struct span segment, char name[ADMIN_NAME_MAX])
{
	struct span decoded = query_decode(segment, name, ADMIN_NAME_MAX - 1);

	if (!decoded.at || decoded.len == 0 || memchr(decoded.at, '\0', decoded.len))
		return false;
	name[decoded.len] = '\0';
	return true;
}

static bool matches(const struct admin_route *route, struct span path, struct admin_call *call)
{
	struct span pattern = span_text(route->path);
	struct span expected;
	struct span segment;
	size_t names = 0;

	while (next_segment(&pattern, &expected)) {
		if (!next_segment(&path, &segment))
			return false;
		if (expected.at[0] != '{' ? !span_equal(expected, segment)
					  : !take_name(segment, call->names[names++]))
			return false;
	}
	return path.len == 0;
}

static void add_method(char *allow, size_t size, const char *method)
{
	size_t len = strlen(allow);

	snprintf(allow + len, size - len, "%s%s", len > 0 ? ", " : "", method);
}

const struct admin_route *admin_route_find(struct span method, struct span path,
					   struct admin_call *call, char allow[ADMIN_ALLOW_MAX])
{
	allow[0] = '\0';
	for (size_t i = 0; i < admin_route_count; i++) {
		const struct admin_route *route = &admin_routes[i];

		if (!matches(route, path, call))
			continue;
		if (span_is(method, route->method))
			return route;
		add_method(allow, ADMIN_ALLOW_MAX, route->method);
		if (strcmp(route->method, "GET") == 0)
			add_method(allow, ADMIN_ALLOW_MAX, "HEAD");
	}
	return NULL;
}
