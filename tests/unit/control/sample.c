#include "sample.h"

#include <string.h>

static void fill_engine(struct engine_stats *engine)
{
	*engine = (struct engine_stats){
		.clients_total = 101,
		.results = {[RESULT_NO_ROUTE] = 102, [RESULT_LOCAL] = 103},
		.refusals = {[REFUSAL_FULL] = 104},
		.oddities = {[ODD_LATE] = 105},
		.closes = {[SIDE_CLIENT] = {[CLOSE_1000] = 106},
			   [SIDE_UPSTREAM] = {[CLOSE_NONE] = 107}},
		.messages_in = {108, 109},
		.messages_out = {110, 111},
		.bytes_in = {112, 113},
		.bytes_out = {114, 115},
		.notifications = 116,
		.batches = 117,
		.loop_lag_us = 1500,
	};
}

static void fill_traffic(struct traffic_stats *traffic)
{
	memset(traffic, 0, sizeof(*traffic));
	histogram_init(&traffic->duration);
	histogram_init(&traffic->attempt);
	histogram_init(&traffic->queue_wait);
	traffic->results[RESULT_OK] = 201;
	traffic->results[RESULT_TIMEOUT] = 202;
	traffic->attempts = 203;
	traffic->retries_unsent = 204;
	traffic->retries_written = 205;
	traffic->second_attempts = 206;
	traffic->retries_over_budget = 207;
	for (uint64_t us = 50; us <= 5000000; us *= 10) {
		histogram_record(&traffic->duration, us);
		recent_record(&traffic->lately, us);
		histogram_record(&traffic->attempt, us);
	}
}

static void fill_endpoints(struct endpoint_view endpoints[3])
{
	endpoints[0] = (struct endpoint_view){.name = "a",
					      .state = "active",
					      .weight = 1,
					      .tier = 1,
					      .connections = 4,
					      .ready = 3,
					      .in_flight = 5,
					      .since_us = 60000000,
					      .dials = 301,
					      .dial_failures = 302,
					      .connections_lost = 303,
					      .requests = 304,
					      .failures = 305,
					      .ping_rtt_us = 250,
					      .last_error = ""};
	endpoints[1] = (struct endpoint_view){.name = "b",
					      .state = "down",
					      .weight = 2,
					      .tier = 1,
					      .since_us = 9000000,
					      .dials = 306,
					      .dial_failures = 306,
					      .last_error = "refused \xff by \"b\""};
	endpoints[2] = (struct endpoint_view){.name = "c",
					      .state = "standby",
					      .weight = 1,
					      .tier = 2,
					      .connections = 1,
					      .ready = 1,
					      .last_error = ""};
	for (size_t i = 0; i < 3; i++) {
		endpoints[i].well = true;
		endpoints[i].share = 1;
		endpoints[i].success = 1;
		endpoints[i].finding = "";
	}
}

static void fill_pools(struct sample *sample)
{
	sample->pools[0] = (struct pool_view){
		.name = "main",
		.balancer = "least-connections",
		.encoding = "json",
		.size = 10,
		.states = {1, 2, 3, 4},
		.ready = 3,
		.max_in_flight = 256,
		.in_flight = 5,
		.tier = 1,
		.queued = 6,
		.queued_bytes = 700,
		.subscriptions = 17,
		.subscribers = 18,
		.oldest_wait_us = 1250000,
		.paused = true,
		.size_min = 1,
		.size_max = 1000,
		.utilisation = 0.25,
		.scaled_up = 501,
		.traffic = &sample->traffic[0],
		.reports = &sample->reports,
		.endpoints = sample->endpoints,
		.endpoint_count = 2,
	};
	sample->pools[1] = (struct pool_view){
		.name = "odd\"\\\n",
		.balancer = "random",
		.encoding = "msgpack",
		.size = 1,
		.states = {0, 0, 1, 0},
		.ready = 1,
		.max_in_flight = 1,
		.tier = 2,
		.traffic = &sample->traffic[1],
		.reports = &sample->reports,
		.endpoints = &sample->endpoints[2],
		.endpoint_count = 1,
	};
}

static void fill_connections(struct connection_view connections[2])
{
	connections[0] = (struct connection_view){.id = 7,
						  .pool = "main",
						  .endpoint = "a",
						  .state = "ready",
						  .in_flight = 5,
						  .since_us = 2000000,
						  .ping_rtt_us = 250,
						  .requests = 401,
						  .bytes_in = 402,
						  .bytes_out = 403,
						  .outbox_bytes = 404,
						  .subscriptions = 405};
	connections[1] = (struct connection_view){
		.id = 8, .pool = "main", .endpoint = "b", .state = "dialing", .standby = true};
}

void sample_init(struct sample *sample)
{
	fill_engine(&sample->engine);
	fill_traffic(&sample->traffic[0]);
	memset(&sample->traffic[1], 0, sizeof(sample->traffic[1]));
	histogram_init(&sample->traffic[1].duration);
	histogram_init(&sample->traffic[1].attempt);
	histogram_init(&sample->traffic[1].queue_wait);
	fill_endpoints(sample->endpoints);
	sample->operations = (struct operations){.running = 2, .stats.ended = {601, 602}};
	sample->reports = (struct report_stats){.connection_ends[POOL_REASON_eof] = 701};
	fill_pools(sample);
	fill_connections(sample->connections);
	sample->snapshot = (struct snapshot){
		.node = "broker-a",
		.version = "1.2.3",
		.uptime_us = 12345678,
		.ready = true,
		.clients = 12,
		.clients_max = 10000,
		.requests_in_flight = 13,
		.buffer_bytes = 14000,
		.buffer_bytes_max = 1 << 30,
		.operations = &sample->operations,
		.engine = &sample->engine,
		.pools = sample->pools,
		.pool_count = 2,
		.connections = sample->connections,
		.connection_count = 2,
	};
}
