#include "broker/admin/admin.h"

#include <strings.h>
#include "broker/admin/answer.h"
#include "broker/admin/body.h"
#include "broker/admin/origin.h"
#include "broker/admin/routes.h"

static bool is_get(struct span method)
{
	return span_is(method, "GET");
}

/* Beyond the type only parameters may follow. */
static bool is_json(struct span type)
{
	static const char name[] = "application/json";
	size_t len = sizeof(name) - 1;

	return type.len >= len && strncasecmp(type.at, name, len) == 0 &&
	       (type.len == len || type.at[len] == ';' || type.at[len] == ' ');
}

/* Whether a header's list of media types has this one. */
static bool is_among(struct span list, const char *type)
{
	size_t len = strlen(type);

	for (size_t i = 0; list.at && i + len <= list.len; i++) {
		if (strncasecmp(list.at + i, type, len) == 0)
			return true;
	}
	return false;
}

/* Another page's request is refused before anybody is asked who he is: the browser that sends it
 * may be an operator's. */
static bool check_access(const struct admin_backend *backend, const struct admin_request *request,
			 struct admin_call *call, struct admin_response *response)
{
	const struct credentials *credentials = &request->credentials;
	char why[ACCESS_WHY_MAX];
	int status;

	if (credentials->origin.at && !origin_is_own(credentials->origin, credentials->host)) {
		answer_problem(response, 403, "Requests from pages of other servers are refused.");
		return false;
	}
	if (call->route->open)
		return true;
	status = access_identify(backend->settings, credentials, &call->identity, why);
	if (status == 0 && call->identity.role >= call->route->role)
		return true;
	if (status == 0)
		answer_problemf(response, 403, "This needs the role %s; %s has the role %s.",
				access_role_name(call->route->role), call->identity.actor,
				access_role_name(call->identity.role));
	else
		answer_problem(response, status, why);
	response->challenge = status == 401;
	return false;
}

static bool check_form(const struct admin_request *request, struct admin_call *call,
		       struct admin_response *response)
{
	if (request->has_body && !is_get(request->method)) {
		if (!is_json(request->content_type)) {
			answer_problem(response, 415,
				       "The body must have Content-Type: application/json.");
			return false;
		}
		if (request->content_length > ADMIN_BODY_BYTES_MAX) {
			answer_problem(response, 413, "The body is longer than 1 MiB.");
			return false;
		}
	}
	if (request->query.len >= sizeof(call->query)) {
		answer_problem(response, 400, "The query is too long.");
		return false;
	}
	if (request->query.at)
		memcpy(call->query, request->query.at, request->query.len);
	call->query[request->query.len] = '\0';
	call->wants_stream = is_among(request->accept, "text/event-stream");
	/* What is too long for one of ours is none of ours, and so is its beginning. */
	if (request->last_event_id.at)
		memcpy(call->last_event_id, request->last_event_id.at,
		       request->last_event_id.len < sizeof(call->last_event_id)
			       ? request->last_event_id.len
			       : sizeof(call->last_event_id) - 1);
	return true;
}

bool admin_begin(const struct admin_backend *backend, const struct admin_request *request,
		 struct admin_call *call, struct admin_response *response)
{
	struct admin_call empty = {0};

	*call = empty;
	call->wall_us = request->wall_us;
	response->location[0] = '\0';
	response->link[0] = '\0';
	response->challenge = false;
	response->stream = STREAM_NONE;
	call->route = admin_route_find(request->method, request->path, call, response->allow);
	if (!call->route) {
		if (response->allow[0])
			answer_problemf(response, 405, "At this path there is only %s.",
					response->allow);
		else
			answer_problem(response, 404, "There is nothing at this path.");
		return false;
	}
	response->allow[0] = '\0';
	return check_access(backend, request, call, response) &&
	       check_form(request, call, response);
}

static void answer_route(struct admin_exchange *exchange)
{
	const struct admin_backend *backend = exchange->backend;
	static const enum snapshot_extent extents[] = {
		[NEEDS_POOLS] = SNAPSHOT_POOLS,
		[NEEDS_CONNECTIONS] = SNAPSHOT_CONNECTIONS,
		[NEEDS_CLIENTS] = SNAPSHOT_CLIENTS,
		[NEEDS_BROKERS] = SNAPSHOT_BROKERS,
	};
	const struct admin_route *route = exchange->call->route;
	struct snapshot snapshot = {0};

	if (route->need == NEEDS_NOTHING) {
		route->answer(exchange);
		return;
	}
	if (backend->snapshot(backend->instance, extents[route->need], &snapshot) != WSB_OK) {
		answer_no_memory(exchange->response);
		return;
	}
	exchange->snapshot = &snapshot;
	route->answer(exchange);
	snapshot_fini(&snapshot);
}

void admin_finish(const struct admin_backend *backend, const struct admin_call *call,
		  struct span body, struct admin_response *response)
{
	struct admin_exchange exchange = {.backend = backend, .call = call, .response = response};
	json_t *object = NULL;

	if (strcmp(call->route->method, "GET") != 0) {
		object = body_parse(body, response);
		if (!object)
			return;
		exchange.body = object;
	}
	answer_route(&exchange);
	json_decref(object);
}
