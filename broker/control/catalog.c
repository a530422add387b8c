#include "broker/control/catalog.h"

#include <assert.h>
#include "broker/control/operation.h"
#include "broker/control/snapshot.h"
#include "broker/pool/connection.h"
#include "broker/pool/report.h"

#define IN(scope_, type, member, value_)                                                           \
	.scope = (scope_), .value = (value_), .offset = offsetof(type, member)
#define CACHE(member)		   IN(METRIC_INSTANCE, struct snapshot, cache.member, VALUE_U64)
#define INSTANCE(member, value_)   IN(METRIC_INSTANCE, struct snapshot, member, value_)
#define ENGINE(member)		   IN(METRIC_ENGINE, struct engine_stats, member, VALUE_U64)
#define POOL(member, value_)	   IN(METRIC_POOL, struct pool_view, member, value_)
#define TRAFFIC(member, value_)	   IN(METRIC_TRAFFIC, struct traffic_stats, member, value_)
#define REPORTS(member)		   IN(METRIC_REPORTS, struct report_stats, member, VALUE_U64)
#define OPERATIONS(member, value_) IN(METRIC_OPERATIONS, struct operations, member, value_)
#define ENDPOINT(member, value_)   IN(METRIC_ENDPOINT, struct endpoint_view, member, value_)

/* clang-format off */
const struct metric metrics[] = {
	{"wsbroker_build_info", METRIC_GAUGE, "version", "Always 1; the label says what runs.",
	 {{INSTANCE(version, VALUE_ONE), .dimension = DIMENSION_VERSION}}},
	{"wsbroker_uptime_seconds", METRIC_GAUGE, "", "Time since the broker started.",
	 {{INSTANCE(uptime_us, VALUE_SECONDS)}}},
	{"wsbroker_ready", METRIC_GAUGE, "", "1 while /readyz answers 200.",
	 {{INSTANCE(ready, VALUE_FLAG)}}},
	{"wsbroker_reloads_total", METRIC_COUNTER, "result",
	 "Times that the configuration file was read again, by whether it was taken.",
	 {{INSTANCE(config.reloads, VALUE_U64), .labels = "result=\"ok\""},
	  {INSTANCE(config.rejected, VALUE_U64), .labels = "result=\"rejected\""}}},
	{"wsbroker_config_generation", METRIC_GAUGE, "",
	 "Times that the running configuration was replaced, by a reload or `config set`; 1 at the "
	 "start.",
	 {{INSTANCE(config.generation, VALUE_U64)}}},
	{"wsbroker_config_last_reload_timestamp_seconds", METRIC_GAUGE, "",
	 "When the file was last taken, since 1970; the start counts.",
	 {{INSTANCE(config.reloaded_wall_us, VALUE_SECONDS)}}},
	{"wsbroker_config_last_reload_successful", METRIC_GAUGE, "",
	 "0 while the file was refused when it was last read.",
	 {{INSTANCE(config.successful, VALUE_FLAG)}}},
	{"wsbroker_state_writes_total", METRIC_COUNTER, "result",
	 "Times that the state file was written, by whether that went well.",
	 {{INSTANCE(config.state_written, VALUE_U64), .labels = "result=\"ok\""},
	  {INSTANCE(config.state_failed, VALUE_U64), .labels = "result=\"failed\""}}},
	{"wsbroker_config_restart_needed", METRIC_GAUGE, "",
	 "Keys whose value in the file takes effect with the next start only.",
	 {{INSTANCE(config.restart_needed, VALUE_SIZE)}}},
	{"wsbroker_clients", METRIC_GAUGE, "", "Clients connected now.",
	 {{INSTANCE(clients, VALUE_SIZE)}}},
	{"wsbroker_clients_limit", METRIC_GAUGE, "", "Most clients at once (limits.clients).",
	 {{INSTANCE(clients_max, VALUE_SIZE)}}},
	{"wsbroker_clients_total", METRIC_COUNTER, "", "Clients that have connected.",
	 {{ENGINE(clients_total)}}},
	{"wsbroker_refusals_total", METRIC_COUNTER, "reason",
	 "Upgrades and posts refused before they began.",
	 {{ENGINE(refusals), .dimension = DIMENSION_REFUSAL}}},
	{"wsbroker_connections", METRIC_GAUGE, "pool, state", "Upstream connections by state.",
	 {{POOL(states, VALUE_U32), .dimension = DIMENSION_STATE}}},
	{"wsbroker_pool_size", METRIC_GAUGE, "pool", "Connections that the pool aims at.",
	 {{POOL(size, VALUE_U32)}}},
	{"wsbroker_pool_size_min", METRIC_GAUGE, "pool",
	 "Fewest connections that the pool aims at.",
	 {{POOL(size_min, VALUE_U32)}}},
	{"wsbroker_pool_size_max", METRIC_GAUGE, "pool",
	 "Most connections that the pool may have.",
	 {{POOL(size_max, VALUE_U32)}}},
	{"wsbroker_pool_pinned", METRIC_GAUGE, "pool",
	 "1 while the size is an operator's and does not follow the load.",
	 {{POOL(pinned, VALUE_FLAG)}}},
	{"wsbroker_pool_paused", METRIC_GAUGE, "pool", "1 while new requests wait (pool pause).",
	 {{POOL(paused, VALUE_FLAG)}}},
	{"wsbroker_pool_utilization_ratio", METRIC_GAUGE, "pool",
	 "Requests in flight and waiting by what the connections may carry at once.",
	 {{POOL(utilisation, VALUE_REAL)}}},
	{"wsbroker_pool_scalings_total", METRIC_COUNTER, "pool, direction",
	 "Changes of the size because of the load.",
	 {{POOL(scaled_up, VALUE_U64), .labels = "direction=\"up\""},
	  {POOL(scaled_down, VALUE_U64), .labels = "direction=\"down\""}}},
	{"wsbroker_pool_changes_total", METRIC_COUNTER, "pool, reason",
	 "Changes of the pool as a whole: its size, balancer, pauses, tier.",
	 {{REPORTS(pool_changes), .dimension = DIMENSION_POOL_REASON}}},
	{"wsbroker_endpoint_changes_total", METRIC_COUNTER, "pool, reason",
	 "Changes of endpoints: where they stand, their weight.",
	 {{REPORTS(endpoint_changes), .dimension = DIMENSION_POOL_REASON}}},
	{"wsbroker_connection_ends_total", METRIC_COUNTER, "pool, reason",
	 "Upstream connections that have ended, dials in vain included.",
	 {{REPORTS(connection_ends), .dimension = DIMENSION_POOL_REASON}}},
	{"wsbroker_operations_running", METRIC_GAUGE, "", "Operations under way.",
	 {{OPERATIONS(running, VALUE_SIZE)}}},
	{"wsbroker_operations_total", METRIC_COUNTER, "result", "Operations that have ended.",
	 {{OPERATIONS(stats.ended, VALUE_U64), .dimension = DIMENSION_OPERATION}}},
	{"wsbroker_endpoint_up", METRIC_GAUGE, "pool, endpoint",
	 "1 while the endpoint has a connection that can carry requests.",
	 {{ENDPOINT(state, VALUE_UP)}}},
	{"wsbroker_endpoint_dials_total", METRIC_COUNTER, "pool, endpoint",
	 "Connections attempted.", {{ENDPOINT(dials, VALUE_U64)}}},
	{"wsbroker_endpoint_dial_failures_total", METRIC_COUNTER, "pool, endpoint",
	 "Connections attempted in vain.", {{ENDPOINT(dial_failures, VALUE_U64)}}},
	{"wsbroker_endpoint_connections_lost_total", METRIC_COUNTER, "pool, endpoint",
	 "Ready connections that ended unasked.", {{ENDPOINT(connections_lost, VALUE_U64)}}},
	{"wsbroker_endpoint_requests_total", METRIC_COUNTER, "pool, endpoint",
	 "Attempts sent to the endpoint.", {{ENDPOINT(requests, VALUE_U64)}}},
	{"wsbroker_endpoint_failures_total", METRIC_COUNTER, "pool, endpoint",
	 "Attempts that ended without an answer.", {{ENDPOINT(failures, VALUE_U64)}}},
	{"wsbroker_endpoint_ping_rtt_seconds", METRIC_GAUGE, "pool, endpoint",
	 "Longest time from ping to pong, of the last ones of its connections.",
	 {{ENDPOINT(ping_rtt_us, VALUE_KNOWN)}}},
	{"wsbroker_endpoint_healthy", METRIC_GAUGE, "pool, endpoint",
	 "0 while the endpoint is ejected or on trial, or its probes fail.",
	 {{ENDPOINT(well, VALUE_FLAG)}}},
	{"wsbroker_endpoint_share", METRIC_GAUGE, "pool, endpoint",
	 "How much of its full share of the traffic the endpoint gets at most: less than 1 in "
	 "slow start, after failures, and while it is silent.",
	 {{ENDPOINT(share, VALUE_REAL)}}},
	{"wsbroker_endpoint_ramping", METRIC_GAUGE, "pool, endpoint",
	 "Ready connections of the endpoint in slow start.",
	 {{ENDPOINT(ramping, VALUE_U32)}}},
	{"wsbroker_endpoint_success_ratio", METRIC_GAUGE, "pool, endpoint",
	 "Share of the attempts in the window of ejection that did not fail.",
	 {{ENDPOINT(success, VALUE_REAL)}}},
	{"wsbroker_endpoint_faults_total", METRIC_COUNTER, "pool, endpoint, reason",
	 "What went wrong with the endpoint: failed connects, lost connections, probes, timeouts "
	 "and listed errors.",
	 {{ENDPOINT(failures_by, VALUE_U64), .dimension = DIMENSION_FAILURE}}},
	{"wsbroker_ejections_total", METRIC_COUNTER, "pool, endpoint, reason",
	 "Times that the endpoint was ejected, by what went wrong last.",
	 {{ENDPOINT(ejections_by, VALUE_U64), .dimension = DIMENSION_FAILURE}}},
	{"wsbroker_pool_panic", METRIC_GAUGE, "pool",
	 "1 while fewer than half of the endpoints are healthy, so that all are used.",
	 {{POOL(panic, VALUE_FLAG)}}},
	{"wsbroker_panics_total", METRIC_COUNTER, "pool", "Times that panic began.",
	 {{POOL(panics, VALUE_U64)}}},
	{"wsbroker_probes_total", METRIC_COUNTER, "pool, endpoint, result",
	 "Probing calls by their outcome.",
	 {{ENDPOINT(probes, VALUE_U64), .dimension = DIMENSION_PROBE}}},
	{"wsbroker_probe_rtt_seconds", METRIC_GAUGE, "pool, endpoint",
	 "Time from the last probing call to its answer.",
	 {{ENDPOINT(probe_rtt_us, VALUE_KNOWN)}}},
	{"wsbroker_requests_total", METRIC_COUNTER, "pool, result",
	 "Requests by how they ended; the pool is empty where none was reached.",
	 {{TRAFFIC(results, VALUE_U64), .dimension = DIMENSION_RESULT},
	  {ENGINE(results), .labels = "pool=\"\"", .dimension = DIMENSION_RESULT}}},
	{"wsbroker_request_duration_seconds", METRIC_HISTOGRAM, "pool",
	 "Time from a request's arrival to its answer.",
	 {{TRAFFIC(duration, VALUE_HISTOGRAM)}}},
	{"wsbroker_attempt_duration_seconds", METRIC_HISTOGRAM, "pool",
	 "Time from sending an attempt upstream to its answer.",
	 {{TRAFFIC(attempt, VALUE_HISTOGRAM)}}},
	{"wsbroker_queue_wait_seconds", METRIC_HISTOGRAM, "pool",
	 "Time that requests waited for a connection, of those that waited.",
	 {{TRAFFIC(queue_wait, VALUE_HISTOGRAM)}}},
	{"wsbroker_attempts_total", METRIC_COUNTER, "pool", "Attempts sent upstream.",
	 {{TRAFFIC(attempts, VALUE_U64)}}},
	{"wsbroker_retries_total", METRIC_COUNTER, "pool, reason",
	 "Attempts after the first: moved before they were written, sent again after, sent "
	 "elsewhere after attempt_timeout or after an error that counts as a failure, or refused "
	 "by the retry budget.",
	 {{TRAFFIC(retries_unsent, VALUE_U64), .labels = "reason=\"unsent\""},
	  {TRAFFIC(retries_written, VALUE_U64), .labels = "reason=\"written\""},
	  {TRAFFIC(second_attempts, VALUE_U64), .labels = "reason=\"attempt_timeout\""},
	  {TRAFFIC(retries_refused, VALUE_U64), .labels = "reason=\"error\""},
	  {TRAFFIC(retries_over_budget, VALUE_U64), .labels = "reason=\"over_budget\""}}},
	{"wsbroker_hedges_total", METRIC_COUNTER, "pool, result",
	 "Second attempts of routes with hedge: answered first (won), or not (lost).",
	 {{TRAFFIC(hedges_won, VALUE_U64), .labels = "result=\"won\""},
	  {TRAFFIC(hedges_lost, VALUE_U64), .labels = "result=\"lost\""}}},
	{"wsbroker_affinity_total", METRIC_COUNTER, "pool, reason",
	 "Connections chosen for clients to stay on: their first, or another one because that "
	 "was lost or drained.",
	 {{TRAFFIC(seats_taken, VALUE_U64), .labels = "reason=\"first\""},
	  {TRAFFIC(seats_moved, VALUE_U64), .labels = "reason=\"moved\""}}},
	{"wsbroker_sessions", METRIC_GAUGE, "pool",
	 "Clients of session listeners that have their upstream connection.",
	 {{POOL(sessions, VALUE_U32)}}},
	{"wsbroker_sessions_total", METRIC_COUNTER, "pool",
	 "Clients of session listeners that have got one.", {{TRAFFIC(tunnels_opened, VALUE_U64)}}},
	{"wsbroker_session_refusals_total", METRIC_COUNTER, "pool, reason",
	 "Clients of session listeners refused: as many as the size allows were there, no endpoint "
	 "could be reached, or the endpoint would not have them.",
	 {{TRAFFIC(tunnels_full, VALUE_U64), .labels = "reason=\"full\""},
	  {TRAFFIC(tunnels_unavailable, VALUE_U64), .labels = "reason=\"unavailable\""},
	  {TRAFFIC(tunnels_declined, VALUE_U64), .labels = "reason=\"upstream\""}}},
	{"wsbroker_session_bytes_total", METRIC_COUNTER, "pool, direction",
	 "Bytes carried from clients of session listeners (up) and to them (down).",
	 {{TRAFFIC(tunnel_bytes_up, VALUE_U64), .labels = "direction=\"up\""},
	  {TRAFFIC(tunnel_bytes_down, VALUE_U64), .labels = "direction=\"down\""}}},
	{"wsbroker_in_flight", METRIC_GAUGE, "pool", "Requests sent upstream and not answered yet.",
	 {{POOL(in_flight, VALUE_U32)}}},
	{"wsbroker_queue_depth", METRIC_GAUGE, "pool", "Requests that wait for a connection.",
	 {{POOL(queued, VALUE_SIZE)}}},
	{"wsbroker_queue_bytes", METRIC_GAUGE, "pool", "Bytes that wait for a connection.",
	 {{POOL(queued_bytes, VALUE_SIZE)}}},
	{"wsbroker_queue_oldest_seconds", METRIC_GAUGE, "pool",
	 "How long the longest waiting request has waited; 0: none waits.",
	 {{POOL(oldest_wait_us, VALUE_SECONDS)}}},
	{"wsbroker_subscriptions", METRIC_GAUGE, "pool",
	 "Subscriptions upstream; equal ones of many clients are one.",
	 {{POOL(subscriptions, VALUE_SIZE)}}},
	{"wsbroker_subscribers", METRIC_GAUGE, "pool", "Clients' ends of subscriptions.",
	 {{POOL(subscribers, VALUE_SIZE)}}},
	{"wsbroker_subscription_gaps_total", METRIC_COUNTER, "pool, reason",
	 "Interruptions of subscriptions that their clients were told of (`wsbroker.gap`).",
	 {{TRAFFIC(gaps, VALUE_U64), .dimension = DIMENSION_GAP}}},
	{"wsbroker_subscription_events_total", METRIC_COUNTER, "pool, result",
	 "Events of subscriptions: received, delivered (once for each client), repeated while a "
	 "subscription moved, late for one that had ended.",
	 {{TRAFFIC(events, VALUE_U64), .labels = "result=\"received\""},
	  {TRAFFIC(events_delivered, VALUE_U64), .labels = "result=\"delivered\""},
	  {TRAFFIC(events_repeated, VALUE_U64), .labels = "result=\"repeated\""},
	  {TRAFFIC(events_late, VALUE_U64), .labels = "result=\"late\""}}},
	{"wsbroker_pushes_total", METRIC_COUNTER, "pool, result",
	 "Pushes that a rule is about: forwarded, dropped because it says so, or ignored because "
	 "their connection is not the source of pushes.",
	 {{TRAFFIC(pushes_forwarded, VALUE_U64), .labels = "result=\"forwarded\""},
	  {TRAFFIC(pushes_dropped, VALUE_U64), .labels = "result=\"dropped\""},
	  {TRAFFIC(pushes_elsewhere, VALUE_U64), .labels = "result=\"not_source\""}}},
	{"wsbroker_notifications_total", METRIC_COUNTER, "", "Notifications from clients.",
	 {{ENGINE(notifications)}}},
	{"wsbroker_batches_total", METRIC_COUNTER, "", "Batches from clients.",
	 {{ENGINE(batches)}}},
	{"wsbroker_messages_total", METRIC_COUNTER, "side, direction",
	 "Messages received (in) and sent (out) on the client and upstream sides.",
	 {{ENGINE(messages_in[SIDE_CLIENT]), .labels = "side=\"client\",direction=\"in\""},
	  {ENGINE(messages_out[SIDE_CLIENT]), .labels = "side=\"client\",direction=\"out\""},
	  {ENGINE(messages_in[SIDE_UPSTREAM]), .labels = "side=\"upstream\",direction=\"in\""},
	  {ENGINE(messages_out[SIDE_UPSTREAM]),
	   .labels = "side=\"upstream\",direction=\"out\""}}},
	{"wsbroker_bytes_total", METRIC_COUNTER, "side, direction",
	 "Bytes received (in) and sent (out) on the client and upstream sides.",
	 {{ENGINE(bytes_in[SIDE_CLIENT]), .labels = "side=\"client\",direction=\"in\""},
	  {ENGINE(bytes_out[SIDE_CLIENT]), .labels = "side=\"client\",direction=\"out\""},
	  {ENGINE(bytes_in[SIDE_UPSTREAM]), .labels = "side=\"upstream\",direction=\"in\""},
	  {ENGINE(bytes_out[SIDE_UPSTREAM]), .labels = "side=\"upstream\",direction=\"out\""}}},
	{"wsbroker_closes_total", METRIC_COUNTER, "side, code",
	 "WebSockets that ended, by close code (none: without a close frame).",
	 {{ENGINE(closes[SIDE_CLIENT]), .labels = "side=\"client\"", .dimension = DIMENSION_CLOSE},
	  {ENGINE(closes[SIDE_UPSTREAM]), .labels = "side=\"upstream\"",
	   .dimension = DIMENSION_CLOSE}}},
	{"wsbroker_discards_total", METRIC_COUNTER, "reason",
	 "Messages that went to nobody, and clients cut because they did not read.",
	 {{ENGINE(oddities), .dimension = DIMENSION_ODDITY}}},
	{"wsbroker_cache_hits_total", METRIC_COUNTER, "",
	 "Requests answered with a fresh entry of the cache.", {{CACHE(requests.hits)}}},
	{"wsbroker_cache_stale_total", METRIC_COUNTER, "reason",
	 "Requests answered with a stale entry: while it is refreshed, or because the upstream "
	 "failed (stale_if_error).",
	 {{CACHE(requests.stale), .labels = "reason=\"refreshing\""},
	  {CACHE(requests.stale_error), .labels = "reason=\"error\""}}},
	{"wsbroker_cache_misses_total", METRIC_COUNTER, "",
	 "Requests for which the cache had nothing that could be served.",
	 {{CACHE(requests.misses)}}},
	{"wsbroker_cache_coalesced_total", METRIC_COUNTER, "",
	 "Of these, those that waited for another request's load instead of their own.",
	 {{CACHE(requests.joined)}}},
	{"wsbroker_cache_upstream_saved", METRIC_GAUGE, "",
	 "Requests that upstreams were spared since the start: hits, stale and coalesced ones, "
	 "less the loads that nobody waited for. Below 0 where these cost more.",
	 {{INSTANCE(cache.saved, VALUE_I64)}}},
	{"wsbroker_cache_passed_by_total", METRIC_COUNTER, "reason",
	 "Requests of cached routes that did not look into the cache: they asked not to, asked for "
	 "a refresh, or have no key.",
	 {{CACHE(requests.bypasses), .labels = "reason=\"bypass\""},
	  {CACHE(requests.refreshes), .labels = "reason=\"refresh\""},
	  {CACHE(requests.uncacheable), .labels = "reason=\"uncacheable\""}}},
	{"wsbroker_cache_background_loads_total", METRIC_COUNTER, "reason",
	 "Requests of the broker's own: for a stale entry, or one that grew old while it was asked "
	 "for again and again.",
	 {{CACHE(requests.own_loads[OWN_LOAD_STALE]), .labels = "reason=\"stale\""},
	  {CACHE(requests.own_loads[OWN_LOAD_AHEAD]), .labels = "reason=\"ahead\""}}},
	{"wsbroker_prefetches_total", METRIC_COUNTER, "result",
	 "Requests of the broker's own that somebody was likely to ask next: issued, and of these "
	 "used or wasted.",
	 {{CACHE(prefetch.issued), .labels = "result=\"issued\""},
	  {CACHE(prefetch.used), .labels = "result=\"used\""},
	  {CACHE(prefetch.wasted), .labels = "result=\"wasted\""}}},
	{"wsbroker_cache_stored_total", METRIC_COUNTER, "", "Answers stored.",
	 {{CACHE(requests.stored)}}},
	{"wsbroker_cache_not_stored_total", METRIC_COUNTER, "reason",
	 "Answers of cached routes that were not stored.",
	 {{CACHE(requests.not_stored), .dimension = DIMENSION_NOT_STORED}}},
	{"wsbroker_cache_evictions_total", METRIC_COUNTER, "",
	 "Entries that had to make room for others.", {{CACHE(store.evictions)}}},
	{"wsbroker_cache_expirations_total", METRIC_COUNTER, "",
	 "Entries that ended with their time.", {{CACHE(store.expirations)}}},
	{"wsbroker_cache_invalidated_total", METRIC_COUNTER, "",
	 "Entries that invalidations have hit.", {{CACHE(store.invalidated)}}},
	{"wsbroker_cache_entries", METRIC_GAUGE, "", "Entries in the cache.",
	 {{CACHE(store.entries)}}},
	{"wsbroker_cache_bytes", METRIC_GAUGE, "",
	 "Memory of the cache: keys, tags, indexes and payload.", {{CACHE(store.bytes)}}},
	{"wsbroker_cache_limit_bytes", METRIC_GAUGE, "",
	 "Most memory that the cache may take (cache.memory).", {{CACHE(store.memory_bytes)}}},
	{"wsbroker_cache_payload_bytes", METRIC_GAUGE, "",
	 "Answers in the cache as they are served.", {{CACHE(store.payload_plain_bytes)}}},
	{"wsbroker_cache_compressed_bytes", METRIC_GAUGE, "",
	 "The same as they are kept, compressed where that is worth it.",
	 {{CACHE(store.payload_bytes)}}},
	{"wsbroker_cache_overhead_bytes", METRIC_GAUGE, "",
	 "Memory of the cache without payload, keys and tags.", {{CACHE(store.overhead_bytes)}}},
	{"wsbroker_cache_loads", METRIC_GAUGE, "", "Loads under way.",
	 {{INSTANCE(cache.loads, VALUE_SIZE)}}},
	{"wsbroker_cache_waiting", METRIC_GAUGE, "", "Requests that wait for another one's load.",
	 {{INSTANCE(cache.waiting, VALUE_SIZE)}}},
	{"wsbroker_cache_leases_total", METRIC_COUNTER, "result",
	 "Calls of wsbroker.cache.get that were given a lease or told to wait, and of "
	 "wsbroker.cache.put that were stored or refused.",
	 {{CACHE(requests.leases), .labels = "result=\"given\""},
	  {CACHE(requests.leases_waiting), .labels = "result=\"wait\""},
	  {CACHE(requests.puts), .labels = "result=\"stored\""},
	  {CACHE(requests.puts_refused), .labels = "result=\"refused\""}}},
	{"wsbroker_invalidations_total", METRIC_COUNTER, "cause",
	 "Invalidations applied to the cache; bus: they came from another broker.",
	 {{ENGINE(invalidations), .dimension = DIMENSION_CAUSE}}},
	{"wsbroker_invalidations_broad_total", METRIC_COUNTER, "cause",
	 "Writes and pushes that named more than 1024 tags: all that their rule could name was "
	 "invalidated.",
	 {{ENGINE(invalidations_broad), .dimension = DIMENSION_CAUSE}}},
	{"wsbroker_invalidation_events_ignored_total", METRIC_COUNTER, "reason",
	 "Events of the log of invalidations that were passed over.",
	 {{ENGINE(event_flaws), .dimension = DIMENSION_EVENT_FLAW}}},
	{"wsbroker_invalidation_subscribers", METRIC_GAUGE, "",
	 "Subscriptions of clients to the invalidations.",
	 {{INSTANCE(followers, VALUE_SIZE)}}},
	{"wsbroker_bus_state", METRIC_GAUGE, "state",
	 "1 for the state of the bus: embedded without Redis; live, suspect, replay or resync.",
	 {{INSTANCE(bus.is_state, VALUE_U64), .dimension = DIMENSION_BUS_STATE}}},
	{"wsbroker_bus_refused", METRIC_GAUGE, "reason",
	 "1 where Redis does not do its part though the log is read: publish, inbox, channels, "
	 "copies, heartbeats; brokers: there are more than can be known.",
	 {{INSTANCE(bus.is_refused, VALUE_U64), .dimension = DIMENSION_BUS_PART}}},
	{"wsbroker_bus_lag_seconds", METRIC_GAUGE, "",
	 "For how long it has not been known what other brokers invalidate.",
	 {{INSTANCE(bus.lag_us, VALUE_SECONDS)}}},
	{"wsbroker_bus_queue_depth", METRIC_GAUGE, "",
	 "Own events that Redis has not logged yet.",
	 {{INSTANCE(bus.queued, VALUE_U64)}}},
	{"wsbroker_bus_brokers", METRIC_GAUGE, "", "Brokers on the bus that live, this one too.",
	 {{INSTANCE(bus.brokers, VALUE_SIZE)}}},
	{"wsbroker_bus_connects_total", METRIC_COUNTER, "", "Times that a master was found.",
	 {{INSTANCE(bus.stats.connects, VALUE_U64)}}},
	{"wsbroker_bus_events_total", METRIC_COUNTER, "direction",
	 "Events logged on Redis by this broker (out) and read from there (in).",
	 {{INSTANCE(bus.stats.arrived, VALUE_U64), .labels = "direction=\"in\""},
	  {INSTANCE(bus.stats.published, VALUE_U64), .labels = "direction=\"out\""}}},
	{"wsbroker_bus_events_refused_total", METRIC_COUNTER, "",
	 "Own events that Redis would not log; they are sent again.",
	 {{INSTANCE(bus.stats.refused, VALUE_U64)}}},
	{"wsbroker_bus_events_merged_total", METRIC_COUNTER, "",
	 "Own events that said no more than one that was waiting for Redis.",
	 {{INSTANCE(bus.stats.merged, VALUE_U64)}}},
	{"wsbroker_bus_overflows_total", METRIC_COUNTER, "",
	 "Times that too many events waited for Redis and became one flush.",
	 {{INSTANCE(bus.stats.overflows, VALUE_U64)}}},
	{"wsbroker_bus_resyncs_total", METRIC_COUNTER, "",
	 "Times that events were missing and all entries became stale.",
	 {{INSTANCE(bus.stats.resyncs, VALUE_U64)}}},
	{"wsbroker_bus_unreadable_total", METRIC_COUNTER, "",
	 "Entries, messages and answers from Redis that were not what they must be.",
	 {{INSTANCE(bus.stats.malformed, VALUE_U64)}}},
	{"wsbroker_buffer_bytes", METRIC_GAUGE, "", "Bytes buffered in the process.",
	 {{INSTANCE(buffer_bytes, VALUE_U64)}}},
	{"wsbroker_buffer_limit_bytes", METRIC_GAUGE, "",
	 "Buffered bytes above which nothing is read (limits.memory).",
	 {{INSTANCE(buffer_bytes_max, VALUE_U64)}}},
	{"wsbroker_loop_lag_seconds", METRIC_GAUGE, "",
	 "How late the latest tick of the loop came.",
	 {{IN(METRIC_ENGINE, struct engine_stats, loop_lag_us, VALUE_SECONDS)}}},
};
/* clang-format on */

const size_t metric_count = sizeof(metrics) / sizeof(metrics[0]);

const struct metric_bucket metric_buckets[] = {
	{100, "0.0001"},  {250, "0.00025"}, {500, "0.0005"},  {1000, "0.001"}, {2000, "0.002"},
	{3000, "0.003"},  {5000, "0.005"},  {7500, "0.0075"}, {10000, "0.01"}, {15000, "0.015"},
	{20000, "0.02"},  {30000, "0.03"},  {50000, "0.05"},  {100000, "0.1"}, {250000, "0.25"},
	{500000, "0.5"},  {1000000, "1"},   {2500000, "2.5"}, {5000000, "5"},  {10000000, "10"},
	{30000000, "30"},
};
const size_t metric_bucket_count = sizeof(metric_buckets) / sizeof(metric_buckets[0]);

static const char *const states[CONNECTION_STATES] = {
	[CONNECTION_DIALING] = "dialing", [CONNECTION_WARMING] = "warming",
	[CONNECTION_READY] = "ready",	  [CONNECTION_DRAINING] = "draining",
	[CONNECTION_CLOSED] = "closed",
};

static const char *const pool_reasons[POOL_REASON_COUNT] = {
#define X(name) #name,
	POOL_REASONS(X)
#undef X
};

static const char *const failures[FAILURE_KINDS] = {
#define X(name, text) [FAILURE_##name] = (text),
	FAILURES(X)
#undef X
};

static const char *const probe_results[PROBE_RESULTS] = {
#define X(name, text) [PROBE_##name] = (text),
	PROBE_OUTCOMES(X)
#undef X
};

const char *metric_type_name(enum metric_type type)
{
	static const char *const names[] = {
		[METRIC_COUNTER] = "counter",
		[METRIC_GAUGE] = "gauge",
		[METRIC_HISTOGRAM] = "histogram",
	};

	return names[type];
}

const char *dimension_label(enum metric_dimension dimension)
{
	static const char *const labels[] = {
		[DIMENSION_RESULT] = "result",	    [DIMENSION_STATE] = "state",
		[DIMENSION_CLOSE] = "code",	    [DIMENSION_REFUSAL] = "reason",
		[DIMENSION_ODDITY] = "reason",	    [DIMENSION_VERSION] = "version",
		[DIMENSION_POOL_REASON] = "reason", [DIMENSION_OPERATION] = "result",
		[DIMENSION_GAP] = "reason",	    [DIMENSION_FAILURE] = "reason",
		[DIMENSION_PROBE] = "result",	    [DIMENSION_CAUSE] = "cause",
		[DIMENSION_EVENT_FLAW] = "reason",  [DIMENSION_BUS_STATE] = "state",
		[DIMENSION_NOT_STORED] = "reason",  [DIMENSION_BUS_PART] = "reason",
	};

	return labels[dimension];
}

size_t dimension_size(enum metric_dimension dimension)
{
	static const size_t sizes[] = {
		[DIMENSION_NONE] = 1,
		[DIMENSION_RESULT] = RESULT_COUNT,
		[DIMENSION_STATE] = CONNECTION_STATES - 1, /* closed ones are as good as gone */
		[DIMENSION_CLOSE] = CLOSE_CLASSES,
		[DIMENSION_REFUSAL] = REFUSAL_KINDS,
		[DIMENSION_ODDITY] = ODDITIES,
		[DIMENSION_VERSION] = 1,
		[DIMENSION_GAP] = GAP_REASONS,
		[DIMENSION_POOL_REASON] = POOL_REASON_COUNT,
		[DIMENSION_OPERATION] = OPERATION_STATES - 1,
		[DIMENSION_FAILURE] = FAILURE_KINDS,
		[DIMENSION_PROBE] = PROBE_RESULTS,
		[DIMENSION_CAUSE] = CAUSE_COUNT,
		[DIMENSION_EVENT_FLAW] = EVENT_FLAWS,
		[DIMENSION_BUS_STATE] = BUS_STATES,
		[DIMENSION_BUS_PART] = BUS_PARTS,
		[DIMENSION_NOT_STORED] = NOT_STORED_REASONS,
	};

	return sizes[dimension];
}

const char *dimension_value(enum metric_dimension dimension, size_t index)
{
	switch (dimension) {
	case DIMENSION_RESULT:
		return request_result_name((enum request_result)index);
	case DIMENSION_STATE:
		return states[index];
	case DIMENSION_CLOSE:
		return close_class_name((enum close_class)index);
	case DIMENSION_REFUSAL:
		return refusal_name((enum refusal_kind)index);
	case DIMENSION_FAILURE:
		return failures[index];
	case DIMENSION_PROBE:
		return probe_results[index];
	case DIMENSION_CAUSE:
		return event_cause_name((enum event_cause)index);
	case DIMENSION_BUS_STATE:
		return bus_state_name((enum bus_state)index);
	case DIMENSION_BUS_PART:
		return bus_part_name((enum bus_part)index);
	case DIMENSION_EVENT_FLAW:
		return event_flaw_name((enum event_flaw)index);
	case DIMENSION_NOT_STORED:
		return not_stored_name((enum not_stored)index);
	case DIMENSION_ODDITY:
		return oddity_name((enum oddity)index);
	case DIMENSION_GAP:
		return gap_reason_name((enum gap_reason)index);
	case DIMENSION_POOL_REASON:
		return pool_reasons[index];
	case DIMENSION_OPERATION:
		return operation_state_name((enum operation_state)(OPERATION_DONE + index));
	default:
		assert(false && "this dimension has no names");
		return "";
	}
}

void catalog_reference(struct strbuf *out)
{
	strbuf_text(out,
		    "# Metrics\n\n"
		    "`GET /metrics` on the admin listener answers in the Prometheus text format. "
		    "Durations are in seconds, sizes in bytes; counters begin at 0 when the broker "
		    "starts. This page is printed by `wsbroker --print-metrics`.\n\n"
		    "| Name | Type | Labels | Meaning |\n"
		    "|---|---|---|---|\n");
	for (size_t i = 0; i < metric_count; i++)
		strbuf_printf(out, "| `%s` | %s | %s | %s |\n", metrics[i].name,
			      metric_type_name(metrics[i].type), metrics[i].labels,
			      metrics[i].help);
	strbuf_text(out, "\nBuckets of every histogram, in seconds:");
	for (size_t i = 0; i < metric_bucket_count; i++)
		strbuf_printf(out, " %s%s", metric_buckets[i].seconds,
			      i + 1 < metric_bucket_count ? "," : ".\n");
}
