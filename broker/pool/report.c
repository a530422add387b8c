#include "broker/pool/report.h"

#include <stdio.h>
#include <string.h>
#include "broker/pool/pool.h"

static enum pool_reason reason_of(const char *text)
{
	static const char *const names[] = {
#define X(name) #name,
		POOL_REASONS(X)
#undef X
	};

	for (size_t i = 0; text && i < POOL_REASON_COUNT; i++)
		if (strcmp(names[i], text) == 0)
			return (enum pool_reason)i;
	return POOL_REASON_other;
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

/* Without the detail when there is none that the reason has not said. */
static void write_line(const struct pool *pool, const char *prefix,
		       const struct pool_change *change, const struct log_field *fields,
		       size_t count)
{
	char event[64];

	snprintf(event, sizeof(event), "%s%s", prefix, change->type);
	if (!*text_of(change->detail) ||
	    strcmp(text_of(change->detail), text_of(change->reason)) == 0)
		count--;
	log_write(pool->log, change->level, event, fields, count);
}

void pool_report_pool(struct pool *pool, const struct pool_change *change)
{
	const struct pool_watcher *watcher = pool->watcher;

	pool->reports.pool_changes[reason_of(change->reason)]++;
	if (log_wants(pool->log, change->level)) {
		const struct log_field fields[] = {
			log_text("pool", pool->settings->name),
			log_text("from", text_of(change->before)),
			log_text("to", text_of(change->after)),
			log_text("reason", text_of(change->reason)),
			log_text("detail", text_of(change->detail)),
		};

		write_line(pool, "", change, fields, sizeof(fields) / sizeof(fields[0]));
	}
	if (watcher)
		watcher->pool_changed(watcher->context, pool, change);
}

void pool_report_endpoint(struct endpoint *endpoint, const struct pool_change *change)
{
	struct pool *pool = endpoint->pool;
	const struct pool_watcher *watcher = pool->watcher;

	pool->reports.endpoint_changes[reason_of(change->reason)]++;
	if (log_wants(pool->log, change->level)) {
		const struct log_field fields[] = {
			log_text("pool", pool->settings->name),
			log_text("endpoint", endpoint->settings->name),
			log_text("from", text_of(change->before)),
			log_text("to", text_of(change->after)),
			log_text("reason", text_of(change->reason)),
			log_text("detail", text_of(change->detail)),
		};

		write_line(pool, "pool.", change, fields, sizeof(fields) / sizeof(fields[0]));
	}
	if (watcher)
		watcher->endpoint_changed(watcher->context, endpoint, change);
}

void pool_report_connection(struct connection *connection, const struct pool_change *change)
{
	struct pool *pool = connection->pool;
	const struct pool_watcher *watcher = pool->watcher;

	if (connection->state == CONNECTION_CLOSED)
		pool->reports.connection_ends[reason_of(change->reason)]++;
	if (log_wants(pool->log, change->level)) {
		const struct log_field fields[] = {
			log_text("pool", pool->settings->name),
			log_text("endpoint", connection->endpoint->settings->name),
			log_number("connection", connection->id),
			log_text("from", text_of(change->before)),
			log_text("to", text_of(change->after)),
			log_text("reason", text_of(change->reason)),
			log_number("in_flight", connection->in_flight),
			log_text("detail", text_of(change->detail)),
		};

		write_line(pool, "pool.", change, fields, sizeof(fields) / sizeof(fields[0]));
	}
	if (watcher)
		watcher->connection_changed(watcher->context, connection, change);
}
