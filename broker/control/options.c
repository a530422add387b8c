#include "broker/control/options.h"

#include "broker/control/config.h"
#include "common/clock.h"

#define MS     US_PER_MS
#define SECOND US_PER_S
#define HOUR   (UINT64_C(3600) * US_PER_S)
#define KIB    UINT64_C(1024)
#define MIB    (KIB * 1024)
#define GIB    (MIB * 1024)
#define TIB    (GIB * 1024)

#define MEMBER(type, member)                                                                       \
	.offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)
#define COUNTED(type, member, count) MEMBER(type, member), .count_offset = offsetof(type, count)

/* In the order of the enums that they fill. */
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"logfmt", "json", NULL};
static const char *const request_logs[] = {"off", "slow", "all", NULL};
static const char *const modes[] = {"ready", "drain", "maint", NULL};
static const char *const ready_rules[] = {"all", "any", NULL};
static const char *const envelopes[] = {"jsonrpc", NULL};
static const char *const id_forms[] = {"integer", "string", "uuid", NULL};
static const char *const push_sources[] = {"pool", "endpoint", "dedicated", NULL};
static const char *const forwards[] = {"none", "subscribers", "all", NULL};
static const char *const strategies[] = {"aggressive", "balanced", "conservative", NULL};
static const char *const policies[] = {"gdsf", "s3-fifo", NULL};
static const char *const sharings[] = {"client", "shared", NULL};
static const char *const priorities[] = {"low", "medium", "high", "critical", NULL};
static const char *const invalidations[] = {"hard", "soft", NULL};
static const char *const encodings[] = {"json", "msgpack", NULL};
static const char *const affinities[] = {"none", "client", NULL};
static const char *const balancers[] = {"round-robin", "least-connections", "random", "peak-ewma",
					NULL};

const struct option_scope_info option_scopes[OPTION_SCOPES] = {
	[SCOPE_CONFIG] = {"", sizeof(struct config)},
	[SCOPE_LISTENER] = {"listen[].", sizeof(struct listener_settings)},
	[SCOPE_POOL] = {"pools[].", sizeof(struct pool_settings)},
	[SCOPE_ENDPOINT] = {"pools[].endpoints[].", sizeof(struct endpoint_settings)},
	[SCOPE_GREETING] = {"pools[].on_connect[].", sizeof(struct greeting_step)},
	[SCOPE_ROUTE] = {"routes[].", sizeof(struct route_settings)},
	[SCOPE_PUSH] = {"push[].", sizeof(struct push_settings)},
};

/* clang-format off */
const struct option options[] = {
#define ROW SCOPE_CONFIG
#define IN(member) MEMBER(struct config, member)
#define EACH(member, count) COUNTED(struct config, member, count)
	{ROW, "node", OPTION_NAME, IN(node), .restart = true,
	 .help = "Name of this broker in logs, metrics and the admin API. Default: the host "
		 "name."},
	{ROW, "state", OPTION_PATH, IN(state), .restart = true,
	 .help = "File that keeps what is changed at runtime across restarts. Default: none, it is "
		 "forgotten."},
	{ROW, "log.level", OPTION_CHOICE, "info", .choices = log_levels, IN(log.level),
	 .help = "Lines below this level are not written."},
	{ROW, "log.format", OPTION_CHOICE, "logfmt", .choices = log_formats, IN(log.format),
	 .help = "How log lines are written."},
	{ROW, "log.slow", OPTION_DURATION, "1s", 1 * MS, HOUR, .zero = true,
	 IN(log.requests.slow_us),
	 .help = "A request that takes this long is slow, and is kept for `wsbroker requests`; "
		 "0: none is."},
	{ROW, "log.requests", OPTION_CHOICE, "off", .choices = request_logs,
	 IN(log.requests.log),
	 .help = "Which requests are written as lines of the log: none, those that were slow or "
		 "failed, or all."},
	{ROW, "listen", OPTION_LIST, .min = 1, .max = 64, .items = SCOPE_LISTENER,
	 EACH(listeners, listener_count),
	 .help = "Where clients connect. Default: one listener with all defaults."},
	{ROW, "admin.address", OPTION_ADDRESS, "127.0.0.1:7081", IN(admin.address), .restart = true,
	 .help = "Where the admin API listens: host:port, unix:PATH or fd:NAME. Beyond loopback "
		 "it needs `admin.tokens`."},
	{ROW, "admin.tokens", OPTION_TOKENS, IN(admin.tokens),
	 .help = "File of tokens, `name role token` a line (`sha256:HEX` for its hash; roles "
		 "client, viewer, publisher, operator); with it the admin API needs "
		 "`Authorization: Bearer`. Without it loopback may do all. The broker's own user "
		 "and root may over a Unix socket."},
	{ROW, "admin.hosts", OPTION_TEXTS, .max = 64, EACH(admin.hosts, admin.host_count),
	 .help = "Names, besides localhost and addresses, that requests without a token may have "
		 "in their Host header: those of a proxy on this machine."},
	{ROW, "admin.ready", OPTION_CHOICE, "all", .choices = ready_rules, IN(admin.ready_any),
	 .help = "How many pools need a ready connection for `/readyz` to answer 200."},
	{ROW, "limits.clients", OPTION_NUMBER, "10000", 1, 1000000, IN(limits.clients),
	 .help = "Clients connected at once; further ones get 503."},
	{ROW, "limits.memory", OPTION_SIZE, "1GiB", 1 * MIB, 1 * TIB, IN(limits.memory_bytes),
	 .help = "Buffered bytes of the whole process; above it nothing is read until they "
		 "drain."},
	{ROW, "limits.message", OPTION_SIZE, "1MiB", 1 * KIB, 1 * GIB, IN(limits.message_bytes),
	 .help = "Largest message of a client; a longer one closes it with 1009. An upstream's "
		 "may be as long as `limits.send_buffer`, if that is more."},
	{ROW, "limits.fragments", OPTION_NUMBER, "1024", 1, 1048576, IN(limits.fragments),
	 .help = "Most frames of one message; more close its connection with 1009."},
	{ROW, "limits.batch", OPTION_NUMBER, "100", 1, 10000, IN(limits.batch),
	 .help = "Most members of a batch; a longer one is answered with -32600."},
	{ROW, "limits.in_flight_per_client", OPTION_NUMBER, "1024", 1, 1000000,
	 IN(limits.in_flight_per_client),
	 .help = "Open requests and waiting notifications of one client before it is read no "
		 "further until one ends."},
	{ROW, "limits.send_buffer", OPTION_SIZE, "4MiB", 64 * KIB, 1 * GIB,
	 IN(limits.send_buffer_bytes),
	 .help = "Bytes that may wait for a client that does not read; above it the client is "
		 "cut with 1013."},
	{ROW, "limits.handshake", OPTION_DURATION, "10s", 10 * MS, HOUR, IN(limits.handshake_us),
	 .help = "Time from connecting to the end of the upgrade."},
	{ROW, "limits.ping", OPTION_DURATION, "30s", 10 * MS, HOUR, .zero = true,
	 IN(limits.ping_us),
	 .help = "Time between pings to a client, and the time it has to answer; 0: none are "
		 "sent."},
	{ROW, "limits.idle", OPTION_DURATION, "0s", 10 * MS, 168 * HOUR, .zero = true,
	 IN(limits.idle_us),
	 .help = "Time without a message after which a client is closed; 0: never."},
	{ROW, "limits.rate_per_client", OPTION_NUMBER, "0", 1, 10000000, .zero = true,
	 IN(limits.rate_per_client),
	 .help = "Requests per second of one client; 0: no limit."},
	{ROW, "limits.subscriptions_per_client", OPTION_NUMBER, "1024", 1, 1000000,
	 IN(limits.subscriptions_per_client),
	 .help = "Subscriptions that one client may have; further ones get -32003."},
	{ROW, "envelope", OPTION_CHOICE, "jsonrpc", .choices = envelopes, .restart = true,
	 .help = "Form of a message: JSON-RPC 2.0, or the mapping that the next rows describe."},
	{ROW, "envelope.id", OPTION_POINTER, IN(envelope.id), .restart = true,
	 .help = "Where a message keeps its id."},
	{ROW, "envelope.method", OPTION_POINTER, IN(envelope.method), .restart = true,
	 .help = "Where a message keeps its method."},
	{ROW, "envelope.params", OPTION_POINTER, IN(envelope.params), .restart = true,
	 .help = "Where a message keeps its parameters."},
	{ROW, "envelope.result", OPTION_POINTER, IN(envelope.result), .restart = true,
	 .help = "Where an answer keeps its result."},
	{ROW, "envelope.error", OPTION_ERROR, IN(envelope), .restart = true,
	 .help = "Where an answer keeps its error (failed when present and neither null nor "
		 "false), or `{pointer: value}` (failed when equal)."},
	{ROW, "envelope.answer_id", OPTION_POINTER, IN(envelope.answer_id), .restart = true,
	 .help = "Where an answer keeps the id, if elsewhere."},
	{ROW, "envelope.push", OPTION_POINTER, IN(envelope.push), .restart = true,
	 .help = "Where a push keeps its name, if not where a message keeps its method."},
	{ROW, "envelope.ids", OPTION_CHOICE, "integer", .choices = id_forms, IN(envelope.ids),
	 .restart = true,
	 .help = "Form of the broker's own ids upstream."},
	{ROW, "envelope.reply", OPTION_TEXT, .max = 65536, IN(envelope.reply), .restart = true,
	 .help = "Template of the broker's own errors: JSON with `$id`, `$code`, `$message` "
		 "and `$data`. Default: JSON-RPC's error."},
	{ROW, "pools", OPTION_LIST, .min = 1, .max = 64, .items = SCOPE_POOL, .required = true,
	 EACH(pools, pool_count),
	 .help = "The pools of upstream connections."},
	{ROW, "routes", OPTION_LIST, .min = 1, .max = 4096, .items = SCOPE_ROUTE,
	 EACH(routes, route_count),
	 .help = "What is done with each method; the first match wins. Default: `*` to the "
		 "first pool."},
	{ROW, "push", OPTION_LIST, .min = 1, .max = 1024, .items = SCOPE_PUSH,
	 EACH(push, push_count),
	 .help = "What is done with pushes, upstreams' messages that nobody asked for; the first "
		 "match wins. Default: they are dropped and counted."},
	{ROW, "cache.strategy", OPTION_CHOICE, "balanced", .choices = strategies,
	 IN(cache.strategy),
	 .help = "The set of settings that cached routes take unless they say otherwise. "
		 "`aggressive`, `balanced`, `conservative`: `ttl` 10m, 5m, 2m; "
		 "`stale_while_revalidate` 5m, 30s, 0s; `prefetch_threshold` 0.9, 0.8, 0.6; while "
		 "invalidations from other brokers may be late, answers come from the cache to "
		 "the end of the ttl, for 2 s more, not at all."},
	{ROW, "cache.memory", OPTION_SIZE, "256MiB", 1 * MIB, 1 * TIB, IN(cache.store.memory_bytes),
	 .help = "Bytes of the whole cache: keys, tags, indexes, payload and the predictor. Used "
		 "by nothing else, and not counted by `limits.memory`."},
	{ROW, "cache.policy", OPTION_CHOICE, "gdsf", .choices = policies, IN(cache.store.policy),
	 .help = "Which entry goes first when memory is short: by priority, cost, frequency and "
		 "size, or by three queues that tell what is read once from what is read again; "
		 "`s3-fifo` stores nothing that is larger than a tenth of `cache.memory`, the "
		 "share of the first queue."},
	{ROW, "cache.max_entry", OPTION_SIZE, "1MiB", 1 * KIB, 1 * GIB,
	 IN(cache.store.max_entry_bytes),
	 .help = "A longer result is not stored (`too_large`); nor, with `s3-fifo`, one that is "
		 "longer than a tenth of `cache.memory`."},
	{ROW, "cache.max_tags", OPTION_NUMBER, "256", 1, CACHE_TAGS_MAX, IN(cache.store.max_tags),
	 .help = "Tags of one entry, of 256 bytes each; an answer that needs more is not stored."},
	{ROW, "cache.compress_above", OPTION_SIZE, "2KiB", 64, 1 * GIB, .zero = true,
	 IN(cache.store.compress_above),
	 .help = "Longer results are compressed where that saves an eighth; 0: none is."},
	{ROW, "cache.prefetch.predictive", OPTION_FLAG, "true", IN(cache.prefetch.predictive),
	 .help = "What a client is likely to ask next is asked beforehand, as learnt from what was "
		 "asked after what, while the pool has room. Of cached routes only; a guess that "
		 "is mostly wrong switches itself off."},
	{ROW, "cache.prefetch.budget", OPTION_SHARE, "0.1", 0, 1, IN(cache.prefetch.budget),
	 .help = "Share of the upstream requests that may be such guesses; 0: none."},
	{ROW, "invalidation.url", OPTION_REDIS, EACH(bus, bus.url_count), .secret = true,
	 .restart = true,
	 .help = "Redis that carries invalidations between brokers and to scripts: "
		 "`redis://[[user]:password@]host[:port][/database]`, or "
		 "`redis+unix://[[user]:password@]/path[?db=N]`; of a list the first that is a "
		 "master is used. Default: none, they stay in the process."},
	{ROW, "invalidation.prefix", OPTION_TEXT, "{wsbroker}", .max = 128, IN(bus.prefix),
	 .restart = true,
	 .help = "What keys and channels on Redis begin with; in braces, they share one hash "
		 "slot."},
	{ROW, "invalidation.log_length", OPTION_NUMBER, "100000", 100, 100000000,
	 IN(bus.log_length),
	 .help = "Events that the stream on Redis keeps, about: as many as a broker, or a script "
		 "that reads the stream itself, may miss and still go on without a resync. "
		 "Followers of a broker have its last 10 000."},
	{ROW, "drain.delay", OPTION_DURATION, "0s", 1 * MS, HOUR, .zero = true, IN(drain.delay_us),
	 .help = "Time between the signal and the end of accepting clients."},
	{ROW, "drain.timeout", OPTION_DURATION, "30s", 1 * MS, HOUR, .zero = true,
	 IN(drain.timeout_us),
	 .help = "Time that requests in flight have to end."},
	{ROW, "drain.spread", OPTION_DURATION, "5s", 1 * MS, HOUR, .zero = true,
	 IN(drain.spread_us),
	 .help = "Time over which clients are closed, so that they do not all come back at "
		 "once."},
	{ROW, "drain.code", OPTION_NUMBER, "1012", 1000, 4999, IN(drain.code),
	 .help = "Close code that clients get."},
#undef ROW
#undef IN
#undef EACH
#define ROW SCOPE_LISTENER
#define IN(member) MEMBER(struct listener_settings, member)
#define EACH(member, count) COUNTED(struct listener_settings, member, count)
	{ROW, "address", OPTION_ADDRESS, "127.0.0.1:7080", IN(address), 
	 .help = "Address and port, unix:PATH, or fd:NAME: a socket that systemd has opened and "
		 "calls so (FileDescriptorName=)."},
	{ROW, "session", OPTION_POOL,
	 .help = "Pool in which each client gets an upstream connection of its own, dialled on "
		 "arrival with its path, query and headers; bytes are carried untouched. Default: "
		 "none, messages are routed."},
	{ROW, "path", OPTION_URL_PATH, "/", IN(path),
	 .help = "Path of the endpoint, compared without the query; others get 404. Of a session "
		 "listener: of all that is below it."},
	{ROW, "reuse_port", OPTION_FLAG, "false", IN(reuse_port), .restart = true,
	 .help = "Several processes share the port."},
	{ROW, "compression", OPTION_FLAG, "false", IN(compression),
	 .help = "Messages are compressed (permessage-deflate) for clients that offer it."},
	{ROW, "tls.certificate", OPTION_FILE, IN(tls.certificate),
	 .help = "Certificate chain (PEM); with it the listener speaks TLS."},
	{ROW, "tls.key", OPTION_FILE, IN(tls.key),
	 .help = "Private key of the certificate (PEM)."},
	{ROW, "tls.client_ca", OPTION_FILE, IN(tls.client_ca),
	 .help = "Authorities (PEM) that must have signed a client's certificate."},
	{ROW, "origins", OPTION_TEXTS, .max = 256, EACH(origins, origin_count),
	 .help = "Origins that browsers may come from; others get 403. Default: any."},
	{ROW, "auth.tokens", OPTION_TOKENS, IN(tokens),
	 .help = "File of tokens, `name role token` a line (`sha256:HEX` for its hash); with "
		 "it clients need `Authorization: Bearer`."},
	{ROW, "auth.jwt.keys", OPTION_KEYS, IN(jwt.keys),
	 .help = "File of keys (JWKS) that sign tokens (JWT); asked when `tokens` does not know "
		 "a credential."},
	{ROW, "auth.jwt.audience", OPTION_TEXT, "wsbroker", .max = 1024, IN(jwt.audience),
	 .help = "What a token's `aud` must be or hold."},
	{ROW, "auth.jwt.issuer", OPTION_TEXT, .max = 1024, IN(jwt.issuer),
	 .help = "What a token's `iss` must be. Default: anything."},
	{ROW, "auth.query", OPTION_TOKEN, IN(auth_query),
	 .help = "Query parameter for clients that cannot set headers."},
#undef ROW
#undef IN
#undef EACH
#define ROW SCOPE_POOL
#define IN(member) MEMBER(struct pool_settings, member)
#define EACH(member, count) COUNTED(struct pool_settings, member, count)
	{ROW, "name", OPTION_NAME, .required = true, IN(name),
	 .help = "Name of the pool."},
	{ROW, "endpoints", OPTION_LIST, .min = 1, .max = POOL_ENDPOINTS_MAX,
	 .items = SCOPE_ENDPOINT, .required = true, EACH(endpoints, endpoint_count),
	 .help = "The upstream servers; a plain URL may stand for an entry."},
	{ROW, "encoding", OPTION_CHOICE, "json", .choices = encodings, IN(encoding),
	 .restart = true,
	 .help = "What the upstream speaks: text frames of JSON or binary frames of "
		 "MessagePack."},
	{ROW, "size", OPTION_NUMBER, "10", 1, POOL_SIZE_MAX, IN(size),
	 .help = "Connections, spread over the endpoints by weight; of a session listener's pool: "
		 "the most clients at once."},
	{ROW, "max_in_flight", OPTION_NUMBER, "256", 1, 1000000, IN(max_in_flight),
	 .help = "Open requests of one connection, and notifications that no pong has shown to "
		 "be read; a full one is passed over."},
	{ROW, "connect_rate", OPTION_NUMBER, "50", 1, 100000, .zero = true, IN(connect_rate),
	 .help = "Connections opened per second; 0: no limit."},
	{ROW, "balancer", OPTION_CHOICE, "least-connections", .choices = balancers, IN(balancer),
	 .help = "How the connection for a message is chosen."},
	{ROW, "autoscale.min", OPTION_NUMBER, "2", 1, POOL_SIZE_MAX, IN(autoscale.min),
	 .help = "Fewest connections when the size follows the load. Without the section "
		 "`autoscale` it does not."},
	{ROW, "autoscale.max", OPTION_NUMBER, "50", 1, POOL_SIZE_MAX, IN(autoscale.max),
	 .help = "Most connections then, also for an operator."},
	{ROW, "autoscale.target", OPTION_SHARE, "0.8", 0, 1, IN(autoscale.target),
	 .help = "Utilisation to aim at: requests in flight by `size` x `max_in_flight`."},
	{ROW, "autoscale.cool_down", OPTION_DURATION, "60s", 1 * SECOND, HOUR,
	 IN(autoscale.cool_down_us),
	 .help = "Time without a change before a pool gets smaller."},
	{ROW, "affinity", OPTION_CHOICE, "none", .choices = affinities, IN(affinity),
	 .restart = true,
	 .help = "`client`: all messages of a client go to one connection for as long as both "
		 "live; a full one makes them wait."},
	{ROW, "push_source", OPTION_CHOICE, "pool", .choices = push_sources, IN(push_source),
	 .restart = true,
	 .help = "Whose pushes count: one connection's (all receive the same), one of each "
		 "endpoint, or those of one more connection that carries no client's message."},
	{ROW, "on_connect", OPTION_LIST, .max = 32, .items = SCOPE_GREETING,
	 EACH(on_connect, on_connect_count),
	 .help = "Messages played in order on each new connection before it is used."},
	{ROW, "retry.budget", OPTION_SHARE, "0.2", 0, 1, IN(retry.budget),
	 .help = "Retries allowed as a share of the requests."},
	{ROW, "retry.per_second", OPTION_NUMBER, "10", 0, 100000, IN(retry.per_second),
	 .help = "Retries per second allowed on top."},
	{ROW, "queue.requests", OPTION_NUMBER, "10000", 0, 10000000, IN(queue.requests),
	 .help = "Requests that may wait for a connection; 0: none waits."},
	{ROW, "queue.bytes", OPTION_SIZE, "64MiB", 1 * KIB, 1 * TIB, IN(queue.bytes),
	 .help = "Bytes that may wait for a connection."},
	{ROW, "queue.age", OPTION_DURATION, "5s", 1 * MS, HOUR, IN(queue.age_us),
	 .help = "Longest time that a request waits for a connection."},
	{ROW, "max_age", OPTION_DURATION, "0s", 1 * MS, 168 * HOUR, .zero = true, IN(max_age_us),
	 .help = "Age, give or take a tenth, at which a connection is replaced: the new one is "
		 "ready before the old one goes; 0: never."},
	{ROW, "slow_start", OPTION_DURATION, "5s", 1 * MS, HOUR, .zero = true, IN(slow_start_us),
	 .help = "Time in which a connection that joins a running pool, and an endpoint that "
		 "comes back to it, come up to their share; 0: at once."},
	{ROW, "probe.interval", OPTION_DURATION, "5s", 10 * MS, HOUR, .zero = true,
	 IN(probe.interval_us),
	 .help = "Time between WebSocket pings on each connection, and between probing calls to "
		 "each endpoint; 0: neither is sent."},
	{ROW, "probe.timeout", OPTION_DURATION, "2s", 1 * MS, HOUR, IN(probe.timeout_us),
	 .help = "Time that the pong, or the answer to a call, may take."},
	{ROW, "probe.method", OPTION_TEXT, .max = 1024, IN(probe.method),
	 .help = "Method of a probing call to each endpoint; without it there are only pings. A "
		 "new connection is used once it has answered one."},
	{ROW, "probe.params", OPTION_VALUE, .secret = true, IN(probe.params),
	 .help = "Parameters of the call."},
	{ROW, "probe.expect", OPTION_OBJECT, .secret = true, IN(probe.expect),
	 .help = "Partial object that the result contains. Default: any result will do."},
	{ROW, "probe.fall", OPTION_NUMBER, "2", 1, 100, IN(probe.fall),
	 .help = "Calls that fail in a row before the endpoint is unhealthy."},
	{ROW, "probe.rise", OPTION_NUMBER, "1", 1, 100, IN(probe.rise),
	 .help = "Calls that pass in a row before it is healthy again."},
	{ROW, "ejection.consecutive", OPTION_NUMBER, "5", 1, 10000, .zero = true,
	 IN(ejection.consecutive),
	 .help = "Failures in a row that eject an endpoint; 0: none do. Failures are timeouts, "
		 "lost connections and the errors that `ejection.errors` lists."},
	{ROW, "ejection.ratio", OPTION_SHARE, "0.5", 0, 1, IN(ejection.ratio),
	 .help = "Share of failures in the window that ejects an endpoint; 0: none does."},
	{ROW, "ejection.min_requests", OPTION_NUMBER, "50", 1, 1000000, IN(ejection.min_requests),
	 .help = "Requests in the window before the ratio counts."},
	{ROW, "ejection.window", OPTION_DURATION, "10s", 100 * MS, HOUR, IN(ejection.window_us),
	 .help = "The sliding window of the ratio."},
	{ROW, "ejection.base", OPTION_DURATION, "30s", 10 * MS, HOUR, IN(ejection.base_us),
	 .help = "Time that an endpoint is out, times the ejections in a row; each such time of "
		 "good behaviour makes one forgotten."},
	{ROW, "ejection.max", OPTION_DURATION, "300s", 10 * MS, 24 * HOUR, IN(ejection.max_us),
	 .help = "Longest time that an endpoint is out; never less than `base`."},
	{ROW, "ejection.max_ejected", OPTION_SHARE, "0.5", 0, 1, IN(ejection.max_ejected),
	 .help = "Share of the endpoints that may be ejected at a time; one of two may; 0: none."},
	{ROW, "ejection.errors", OPTION_TEXTS, .max = 256,
	 EACH(ejection.errors, ejection.error_count),
	 .help = "Codes of error answers that are failures (`-32603`, `overloaded`); all others "
		 "are the application's own and count as successes."},
	{ROW, "subprotocol", OPTION_TOKEN, IN(subprotocol),
	 .help = "WebSocket subprotocol asked for."},
	{ROW, "headers", OPTION_HEADERS, .max = 64, .secret = true, EACH(headers, header_count),
	 .help = "Headers sent with the upgrade."},
	{ROW, "tls.ca", OPTION_FILE, IN(tls.ca),
	 .help = "Authorities (PEM) that sign the upstream's certificate. Default: the "
		 "system's."},
	{ROW, "tls.certificate", OPTION_FILE, IN(tls.certificate),
	 .help = "Certificate (PEM) shown to the upstream."},
	{ROW, "tls.key", OPTION_FILE, IN(tls.key),
	 .help = "Private key of that certificate (PEM)."},
	{ROW, "tls.verify", OPTION_FLAG, "true", IN(tls.verify),
	 .help = "The upstream's certificate and name are checked."},
#undef ROW
#undef IN
#undef EACH
#define ROW SCOPE_ENDPOINT
#define IN(member) MEMBER(struct endpoint_settings, member)
#define EACH(member, count) COUNTED(struct endpoint_settings, member, count)
	{ROW, "url", OPTION_URL, .required = true, .secret = true, .shorthand = true,
	 .help = "`ws://` or `wss://` URL of the upstream server."},
	{ROW, "name", OPTION_NAME, IN(name),
	 .help = "Name in commands, logs and metrics. Default: host:port."},
	{ROW, "weight", OPTION_NUMBER, "1", 1, ENDPOINT_WEIGHT_MAX, IN(weight),
	 .help = "Share of the pool's connections relative to other endpoints."},
	{ROW, "resolve.all", OPTION_FLAG, "false", IN(resolve.all),
	 .help = "Each address of the host is an endpoint, called NAME@ADDRESS, which joins and "
		 "leaves as DNS says. Otherwise the host is looked up for each connection."},
	{ROW, "resolve.interval", OPTION_DURATION, "30s", 100 * MS, 24 * HOUR, .zero = true,
	 IN(resolve.interval_us),
	 .help = "Time between look-ups, with `resolve.all`; a failing one keeps the addresses; "
		 "0: one at the start."},
	{ROW, "tier", OPTION_NUMBER, "1", 1, ENDPOINT_TIER_MAX, IN(tier),
	 .help = "The lowest tier with a healthy endpoint carries the traffic."},
	{ROW, "mode", OPTION_CHOICE, "ready", .choices = modes, IN(wish),
	 .help = "Whether the endpoint is used: `drain` sends it no new requests but keeps it "
		 "connected, `maint` closes its connections."},
#undef ROW
#undef IN
#undef EACH
#define ROW SCOPE_GREETING
#define IN(member) MEMBER(struct greeting_step, member)
#define EACH(member, count) COUNTED(struct greeting_step, member, count)
	{ROW, "send", OPTION_JSON, .secret = true, IN(send),
	 .help = "Message to send: JSON text."},
	{ROW, "expect", OPTION_OBJECT, .secret = true, IN(expect),
	 .help = "Partial object that the awaited message contains."},
	{ROW, "reject", OPTION_OBJECT, .secret = true, IN(reject),
	 .help = "Partial object of a message that ends the attempt at once."},
	{ROW, "push_source", OPTION_FLAG, "false", IN(push_source),
	 .help = "Only for the connection whose pushes count; another one that takes its place "
		 "gets it then."},
	{ROW, "timeout", OPTION_DURATION, "5s", 1 * MS, HOUR, IN(timeout_us),
	 .help = "Time that the awaited message may take."},
#undef ROW
#undef IN
#undef EACH
#define ROW SCOPE_ROUTE
#define IN(member) MEMBER(struct route_settings, member)
#define EACH(member, count) COUNTED(struct route_settings, member, count)
	{ROW, "method", OPTION_TEXT, .max = 1024, .required = true, IN(method),
	 .help = "Glob of methods: `*` any run, `?` one character, `\\` takes the next "
		 "literally."},
	{ROW, "pool", OPTION_POOL,
	 .help = "Pool that the requests go to. Default: the first that no session listener "
		 "has."},
	{ROW, "timeout", OPTION_DURATION, "30s", 1 * MS, 24 * HOUR, IN(timeout_us),
	 .help = "Time from a request's arrival to its answer."},
	{ROW, "attempt_timeout", OPTION_DURATION, "0s", 1 * MS, 24 * HOUR, .zero = true,
	 IN(attempt_timeout_us),
	 .help = "Time after which an idempotent request is sent a second time elsewhere; 0: "
		 "timeout / 3."},
	{ROW, "idempotent", OPTION_FLAG, "false", IN(idempotent),
	 .help = "A request may be sent again after it was written."},
	{ROW, "hedge", OPTION_FLAG, "false", IN(hedge),
	 .help = "An idempotent request that has taken longer than 95 % of its route's do is "
		 "sent a second time elsewhere, within the retry budget; the first answer wins."},
	{ROW, "respond", OPTION_JSON, .secret = true, IN(respond),
	 .help = "The broker answers with this JSON text."},
	{ROW, "subscribe.unsubscribe", OPTION_TEXT, .max = 1024, IN(subscribe.unsubscribe),
	 .help = "Method that ends a subscription; with it the route subscribes: equal requests "
		 "of many clients share one upstream subscription."},
	{ROW, "subscribe.notification", OPTION_TEXT, .max = 1024, IN(subscribe.notification),
	 .help = "Glob of the names of its events. Default: any."},
	{ROW, "subscribe.id", OPTION_TEXT, .max = 1024, IN(subscribe.id),
	 .help = "Path of the subscription's id in an event (`params.subscription`, or a JSON "
		 "pointer); `request`: events carry the id of the request that subscribed. "
		 "Default: events are known by name, which must be among the request's params "
		 "where `notification` is a glob."},
	{ROW, "subscribe.result", OPTION_TEXT, "result", .max = 1024, IN(subscribe.result),
	 .help = "Path of the subscription's id in the answer."},
	{ROW, "subscribe.unsubscribe_id", OPTION_TEXT, "params[0]", .max = 1024,
	 IN(subscribe.unsubscribe_id),
	 .help = "Path of the subscription's id in the request that ends it."},
	{ROW, "subscribe.linger", OPTION_DURATION, "5s", 1 * MS, HOUR, .zero = true,
	 IN(subscribe.linger_us),
	 .help = "Time that a subscription is kept upstream after its last client has left."},
	{ROW, "subscribe.restore", OPTION_DURATION, "10m", 100 * MS, 24 * HOUR, .zero = true,
	 IN(subscribe.restore_us),
	 .help = "Time after which one that was lost and cannot be had again is given up, which "
		 "its clients are told; 0: never."},
	{ROW, "subscribe.max_per_connection", OPTION_NUMBER, "0", 1, 1000000, .zero = true,
	 IN(subscribe.max_per_connection),
	 .help = "Subscriptions on one upstream connection; 0: as many as it takes, which is "
		 "learnt from its refusals."},
	{ROW, "cache", OPTION_FLAG, "false", IN(cache.enabled),
	 .help = "Answers are cached: `true` with the settings of `cache.strategy`, or a mapping "
		 "of the following keys."},
	{ROW, "cache.strategy", OPTION_CHOICE, .choices = strategies, IN(cache.strategy),
	 .help = "Where the settings that are not written come from. Default: `cache.strategy`."},
	{ROW, "cache.scope", OPTION_SHARING, "client", .max = 8, .choices = sharings,
	 IN(cache.scope),
	 .help = "Who shares an entry: the clients of one authenticated identity (without one: the "
		 "WebSocket alone), all, or the requests with the same values at these JSON "
		 "pointers. A request that lacks one of them is not cached, nor is a POST of "
		 "nobody known."},
	{ROW, "cache.key", OPTION_TEXTS, .max = 64, EACH(cache.key, cache.key_count),
	 .help = "Paths (`params.id`, or JSON pointers) whose values count instead of all params. "
		 "Every other member of the message but its id counts too."},
	{ROW, "cache.ignore", OPTION_TEXTS, .max = 64, EACH(cache.ignore, cache.ignore_count),
	 .help = "JSON pointers to members of the message that do not count: `/timestamp`."},
	{ROW, "cache.ttl", OPTION_DURATION, NULL, 1 * MS, CACHE_TTL_MAX_US, .zero = true,
	 IN(cache.ttl_us),
	 .help = "Time that an answer is fresh, give or take 5 %. Default: the strategy's. 0: for "
		 "ever, which is 1d, since nothing is believed for longer."},
	{ROW, "cache.stale_while_revalidate", OPTION_DURATION, NULL, 1 * MS, CACHE_TTL_MAX_US,
	 .zero = true, IN(cache.stale_while_revalidate_us),
	 .help = "Time after that in which the old answer is given once more while a new one is "
		 "fetched. Default: the strategy's; 0: none."},
	{ROW, "cache.stale_if_error", OPTION_DURATION, "0s", 1 * MS, CACHE_TTL_MAX_US,
	 .zero = true, IN(cache.stale_if_error_us),
	 .help = "Time after its ttl in which the old answer is given where the upstream fails; "
		 "0: none."},
	{ROW, "cache.tags", OPTION_TEXTS, .max = 64, EACH(cache.tags, cache.tag_count),
	 .help = "Templates of the names under which an entry is invalidated: "
		 "`property:{params.id}`, `agent:{result.agent.id}`, "
		 "`city:{result.items[*].city}`, a JSON pointer into the answer (`{/data/id}`) or "
		 "the request (`{request:/payload/id}`). An answer in which one finds nothing is "
		 "not stored, unless the template ends in `?`. `\\` takes the next character "
		 "literally."},
	{ROW, "cache.priority", OPTION_CHOICE, "medium", .choices = priorities, IN(cache.priority),
	 .help = "Weight when memory is short: 1, 2, 4, 8."},
	{ROW, "cache.prefetch_threshold", OPTION_SHARE, .min = 0, .max = 1,
	 IN(cache.prefetch_threshold),
	 .help = "Share of the ttl after which the use of an entry that is asked for again and "
		 "again refreshes it. Default: the strategy's; 0: never."},
	{ROW, "cache.allow_null", OPTION_FLAG, "false", IN(cache.allow_null),
	 .help = "Results that are null are stored too."},
	{ROW, "invalidate", OPTION_TEXTS, .max = 64, EACH(invalidate.templates, invalidate.count),
	 .help = "Templates of tags, as of `cache.tags`, that a successful answer invalidates "
		 "before the caller gets it; a notification, which has no answer, when it is "
		 "sent, when it has been read, and when `timeout` has passed since. "
		 "Outside of braces `*` and `?` make globs."},
	{ROW, "mode", OPTION_CHOICE, "hard", .choices = invalidations, IN(invalidate.soft),
	 .help = "`hard`: what is invalidated is gone at once; `soft`: it may be given as stale "
		 "while it is refreshed."},
	{ROW, "merge", OPTION_DURATION, "0s", 1 * MS, HOUR, .zero = true, IN(invalidate.merge_us),
	 .help = "Equal invalidations of this rule within this time become one event; 0: each is "
		 "one."},
	{ROW, "deny", OPTION_ACTION, .min = ROUTE_DENY, IN(action),
	 .help = "Requests are answered with -32601 `method_denied`."},
	{ROW, "drop", OPTION_ACTION, .min = ROUTE_DROP, IN(action),
	 .help = "Messages vanish without an answer."},
#undef ROW
#undef IN
#undef EACH
#define ROW SCOPE_PUSH
#define IN(member) MEMBER(struct push_settings, member)
#define EACH(member, count) COUNTED(struct push_settings, member, count)
	{ROW, "method", OPTION_TEXT, .max = 1024, .required = true, IN(method),
	 .help = "Glob of names of pushes."},
	{ROW, "forward", OPTION_CHOICE, "none", .choices = forwards, IN(forward),
	 .help = "Who gets it, as it came: nobody, the clients that asked with "
		 "`wsbroker.subscribe` (as `wsbroker.event`), or all."},
	{ROW, "forward.match", OPTION_OBJECT, IN(match),
	 .help = "`{pointer: identity}`: the clients whose identity stands there in the push."},
	{ROW, "invalidate", OPTION_TEXTS, .max = 64, EACH(invalidate.templates, invalidate.count),
	 .help = "Templates of tags (`property:{params.id}`, or a JSON pointer into the push, "
		 "`{/data/id}`) that the push invalidates. Outside of braces `*` and `?` make "
		 "globs."},
	{ROW, "mode", OPTION_CHOICE, "hard", .choices = invalidations, IN(invalidate.soft),
	 .help = "`hard`: what is invalidated is gone at once; `soft`: it may be given as stale "
		 "while it is refreshed."},
	{ROW, "merge", OPTION_DURATION, "0s", 1 * MS, HOUR, .zero = true, IN(invalidate.merge_us),
	 .help = "Equal invalidations of this rule within this time become one event; 0: each is "
		 "one."},
#undef ROW
#undef IN
#undef EACH
};
/* clang-format on */

const size_t option_count = sizeof(options) / sizeof(options[0]);
