/* Requests in, responses out. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/admin/admin.h"
#include "tests/unit/control/sample.h"

static struct sample sample;
static struct admin_response response;
static json_t *body;
static int snapshots_taken;
static bool connections_asked;
static enum wsb_err snapshot_outcome;

static enum wsb_err take_snapshot(void *instance, enum snapshot_extent extent, struct snapshot *out)
{
	const struct sample *from = instance;

	snapshots_taken++;
	connections_asked = extent == SNAPSHOT_CONNECTIONS;
	if (snapshot_outcome != WSB_OK)
		return snapshot_outcome;
	*out = from->snapshot;
	out->memory = malloc(1);
	if (extent != SNAPSHOT_CONNECTIONS) {
		out->connections = NULL;
		out->connection_count = 0;
	}
	return WSB_OK;
}

static void set_up(void)
{
	sample_init(&sample);
	sample.pools[1].name = "odd";
	strbuf_init(&response.body);
	body = NULL;
	snapshots_taken = 0;
	snapshot_outcome = WSB_OK;
}

static void tear_down(void)
{
	json_decref(body);
	strbuf_fini(&response.body);
}

TestSuite(admin, .init = set_up, .fini = tear_down);

static void handle(const char *method, const char *path, const char *origin, const char *host)
{
	const char *hosts[] = {"broker"};
	struct admin_settings settings = {.hosts = hosts, .host_count = 1};
	struct admin_backend backend = {
		.instance = &sample, .settings = &settings, .snapshot = take_snapshot};
	struct admin_request request = {
		.method = span_text(method),
		.path = span_text(path),
		.credentials = {.origin = span_text(origin), .host = span_text(host)},
	};
	struct admin_call call;

	strbuf_clear(&response.body);
	response.status = 0;
	response.content_type = NULL;
	snprintf(response.allow, sizeof(response.allow), "left over");
	if (admin_begin(&backend, &request, &call, &response))
		admin_finish(&backend, &call, span_of(NULL, 0), &response);
	json_decref(body);
	body = json_loads(strbuf_span(&response.body).at, 0, NULL);
}

static void get(const char *path)
{
	handle("GET", path, NULL, "127.0.0.1:7081");
}

static void expect_problem(int status)
{
	cr_expect_eq(response.status, status);
	cr_expect_str_eq(response.content_type, "application/problem+json");
	cr_assert_not_null(body, "%s", response.body.text);
	cr_expect_eq(json_integer_value(json_object_get(body, "status")), status);
	cr_expect_str_eq(json_string_value(json_object_get(body, "type")), "about:blank");
	cr_expect_not_null(json_string_value(json_object_get(body, "title")));
	cr_expect_not_null(json_string_value(json_object_get(body, "detail")));
}

static void expect_json(void)
{
	cr_expect_eq(response.status, 200);
	cr_expect_str_eq(response.content_type, "application/json");
	cr_assert_not_null(body, "%s", response.body.text);
	cr_expect_str_eq(response.allow, "");
}

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	cr_expect(json_is_number(value), "%s", key);
	return json_number_value(value);
}

static const char *string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	cr_assert_not_null(text, "%s", key);
	return text;
}

Test(admin, livez_needs_nothing_but_the_loop)
{
	snapshot_outcome = WSB_ENOMEM;
	get("/livez");
	cr_expect_eq(response.status, 200);
	cr_expect_str_eq(response.body.text, "ok\n");
	cr_expect_eq(snapshots_taken, 0);
}

Test(admin, readyz_says_why_not)
{
	get("/readyz");
	expect_json();
	cr_expect(json_is_true(json_object_get(body, "ready")));
	cr_expect_eq(json_array_size(json_object_get(body, "reasons")), 0);
	sample.snapshot.ready = false;
	snprintf(sample.snapshot.ready_reasons, sizeof(sample.snapshot.ready_reasons),
		 "draining\npool main has no ready connection\n");
	get("/readyz");
	cr_expect_eq(response.status, 503);
	cr_expect_str_eq(response.content_type, "application/json");
	cr_expect(json_is_false(json_object_get(body, "ready")));
	cr_assert_eq(json_array_size(json_object_get(body, "reasons")), 2);
	cr_expect_str_eq(json_string_value(json_array_get(json_object_get(body, "reasons"), 1)),
			 "pool main has no ready connection");
}

Test(admin, metrics_are_prometheus_text)
{
	get("/metrics");
	cr_expect_eq(response.status, 200);
	cr_expect_str_eq(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
	cr_expect_not_null(strstr(response.body.text, "\nwsbroker_clients 12\n"));
}

Test(admin, pools_in_full)
{
	const json_t *endpoint;
	const json_t *pool;

	get("/v1/pools");
	expect_json();
	cr_expect_not(connections_asked);
	cr_assert_eq(json_array_size(body), 2);
	pool = json_array_get(body, 0);
	cr_expect_str_eq(string(pool, "name"), "main");
	cr_expect_str_eq(string(pool, "balancer"), "least-connections");
	cr_expect_str_eq(string(pool, "encoding"), "json");
	cr_expect_eq(number(pool, "size"), 10);
	cr_expect_eq(number(pool, "ready"), 3);
	cr_expect_eq(number(pool, "in_flight"), 5);
	cr_expect_eq(number(pool, "queued"), 6);
	cr_expect_eq(number(pool, "queued_bytes"), 700);
	cr_expect_eq(number(pool, "subscriptions"), 17);
	cr_expect_eq(number(pool, "subscribers"), 18);
	cr_expect_eq(number(pool, "oldest_wait_seconds"), 1.25);
	cr_expect_eq(number(pool, "max_in_flight"), 256);
	cr_expect_eq(number(json_object_get(pool, "requests"), "timeout"), 202);
	cr_expect_gt(number(pool, "p99_seconds"), 1);
	cr_expect(json_is_null(json_object_get(json_array_get(body, 1), "p99_seconds")));
	endpoint = json_array_get(json_object_get(pool, "endpoints"), 0);
	cr_expect_str_eq(string(endpoint, "name"), "a");
	cr_expect_eq(number(endpoint, "ping_rtt_seconds"), 0.00025);
	cr_expect_eq(number(endpoint, "dials"), 301);
	cr_expect(json_is_null(json_object_get(endpoint, "last_error")));
	endpoint = json_array_get(json_object_get(pool, "endpoints"), 1);
	cr_expect_str_eq(string(endpoint, "state"), "down");
	cr_expect_str_eq(string(endpoint, "last_error"), "refused \xef\xbf\xbd by \"b\"");
	cr_expect(json_is_null(json_object_get(endpoint, "ping_rtt_seconds")));
	cr_expect_not_null(strstr(response.body.text, "\"ping_rtt_seconds\": 0.00025,"));
}

Test(admin, one_pool_by_its_name)
{
	get("/v1/pools/odd");
	expect_json();
	cr_expect_str_eq(string(body, "name"), "odd");
	get("/v1/pools/none");
	expect_problem(404);
	get("/v1/pools/o%64d");
	expect_json();
	get("/v1/pools/odd/endpoints");
	expect_json();
	cr_expect_eq(json_array_size(body), 1);
	get("/v1/pools/odd/endpoints/c");
	expect_json();
	cr_expect_str_eq(string(body, "pool"), "odd");
	cr_expect_str_eq(string(body, "state"), "standby");
	get("/v1/pools/odd/endpoints/a");
	expect_problem(404);
}

Test(admin, connections_in_full)
{
	const json_t *connection;

	get("/v1/connections");
	expect_json();
	cr_expect(connections_asked);
	cr_assert_eq(json_array_size(body), 2);
	connection = json_array_get(body, 0);
	cr_expect_eq(number(connection, "id"), 7);
	cr_expect_str_eq(string(connection, "pool"), "main");
	cr_expect_str_eq(string(connection, "endpoint"), "a");
	cr_expect_str_eq(string(connection, "state"), "ready");
	cr_expect_eq(number(connection, "since_seconds"), 2);
	cr_expect_eq(number(connection, "requests"), 401);
	cr_expect_eq(number(connection, "bytes_in"), 402);
	cr_expect_eq(number(connection, "bytes_out"), 403);
	cr_expect_eq(number(connection, "outbox_bytes"), 404);
	cr_expect_eq(number(connection, "subscriptions"), 405);
	cr_expect(json_is_null(json_object_get(json_array_get(body, 1), "ping_rtt_seconds")));
	cr_expect(json_is_true(json_object_get(json_array_get(body, 1), "standby")));
}

Test(admin, status_begins_with_the_verdict)
{
	void *first;

	get("/v1/status");
	expect_json();
	first = json_object_iter(body);
	cr_expect_str_eq(json_object_iter_key(first), "verdict");
	cr_expect_str_eq(string(body, "verdict"), "degraded");
	cr_expect_str_eq(string(body, "node"), "broker-a");
	cr_expect_str_eq(string(body, "version"), "1.2.3");
	cr_expect_eq(number(body, "uptime_seconds"), 12.345678);
	cr_expect_eq(number(body, "clients"), 12);
	cr_expect_eq(number(body, "in_flight"), 13);
	cr_expect_eq(number(json_object_get(body, "requests"), "ok"), 201);
	cr_expect_eq(number(json_object_get(body, "requests"), "no_route"), 102);
	cr_expect_gt(number(body, "p50_seconds"), 0);
	cr_assert_eq(json_array_size(json_object_get(body, "pools")), 2);
	cr_expect_gt(json_array_size(json_object_get(body, "reasons")), 0);
	string(json_array_get(json_object_get(body, "reasons"), 0), "text");
	string(json_array_get(json_object_get(body, "reasons"), 0), "command");
}

Test(admin, unknown_paths)
{
	static const char *const paths[] = {
		"",
		"/",
		"/livez/",
		"/v1",
		"/v1/",
		"/v1/pools/",
		"/v1/pools/main/endpoints/",
		"/v1/pools/main/endpoint",
		"/v1/pools/%00",
		"/v1//pools",
		"/../etc/passwd",
		"/V1/pools",
		"/v1/pool",
		"/metrics2",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		get(paths[i]);
		expect_problem(404);
		handle("POST", paths[i], NULL, NULL);
		expect_problem(404);
	}
	cr_expect_eq(snapshots_taken, 0);
}

Test(admin, reading_is_all_there_is)
{
	static const char *const methods[] = {"POST",	 "PUT", "DELETE", "PATCH",
					      "OPTIONS", "get", ""};
	static const char *const paths[] = {"/livez", "/metrics", "/v1/pools", "/v1/events"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		for (size_t j = 0; j < sizeof(paths) / sizeof(paths[0]); j++) {
			handle(methods[i], paths[j], NULL, NULL);
			expect_problem(405);
			cr_expect_str_eq(response.allow, "GET, HEAD");
		}
	}
}

Test(admin, what_can_be_changed_says_how)
{
	handle("POST", "/v1/pools/main", NULL, NULL);
	expect_problem(405);
	cr_expect_str_eq(response.allow, "GET, HEAD, PATCH");
	handle("PUT", "/v1/pools/main/endpoints/a", NULL, NULL);
	expect_problem(405);
	cr_expect_str_eq(response.allow, "GET, HEAD, PATCH, DELETE");
	get("/v1/drain");
	expect_problem(405);
	cr_expect_str_eq(response.allow, "POST");
}

Test(admin, pages_of_other_servers_are_refused)
{
	static const char *const foreign[] = {
		"http://evil.example.com",
		"null",
		"",
		"http://127.0.0.1:7082",
		"http://127.0.0.1",
		"http://127.0.0.1:7081.evil.com",
		"ftp://127.0.0.1:7081",
		"http://",
		"http://x@127.0.0.1:7081",
	};

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		handle("GET", "/v1/status", foreign[i], "127.0.0.1:7081");
		expect_problem(403);
	}
	handle("GET", "/v1/status", "http://127.0.0.1:7081", NULL);
	expect_problem(403);
	handle("GET", "/v1/status", "http://127.0.0.1:7081", "127.0.0.1:7081");
	expect_json();
	handle("GET", "/v1/status", "HTTP://LocalHost", "localhost:80");
	expect_json();
	handle("GET", "/v1/status", "https://broker:443", "broker");
	expect_json();
}

Test(admin, no_memory_is_a_problem_too)
{
	snapshot_outcome = WSB_ENOMEM;
	get("/v1/status");
	cr_expect_eq(response.status, 500);
	cr_expect_str_eq(response.content_type, "application/problem+json");
	cr_expect_eq(json_integer_value(json_object_get(body, "status")), 500);
	get("/metrics");
	cr_expect_eq(response.status, 500);
}
