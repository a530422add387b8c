#include "broker/engine/builtin.h"

#include <inttypes.h>
#include <jansson.h>

#include "broker/engine/cached_calls.h"
#include "broker/engine/invalidate.h"
#include "broker/engine/version.h"
#include "broker/engine/watch.h"
#include "proto/partial.h"

static void builtin_ping(struct engine *engine, const struct caller *caller,
			 const struct message *message, uint64_t now_us)
{
	(void)message;
	(void)now_us;
	settle_result(engine, caller, span_text("\"pong\""));
}

static void builtin_subscribe(struct engine *engine, const struct caller *caller,
			      const struct message *message, uint64_t now_us)
{
	(void)now_us;
	watch_subscribe(engine, caller, message);
}

static void builtin_unsubscribe(struct engine *engine, const struct caller *caller,
				const struct message *message, uint64_t now_us)
{
	(void)now_us;
	watch_unsubscribe(engine, caller, message);
}

/* As a JSON token; null where it is not known. */
static void add_position(struct strbuf *out, struct position position)
{
	char text[POSITION_TEXT_MAX];

	if (position_is_set(position))
		strbuf_json(out, span_of(text, position_write(position, text)));
	else
		strbuf_text(out, "null");
}

static void builtin_info(struct engine *engine, const struct caller *caller,
			 const struct message *message, uint64_t now_us)
{
	struct strbuf *out = &engine->scratch;

	(void)message;
	strbuf_clear(out);
	strbuf_text(out, "{\"name\":\"wsbroker\",\"version\":\"" WSBROKER_VERSION "\",\"node\":");
	strbuf_json(out, span_text(engine->config->node));
	strbuf_printf(out, ",\"uptime_seconds\":%" PRIu64 ",\"clients\":%zu,\"draining\":%s",
		      (now_us - engine->started_us) / US_PER_S, session_count(&engine->sessions),
		      engine->draining ? "true" : "false");
	strbuf_printf(out,
		      ",\"limits\":{\"message\":%" PRIu64 ",\"batch\":%" PRIu32
		      ",\"in_flight_per_client\":%" PRIu32 "}",
		      engine->config->limits.message_bytes, engine->config->limits.batch,
		      engine->config->limits.in_flight_per_client);
	strbuf_text(out, ",\"encodings\":[\"json\",\"msgpack\"],\"pools\":[");
	for (size_t i = 0; i < engine->lane_count; i++) {
		if (i > 0)
			strbuf_text(out, ",");
		strbuf_json(out, span_text(engine->lanes[i]->pool->settings->name));
	}
	strbuf_text(out, "],\"invalidations\":{\"position\":");
	add_position(out, journal_top(engine->invalidations.journal));
	strbuf_text(out, "}}");
	if (!out->failed)
		settle_result(engine, caller, strbuf_span(out));
}

/* Does what the params say, which have been read. */
static void invalidate_for(struct engine *engine, const struct caller *caller,
			   const struct invalidation *what, uint64_t now_us)
{
	struct strbuf *out = &engine->scratch;
	size_t hits = invalidate(engine, what, CAUSE_CALL, now_us);

	strbuf_clear(out);
	strbuf_printf(out, "{\"invalidated\":%zu,\"position\":", hits);
	add_position(out, engine->invalidations.latest);
	strbuf_text(out, "}");
	if (!out->failed)
		settle_result(engine, caller, strbuf_span(out));
}

static void builtin_invalidate(struct engine *engine, const struct caller *caller,
			       const struct message *message, uint64_t now_us)
{
	char why[INVALIDATION_WHY_MAX];
	struct invalidation_held held;
	json_t *params;

	if (!caller->session->may_publish) {
		settle_refuse(engine, caller, NULL, RESULT_METHOD_DENIED, "method_denied",
			      "wsbroker.invalidate needs the role publisher or operator", NULL);
		return;
	}
	params = message->params.at ? message_tree(message->encoding, message->params) : NULL;
	if (invalidation_read(params, &held, why) == WSB_OK) {
		invalidate_for(engine, caller, &held.what, now_us);
		invalidation_held_fini(&held);
	} else {
		settle_refuse(engine, caller, NULL, RESULT_INVALID, "invalid_request", why, NULL);
	}
	json_decref(params);
}

static const struct {
	const char *method;
	void (*call)(struct engine *engine, const struct caller *caller,
		     const struct message *message, uint64_t now_us);
} builtins[] = {
	{"wsbroker.ping", builtin_ping},
	{"wsbroker.info", builtin_info},
	{"wsbroker.cache.get", cached_call_get},
	{"wsbroker.cache.put", cached_call_put},
	{"wsbroker.invalidate", builtin_invalidate},
	{"wsbroker.subscribe", builtin_subscribe},
	{"wsbroker.unsubscribe", builtin_unsubscribe},
};

void builtin_call(struct engine *engine, const struct caller *caller, const struct message *message,
		  uint64_t now_us)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++) {
		if (span_is(message->method, builtins[i].method)) {
			builtins[i].call(engine, caller, message, now_us);
			return;
		}
	}
	settle_refuse(engine, caller, NULL, RESULT_NO_ROUTE, "no_route",
		      "wsbroker has no such method", NULL);
}
