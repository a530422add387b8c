#include "broker/engine/explain.h"

#include <inttypes.h>

static void member_text(struct strbuf *out, const char *name, const char *value)
{
	strbuf_printf(out, ",\"%s\":", name);
	if (value)
		strbuf_json(out, span_text(value));
	else
		strbuf_text(out, "null");
}

static const char *const stories[] = {
	[STORY_ASSIGNED] = "assigned",
	[STORY_KEPT] = "kept",
	[STORY_MOVED] = "moved",
};

static void explain_cache(struct strbuf *out, const struct explanation *why)
{
	const char *cache = why->exchange ? why->exchange->cache : "off";

	strbuf_printf(out, "{\"cache\":\"%s\",\"age_ms\":", why->cache ? why->cache : cache);
	if (why->aged)
		strbuf_printf(out, "%" PRIu64, why->age_us / US_PER_MS);
	else
		strbuf_text(out, "null");
}

void explain_write(struct strbuf *out, const struct explanation *why)
{
	const struct exchange *exchange = why->exchange;
	const struct connection *connection = why->connection;

	explain_cache(out, why);
	member_text(out, "pool", why->lane ? why->lane->pool->settings->name : NULL);
	member_text(out, "endpoint", connection ? connection->endpoint->settings->name : NULL);
	if (connection)
		strbuf_printf(out, ",\"connection\":%" PRIu64, connection->id);
	else
		strbuf_text(out, ",\"connection\":null");
	strbuf_printf(out, ",\"attempts\":%" PRIu32 ",\"queued_us\":%" PRIu64,
		      exchange ? exchange->attempts_made : 0, exchange ? exchange->waited_us : 0);
	if (connection)
		strbuf_printf(out, ",\"upstream_us\":%" PRIu64, why->upstream_us);
	else
		strbuf_text(out, ",\"upstream_us\":null");
	member_text(out, "reason", why->reason);
	if (exchange && exchange->affinity)
		member_text(out, "affinity", stories[exchange->affinity]);
	strbuf_text(out, "}");
}

void explain_error_data(struct strbuf *out, const char *reason, bool retryable,
			const struct lane *lane, const struct connection *connection,
			const char *limit)
{
	strbuf_text(out, "{\"source\":\"wsbroker\"");
	member_text(out, "reason", reason);
	strbuf_printf(out, ",\"retryable\":%s", retryable ? "true" : "false");
	if (lane)
		member_text(out, "pool", lane->pool->settings->name);
	if (connection)
		member_text(out, "endpoint", connection->endpoint->settings->name);
	if (limit)
		member_text(out, "limit", limit);
	strbuf_text(out, "}");
}
