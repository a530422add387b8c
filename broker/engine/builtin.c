#include "broker/engine/builtin.h"

#include <inttypes.h>

#include "broker/engine/pushes.h"
#include "broker/engine/version.h"

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
	pushes_subscribe(engine, caller, message);
}

static void builtin_unsubscribe(struct engine *engine, const struct caller *caller,
				const struct message *message, uint64_t now_us)
{
	(void)now_us;
	pushes_unsubscribe(engine, caller, message);
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
	strbuf_text(out, "]}");
	if (!out->failed)
		settle_result(engine, caller, strbuf_span(out));
}

static const struct {
	const char *method;
	void (*call)(struct engine *engine, const struct caller *caller,
		     const struct message *message, uint64_t now_us);
} builtins[] = {
	{"wsbroker.ping", builtin_ping},
	{"wsbroker.info", builtin_info},
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
