/* broker/pool/report.h: the one way by which a change of a pool, an endpoint or a connection is
 * told: logged once, counted by its reason, and handed to whoever watches. */
#ifndef WSB_BROKER_POOL_REPORT_H
#define WSB_BROKER_POOL_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include "common/log.h"

struct connection;
struct endpoint;
struct pool;

/* The reasons that are counted by name; any other one is counted as "other". */
/* clang-format off */
#define POOL_REASONS(X)                                                                            \
	X(asked) X(wanted) X(opened) X(warm) X(dns) X(connect) X(tls) X(upgrade) X(greeting)       \
	X(probe) X(eof) X(closed) X(protocol) X(too_big) X(surplus) X(reconnect) X(drain)          \
	X(maint) X(remove) X(add) X(ready) X(autoscale) X(bounds) X(renewal) X(close) X(timeout)   \
	X(error) X(answered) X(time) X(health) X(reload) X(other)
/* clang-format on */

enum pool_reason {
#define X(name) POOL_REASON_##name,
	POOL_REASONS(X)
#undef X
		POOL_REASON_COUNT
};

/* What was reported since the start. */
struct report_stats {
	uint64_t connection_ends[POOL_REASON_COUNT];
	uint64_t endpoint_changes[POOL_REASON_COUNT];
	uint64_t pool_changes[POOL_REASON_COUNT];
};

/* One change. Texts live as long as the call; NULL is "". */
struct pool_change {
	const char *type; /* a stable word: endpoint.down, connection.ready, pool.resized */
	enum log_level level;
	const char *before;
	const char *after;
	const char *reason; /* a stable word, see POOL_REASONS */
	const char *detail; /* more of it, for people */
	uint64_t now_us;
};

/* Who is told. Called from inside the pool: it may look, and change nothing. */
struct pool_watcher {
	void *context;
	void (*pool_changed)(void *context, const struct pool *pool,
			     const struct pool_change *change);
	void (*endpoint_changed)(void *context, const struct endpoint *endpoint,
				 const struct pool_change *change);
	void (*connection_changed)(void *context, const struct connection *connection,
				   const struct pool_change *change);
};

/* Each change of state passes one of these, once, after it has been made. The line of the log is
 * named like the type, for the last two with "pool." before it. */
void pool_report_pool(struct pool *pool, const struct pool_change *change);
void pool_report_endpoint(struct endpoint *endpoint, const struct pool_change *change);
void pool_report_connection(struct connection *connection, const struct pool_change *change);

#endif
