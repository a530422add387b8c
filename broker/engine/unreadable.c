#include "broker/engine/unreadable.h"

#include <string.h>
#include <jansson.h>

#include "broker/engine/client.h"
#include "broker/engine/settle.h"
#include "common/escape.h"
#include "proto/partial.h"

#define SAMPLE_BYTES 120

/* Names that home-grown forms give to the parts of a message, likeliest first. */
static const char *const id_names[] = {"id",	"requestId", "request_id",   "messageId",
				       "msgId", "seq",	     "correlationId"};
static const char *const method_names[] = {"method", "type", "action", "event", "op", "cmd"};
static const char *const params_names[] = {"params", "payload", "data", "args", "body"};

static const char *name_found(const json_t *tree, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (json_object_get(tree, names[i]))
			return names[i];
	}
	return NULL;
}

#define FIND(tree, names) name_found((tree), (names), sizeof(names) / sizeof((names)[0]))

/* The `envelope` setting that would fit a message of this look; "" when none suggests itself. */
static void envelope_guess(enum encoding encoding, struct span payload, struct strbuf *out)
{
	json_t *tree = message_tree(encoding, payload);
	const char *id = FIND(tree, id_names);
	const char *method = FIND(tree, method_names);
	const char *params = FIND(tree, params_names);

	if (method && strcmp(method, "method") != 0) {
		strbuf_printf(out, "{method: /%s", method);
		if (id)
			strbuf_printf(out, ", id: /%s", id);
		if (params)
			strbuf_printf(out, ", params: /%s, result: /%s", params, params);
		strbuf_text(out, "}");
	}
	json_decref(tree);
}

void unreadable_note(struct engine *engine, struct session *session, enum encoding encoding,
		     struct span payload)
{
	struct strbuf *guess = &engine->scratch;

	engine->stats.oddities[ODD_CLIENT_UNREADABLE]++;
	if (session->unreadable)
		return;
	session->unreadable = true;
	strbuf_clear(guess);
	envelope_guess(encoding, payload, guess);
	log_event(
		engine->log, LOG_WARN, "client.unreadable", log_number("client", session->id),
		log_text("encoding", encoding_name(encoding)), log_number("bytes", payload.len),
		log_span("begins", span_of(payload.at, payload.len < SAMPLE_BYTES ? payload.len
										  : SAMPLE_BYTES)),
		log_span("fitting_envelope", strbuf_span(guess)));
}

void unreadable_answer(struct engine *engine, struct session *session, bool binary,
		       enum encoding encoding, struct span payload)
{
	struct caller caller = {
		.session = session,
		.jsonrpc = engine->config->envelope_is_jsonrpc,
		.wants_answer = true,
		.encoding = encoding,
	};

	unreadable_note(engine, session, encoding, payload);
	if (!binary && session->kind == SESSION_WEBSOCKET && !utf8_is_valid(payload)) {
		/* RFC 6455, section 8.1: a text frame that is not UTF-8 ends the connection. */
		client_close(engine, session, 1007, "invalid UTF-8 in a text message");
		return;
	}
	settle_refuse(engine, &caller, NULL, RESULT_PARSE_ERROR, "parse_error",
		      encoding == ENCODING_JSON ? "the message is not JSON"
						: "the message is not MessagePack",
		      NULL);
}
