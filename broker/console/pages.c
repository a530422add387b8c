#include "broker/console/pages.h"

#include <string.h>
#include "broker/console/cells.h"

static void add_text(struct strbuf *out, const char *label, const json_t *object, const char *key)
{
	strbuf_text(out, label);
	strbuf_plain(out, span_text(cells_text_of(object, key)));
}

/* A line for what is wrong, and below it the command to type: no terminal is too narrow. */
static void add_reasons(const json_t *status, struct strbuf *out)
{
	const json_t *reasons = json_object_get(status, "reasons");

	for (size_t i = 0; i < json_array_size(reasons); i++) {
		add_text(out, "", json_array_get(reasons, i), "text");
		add_text(out, "\n  $ ", json_array_get(reasons, i), "command");
		strbuf_text(out, "\n");
	}
	if (json_array_size(reasons) > 0)
		strbuf_text(out, "\n");
}

/* "1023 ok, 2 timeout", what has not happened left out. */
static void add_requests(const json_t *status, struct strbuf *out)
{
	json_t *requests = json_object_get(status, "requests");
	const char *separator = "";
	const char *name;
	json_t *count;

	strbuf_text(out, "requests  ");
	json_object_foreach(requests, name, count)
	{
		if (json_integer_value(count) == 0)
			continue;
		strbuf_printf(out, "%s%" JSON_INTEGER_FORMAT " ", separator,
			      json_integer_value(count));
		strbuf_plain(out, span_text(name));
		separator = ", ";
	}
	strbuf_printf(out, "%s%" JSON_INTEGER_FORMAT " in flight\n", separator,
		      json_integer_value(json_object_get(status, "in_flight")));
}

static void add_bus(const json_t *bus, struct strbuf *out)
{
	const char *url = json_string_value(json_object_get(bus, "url"));

	if (!bus)
		return;
	add_text(out, "bus       ", bus, "state");
	if (url)
		strbuf_printf(out,
			      " at %s, %" JSON_INTEGER_FORMAT " brokers, %" JSON_INTEGER_FORMAT
			      " events wait",
			      url, json_integer_value(json_object_get(bus, "brokers")),
			      json_integer_value(json_object_get(bus, "queued")));
	strbuf_text(out, "\n");
}

static void add_facts(const json_t *status, struct strbuf *out)
{
	char first[HUMAN_TEXT_MAX];
	char second[HUMAN_TEXT_MAX];

	cells_duration_text(status, "uptime_seconds", first);
	add_text(out, "node      ", status, "node");
	add_text(out, ", wsbroker ", status, "version");
	strbuf_printf(out, ", up %s, %s\n", first,
		      json_is_true(json_object_get(status, "ready")) ? "ready" : "not ready");
	strbuf_printf(out,
		      "clients   %" JSON_INTEGER_FORMAT " of at most %" JSON_INTEGER_FORMAT "\n",
		      json_integer_value(json_object_get(status, "clients")),
		      json_integer_value(json_object_get(status, "clients_limit")));
	add_requests(status, out);
	cells_duration_text(status, "p50_seconds", first);
	cells_duration_text(status, "p99_seconds", second);
	strbuf_printf(out, "latency   p50 %s, p99 %s\n", first, second);
	human_bytes(json_number_value(json_object_get(status, "buffer_bytes")), first);
	human_bytes(json_number_value(json_object_get(status, "buffer_limit_bytes")), second);
	strbuf_printf(out, "buffers   %s of at most %s\n", first, second);
	add_bus(json_object_get(status, "bus"), out);
	strbuf_text(out, "\n");
}

void page_status(const json_t *status, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"POOL", false},  {"READY", true},     {"IN_FLIGHT", true}, {"QUEUED", true},
		{"OLDEST", true}, {"ENDPOINTS", true}, {"P50", true},	    {"P99", true},
	};
	const json_t *pools = json_object_get(status, "pools");
	struct table table;

	add_text(out, "", status, "verdict");
	strbuf_text(out, "\n\n");
	add_reasons(status, out);
	add_facts(status, out);
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(pools); i++) {
		const json_t *pool = json_array_get(pools, i);

		cell_text(&table, pool, "name");
		cell_share(&table, pool, "ready", "size");
		cell_number(&table, pool, "in_flight");
		cell_number(&table, pool, "queued");
		cell_duration(&table, pool, "oldest_wait_seconds");
		cell_share(&table, pool, "endpoints_up", "endpoints");
		cell_duration(&table, pool, "p50_seconds");
		cell_duration(&table, pool, "p99_seconds");
	}
	table_write(&table, out);
	table_fini(&table);
}

static void add_pool_rows(const json_t *pools, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"POOL", false},  {"SIZE", true},   {"READY", true},	 {"IN_FLIGHT", true},
		{"QUEUED", true}, {"OLDEST", true}, {"BALANCER", false}, {"ENCODING", false},
		{"OK", true},	  {"ERROR", true},  {"TIMEOUT", true},	 {"P50", true},
		{"P99", true},
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(pools); i++) {
		const json_t *pool = json_array_get(pools, i);
		const json_t *requests = json_object_get(pool, "requests");

		cell_text(&table, pool, "name");
		cell_number(&table, pool, "size");
		cell_number(&table, pool, "ready");
		cell_number(&table, pool, "in_flight");
		cell_number(&table, pool, "queued");
		cell_duration(&table, pool, "oldest_wait_seconds");
		cell_text(&table, pool, "balancer");
		cell_text(&table, pool, "encoding");
		cell_number(&table, requests, "ok");
		cell_number(&table, requests, "error");
		cell_number(&table, requests, "timeout");
		cell_duration(&table, pool, "p50_seconds");
		cell_duration(&table, pool, "p99_seconds");
	}
	table_write(&table, out);
	table_fini(&table);
}

static void add_endpoint_row(const json_t *pool, const json_t *endpoint, struct table *table)
{
	table_printf(table, "%s/%s", cells_text_of(pool, "name"), cells_text_of(endpoint, "name"));
	cell_text(table, endpoint, "state");
	cell_duration(table, endpoint, "since_seconds");
	cell_share(table, endpoint, "ready", "connections");
	cell_number(table, endpoint, "in_flight");
	cell_number(table, endpoint, "requests");
	cell_number(table, endpoint, "failures");
	cell_number(table, endpoint, "connections_lost");
	cell_number(table, endpoint, "weight");
	cell_number(table, endpoint, "tier");
	cell_duration(table, endpoint, "ping_rtt_seconds");
	cell_text(table, endpoint, "last_error");
}

void page_pools(const json_t *pools, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"ENDPOINT", false}, {"STATE", false},	 {"SINCE", true},  {"READY", true},
		{"IN_FLIGHT", true}, {"REQUESTS", true}, {"FAILED", true}, {"LOST", true},
		{"WEIGHT", true},    {"TIER", true},	 {"RTT", true},	   {"LAST_ERROR", false},
	};
	struct table table;

	add_pool_rows(pools, out);
	strbuf_text(out, "\n");
	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(pools); i++) {
		const json_t *pool = json_array_get(pools, i);
		const json_t *endpoints = json_object_get(pool, "endpoints");

		for (size_t e = 0; e < json_array_size(endpoints); e++)
			add_endpoint_row(pool, json_array_get(endpoints, e), &table);
	}
	table_write(&table, out);
	table_fini(&table);
}

void page_endpoints(const json_t *endpoints, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"POOL", false},       {"NAME", false}, {"STATE", false},    {"REASON", false},
		{"SINCE", true},       {"CONN", true},	{"READY", true},     {"IN_FLIGHT", true},
		{"RATE", true},	       {"P50", true},	{"P99", true},	     {"ERRORS", true},
		{"WEIGHT", true},      {"TIER", true},	{"EJECTIONS", true}, {"PROBE_RTT", true},
		{"LAST_ERROR", false},
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(endpoints); i++) {
		const json_t *endpoint = json_array_get(endpoints, i);

		cell_text(&table, endpoint, "pool");
		cell_text(&table, endpoint, "name");
		cell_text(&table, endpoint, "state");
		cell_text(&table, endpoint, "reason");
		cell_duration(&table, endpoint, "since_seconds");
		cell_number(&table, endpoint, "connections");
		cell_number(&table, endpoint, "ready");
		cell_number(&table, endpoint, "in_flight");
		cell_rate(&table, endpoint, "rate");
		cell_duration(&table, endpoint, "p50");
		cell_duration(&table, endpoint, "p99");
		cell_number(&table, endpoint, "errors");
		cell_number(&table, endpoint, "weight");
		cell_number(&table, endpoint, "tier");
		cell_number(&table, endpoint, "ejections");
		cell_duration(&table, endpoint, "probe_rtt");
		cell_text(&table, endpoint, "last_error");
	}
	table_write(&table, out);
	table_fini(&table);
}

void page_connections(const json_t *connections, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"ID", true},	     {"ENDPOINT", false}, {"STATE", false},   {"SINCE", true},
		{"IN_FLIGHT", true}, {"SUBS", true},	  {"REQUESTS", true}, {"IN", true},
		{"OUT", true},	     {"WAITING", true},	  {"RTT", true},
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(connections); i++) {
		const json_t *connection = json_array_get(connections, i);

		cell_number(&table, connection, "id");
		table_printf(&table, "%s/%s", cells_text_of(connection, "pool"),
			     cells_text_of(connection, "endpoint"));
		table_printf(&table, "%s%s", cells_text_of(connection, "state"),
			     json_is_true(json_object_get(connection, "standby")) ? " (standby)"
										  : "");
		cell_duration(&table, connection, "since_seconds");
		cell_number(&table, connection, "in_flight");
		cell_number(&table, connection, "subscriptions");
		cell_number(&table, connection, "requests");
		cell_bytes(&table, connection, "bytes_in");
		cell_bytes(&table, connection, "bytes_out");
		cell_bytes(&table, connection, "outbox_bytes");
		cell_duration(&table, connection, "ping_rtt_seconds");
	}
	table_write(&table, out);
	table_fini(&table);
}

void page_clients(const json_t *clients, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"ID", true},	     {"IDENTITY", false}, {"PEER", false},   {"LISTENER", false},
		{"KIND", false},     {"STATE", false},	  {"SINCE", true},   {"IDLE", true},
		{"IN_FLIGHT", true}, {"OUT", true},	  {"WAITING", true},
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(clients); i++) {
		const json_t *client = json_array_get(clients, i);

		cell_number(&table, client, "id");
		cell_text(&table, client, "identity");
		cell_text(&table, client, "peer");
		cell_text(&table, client, "listener");
		cell_text(&table, client, "kind");
		table_printf(&table, "%s%s", cells_text_of(client, "state"),
			     json_is_true(json_object_get(client, "paused")) ? " (paused)" : "");
		cell_duration(&table, client, "since_seconds");
		cell_duration(&table, client, "idle_seconds");
		cell_number(&table, client, "in_flight");
		cell_bytes(&table, client, "bytes_out");
		cell_bytes(&table, client, "outbox_bytes");
	}
	table_write(&table, out);
	table_fini(&table);
}

void page_brokers(const json_t *brokers, struct strbuf *out)
{
	static const struct table_column columns[] = {
		{"NODE", false},   {"STATE", false}, {"POSITION", false}, {"LAG", true},
		{"CLIENTS", true}, {"HEARD", true},  {"VERSION", false},
	};
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < json_array_size(brokers); i++) {
		const json_t *broker = json_array_get(brokers, i);

		cell_text(&table, broker, "node");
		table_printf(&table, "%s",
			     json_is_true(json_object_get(broker, "self"))   ? "this one"
			     : json_is_true(json_object_get(broker, "live")) ? "live"
									     : "silent");
		cell_text(&table, broker, "position");
		cell_number(&table, broker, "lag_events");
		cell_number(&table, broker, "clients");
		cell_duration(&table, broker, "heard_seconds");
		cell_text(&table, broker, "version");
	}
	table_write(&table, out);
	table_fini(&table);
}
