#include "broker/engine/record.h"

#include <inttypes.h>
#include <stdio.h>

#define OBJECT_MAX 256

void record_event(struct engine *engine, const struct history_event *event)
{
	struct history_event stamped = *event;

	stamped.wall_us = engine->ports->wall_us(engine->ports->io);
	if (!stamped.actor)
		stamped.actor = engine->actor ? engine->actor : "broker";
	if (engine->words && engine->words[0])
		stamped.reason = engine->words;
	history_add(engine->history, &stamped);
}

void engine_record(struct engine *engine, const struct history_event *event)
{
	record_event(engine, event);
}

static struct history_event event_of(const struct pool_change *change, const struct pool *pool,
				     const char *object)
{
	return (struct history_event){
		.type = change->type,
		.pool = pool->settings->name,
		.object = object,
		.before = change->before,
		.after = change->after,
		.reason = change->reason,
		.detail = change->detail,
	};
}

static void on_pool(void *context, const struct pool *pool, const struct pool_change *change)
{
	struct history_event event = event_of(change, pool, pool->settings->name);

	record_event(context, &event);
}

static void on_endpoint(void *context, const struct endpoint *endpoint,
			const struct pool_change *change)
{
	struct history_event event;
	char object[OBJECT_MAX];

	snprintf(object, sizeof(object), "%s/%s", endpoint->pool->settings->name,
		 endpoint->settings->name);
	event = event_of(change, endpoint->pool, object);
	event.endpoint = endpoint->settings->name;
	record_event(context, &event);
}

static void on_connection(void *context, const struct connection *connection,
			  const struct pool_change *change)
{
	struct history_event event;
	char object[OBJECT_MAX];

	snprintf(object, sizeof(object), "connection %" PRIu64, connection->id);
	event = event_of(change, connection->pool, object);
	event.endpoint = connection->endpoint->settings->name;
	record_event(context, &event);
}

enum wsb_err record_init(struct engine *engine)
{
	enum wsb_err err = history_create(&engine->history);

	engine->watcher = (struct pool_watcher){
		.context = engine,
		.pool_changed = on_pool,
		.endpoint_changed = on_endpoint,
		.connection_changed = on_connection,
	};
	if (!err)
		err = requests_init(&engine->requests, engine->config->log.requests);
	if (!err)
		err = operations_init(&engine->operations);
	return err;
}

void record_fini(struct engine *engine)
{
	operations_fini(&engine->operations);
	requests_fini(&engine->requests);
	history_destroy(engine->history);
}

/* An exchange keeps no method: it is read once more out of its text, which few need. What it is
 * read into must stay, since it holds methods with escapes. */
static struct span method_of(const struct engine *engine, const struct exchange *exchange,
			     struct message *message)
{
	if (envelope_scan(engine->envelope, FROM_CLIENT, exchange->encoding,
			  span_of(exchange->text, exchange->len), message))
		return span_of(NULL, 0);
	return message->method;
}

void record_request(struct engine *engine, const struct explanation *why,
		    enum request_result result, const char *limit, uint64_t now_us)
{
	const struct exchange *exchange = why->exchange;
	const struct connection *connection = why->connection;
	const struct session *session = exchange->session;
	struct message message;
	struct request_end end = {
		.wall_us = engine->ports->wall_us(engine->ports->io),
		.duration_us = now_us - exchange->arrived_us,
		.method = method_of(engine, exchange, &message),
		.pool = exchange->lane->pool->settings->name,
		.endpoint = connection ? connection->endpoint->settings->name : NULL,
		.connection = connection ? connection->id : 0,
		.attempts = exchange->attempts_made,
		.queued_us = exchange->waited_us,
		.upstream_us = why->upstream_us,
		.cache = why->cache ? why->cache : exchange->cache,
		.aged = why->aged,
		.age_us = why->age_us,
		.result = result,
		.reason = why->reason,
		.limit = limit,
		.client = session ? session->id : 0,
		.identity = session ? session->identity : NULL,
	};

	requests_end(&engine->requests, engine->log, &end);
}

static struct request_end end_of(const struct engine *engine, const struct caller *caller,
				 const struct lane *lane)
{
	return (struct request_end){
		.wall_us = engine->ports->wall_us(engine->ports->io),
		.method = caller->method,
		.pool = lane ? lane->pool->settings->name : NULL,
		.cache = "off",
		.client = caller->session ? caller->session->id : 0,
		.identity = caller->session ? caller->session->identity : NULL,
	};
}

void record_hit(struct engine *engine, const struct caller *caller, const struct explanation *why,
		enum request_result result)
{
	struct request_end end = end_of(engine, caller, why->lane);

	end.cache = why->cache;
	end.aged = why->aged;
	end.age_us = why->age_us;
	end.result = result;
	end.reason = result == RESULT_CACHED ? why->reason : "not_transcodable";
	requests_end(&engine->requests, engine->log, &end);
}

void record_refusal(struct engine *engine, const struct caller *caller, const struct lane *lane,
		    enum request_result result, const char *reason, const char *limit)
{
	struct request_end end = end_of(engine, caller, lane);

	end.result = result;
	end.reason = reason;
	end.limit = limit;
	requests_end(&engine->requests, engine->log, &end);
}
