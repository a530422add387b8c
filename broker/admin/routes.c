#include "broker/admin/routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/admin/actions.h"
#include "broker/admin/reads.h"
#include "common/query.h"
#include "proto/admin_api.h"

#define READ(path, need, answer)                                                                   \
	{                                                                                          \
		"GET", path, false, ROLE_VIEWER, need, answer                                      \
	}
#define CHANGE(method, path, answer)                                                               \
	{                                                                                          \
		method, path, false, ROLE_OPERATOR, NEEDS_NOTHING, answer                          \
	}
#define POOL	 ADMIN_POOLS "/{pool}"
#define ENDPOINT POOL "/endpoints/{endpoint}"

const struct admin_route admin_routes[] = {
	/* Probes hold no token, and what these say is no secret. */
	{"GET", ADMIN_LIVEZ, true, ROLE_CLIENT, NEEDS_NOTHING, read_livez},
	{"GET", ADMIN_READYZ, true, ROLE_CLIENT, NEEDS_POOLS, read_readyz},
	READ(ADMIN_METRICS, NEEDS_POOLS, read_metrics),
	READ(ADMIN_STATUS, NEEDS_POOLS, read_status),
	READ(ADMIN_POOLS, NEEDS_POOLS, read_pools),
	READ(POOL, NEEDS_POOLS, read_pool),
	CHANGE("PATCH", POOL, action_change_pool),
	CHANGE("POST", POOL "/pause", action_pause),
	CHANGE("POST", POOL "/resume", action_resume),
	CHANGE("POST", POOL "/reconnect", action_reconnect),
	CHANGE("POST", POOL "/unpin", action_unpin),
	READ(POOL "/endpoints", NEEDS_POOLS, read_endpoints),
	CHANGE("POST", POOL "/endpoints", action_add_endpoint),
	READ(ENDPOINT, NEEDS_POOLS, read_endpoint),
	CHANGE("PATCH", ENDPOINT, action_change_endpoint),
	CHANGE("DELETE", ENDPOINT, action_remove_endpoint),
	READ(ADMIN_ENDPOINTS, NEEDS_POOLS, read_all_endpoints),
	READ(ADMIN_CONNECTIONS, NEEDS_CONNECTIONS, read_connections),
	READ(ADMIN_CLIENTS, NEEDS_CLIENTS, read_clients),
	READ(ADMIN_CLIENTS "/{client}", NEEDS_CLIENTS, read_client),
	CHANGE("DELETE", ADMIN_CLIENTS "/{client}", action_kick),
	READ(ADMIN_BROKERS, NEEDS_BROKERS, read_brokers),
	READ(ADMIN_CACHE, NEEDS_POOLS, read_cache),
	READ(ADMIN_CACHE_ENTRIES, NEEDS_NOTHING, read_cache_entries),
	{"POST", ADMIN_CACHE_INVALIDATE, false, ROLE_PUBLISHER, NEEDS_NOTHING, action_invalidate},
	READ(ADMIN_INVALIDATIONS, NEEDS_NOTHING, read_invalidations),
	READ(ADMIN_OPERATIONS, NEEDS_POOLS, read_operations),
	READ(ADMIN_OPERATIONS "/{operation}", NEEDS_POOLS, read_operation),
	READ(ADMIN_EVENTS, NEEDS_POOLS, read_events),
	READ(ADMIN_REQUESTS, NEEDS_POOLS, read_requests),
	READ(ADMIN_CONFIG, NEEDS_POOLS, read_config),
	CHANGE("PATCH", ADMIN_CONFIG, action_set),
	READ(ADMIN_CONFIG_DIFF, NEEDS_NOTHING, read_config_diff),
	CHANGE("POST", ADMIN_CONFIG_RELOAD, action_reload),
	CHANGE("POST", ADMIN_DRAIN, action_drain),
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

bool admin_name_is_number(const char *name, uint64_t *out)
{
	unsigned long long number;
	char *end;

	if (name[0] < '0' || name[0] > '9')
		return false;
	errno = 0;
	number = strtoull(name, &end, 10);
	if (errno || *end)
		return false;
	*out = number;
	return true;
}
