#include "broker/engine/watch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/engine/batch.h"
#include "broker/engine/client.h"
#include "broker/engine/pushes.h"
#include "common/glob.h"
#include "proto/partial.h"
#include "proto/token.h"

#define WHY_MAX 128

bool watch_wants(const struct watch *watch, struct span method)
{
	for (size_t i = 0; i < watch->method_count; i++)
		if (method.at && glob_match(watch->methods[i], method))
			return true;
	return watch->method_count == 0;
}

void watch_send(struct engine *engine, struct watch *watch, struct span push)
{
	static const char json_head[] = "{\"jsonrpc\":\"2.0\",\"method\":\"wsbroker.event\","
					"\"params\":{\"subscription\":";
	static const char json_middle[] = ",\"channel\":\"push\",\"event\":";
	static const char packed_head[] = "\x83\xa7"
					  "jsonrpc\xa3"
					  "2.0\xa6"
					  "method\xae"
					  "wsbroker.event\xa6"
					  "params\x83\xac"
					  "subscription";
	static const char packed_middle[] = "\xa7"
					    "channel\xa4"
					    "push\xa5"
					    "event";
	const enum encoding encoding = watch->session->encoding;
	const bool json = encoding == ENCODING_JSON;
	const struct span pieces[] = {
		json ? span_text(json_head) : span_of(packed_head, sizeof(packed_head) - 1),
		own_token_span(&watch->own, encoding),
		json ? span_text(json_middle) : span_of(packed_middle, sizeof(packed_middle) - 1),
		push,
		json ? span_text("}}") : span_of("", 0),
	};

	client_send(engine, watch->session, encoding, pieces, 5);
}

static void watch_destroy(struct engine *engine, struct watch *watch)
{
	list_remove(&engine->pushes.watches, &watch->link);
	list_remove(&watch->session->watches, &watch->client_link);
	engine->pushes.bytes -= watch->bytes;
	free(watch);
}

void pushes_client_gone(struct engine *engine, struct session *session)
{
	struct list_node *node;

	while ((node = list_first(&session->watches)))
		watch_destroy(engine, list_entry(node, struct watch, client_link));
}

void pushes_batch_sent(struct session *session, const void *batch)
{
	list_each(&session->watches, node) {
		struct watch *watch = list_entry(node, struct watch, client_link);

		if (watch->batch == batch)
			watch->batch = NULL;
	}
}

/* With these globs, whose bytes are copied. NULL: no memory. */
static struct watch *watch_create(struct engine *engine, struct session *session,
				  const json_t *methods)
{
	static const struct look look = {.kind = LOOK_TEXT, .len = LOOK_LEN_MIN};
	size_t count = json_array_size(methods);
	size_t bytes = sizeof(struct watch) + count * sizeof(struct span);
	struct watch *watch;
	char *at;

	for (size_t i = 0; i < count; i++)
		bytes += json_string_length(json_array_get(methods, i));
	watch = calloc(1, bytes);
	if (!watch)
		return NULL;
	watch->session = session;
	watch->bytes = bytes;
	watch->method_count = count;
	at = (char *)&watch->methods[count];
	for (size_t i = 0; i < count; i++) {
		const json_t *method = json_array_get(methods, i);

		watch->methods[i] = span_of(at, json_string_length(method));
		memcpy(at, json_string_value(method), json_string_length(method));
		at += json_string_length(method);
	}
	mint_make(&engine->publish.subscriptions.mint, &look, &watch->own);
	list_node_init(&watch->link);
	list_node_init(&watch->client_link);
	list_append(&engine->pushes.watches, &watch->link);
	list_append(&session->watches, &watch->client_link);
	engine->pushes.bytes += bytes;
	return watch;
}

static bool are_globs(const json_t *methods, char why[WHY_MAX])
{
	bool right = json_is_array(methods) && json_array_size(methods) > 0 &&
		     json_array_size(methods) <= WATCH_METHODS_MAX;

	for (size_t i = 0; right && i < json_array_size(methods); i++)
		right = json_is_string(json_array_get(methods, i));
	if (!right)
		snprintf(why, WHY_MAX, "methods must be a list of 1 to %d texts",
			 WATCH_METHODS_MAX);
	return right;
}

/* What the params say; why: what is wrong with them. */
static bool params_are_right(json_t *params, char why[WHY_MAX])
{
	const char *channel = json_string_value(json_object_get(params, "channel"));
	const char *name;
	json_t *value;

	if (!channel || strcmp(channel, "push") != 0) {
		snprintf(why, WHY_MAX, "channel must be one of those there are: \"push\"");
		return false;
	}
	json_object_foreach(params, name, value)
	{
		if (strcmp(name, "methods") == 0 ? !are_globs(value, why)
						 : strcmp(name, "channel") != 0) {
			if (strcmp(name, "methods") != 0)
				snprintf(why, WHY_MAX, "unknown member %.40s", name);
			return false;
		}
	}
	return true;
}

static void refuse(struct engine *engine, const struct caller *caller, const char *why)
{
	settle_refuse(engine, caller, NULL, RESULT_INVALID, "invalid_request", why, NULL);
}

static void answer_watch(struct engine *engine, const struct caller *caller, struct watch *watch)
{
	if (caller->batch) {
		watch->batch = caller->batch;
		caller->batch->subscribes = true;
	}
	settle_result(engine, caller, own_token_span(&watch->own, ENCODING_JSON));
}

void pushes_subscribe(struct engine *engine, const struct caller *caller,
		      const struct message *message)
{
	struct session *session = caller->session;
	json_t *params =
		message->params.at ? message_tree(message->encoding, message->params) : NULL;
	char why[WHY_MAX] = "";
	struct watch *watch;

	if (session->kind != SESSION_WEBSOCKET || !caller->wants_answer) {
		refuse(engine, caller,
		       "a subscription needs a WebSocket, and a request with an id");
	} else if (!params_are_right(params, why)) {
		refuse(engine, caller, why);
	} else if (session->members.count + session->watches.count >=
		   engine->config->limits.subscriptions_per_client) {
		settle_refuse(engine, caller, NULL, RESULT_OVERLOADED, "overloaded",
			      "the client has too many subscriptions",
			      "limits.subscriptions_per_client");
	} else {
		watch = watch_create(engine, session, json_object_get(params, "methods"));
		if (watch)
			answer_watch(engine, caller, watch);
		else
			settle_refuse(engine, caller, NULL, RESULT_OVERLOADED, "overloaded", NULL,
				      "limits.memory");
	}
	json_decref(params);
}

/* [id] or {subscription: id}. */
static struct span asked_id(const struct message *message)
{
	struct path path;
	struct span id;
	const char *why;

	if (path_compile(&path, span_text("params.subscription"), &why) != WSB_OK)
		return span_of(NULL, 0);
	id = path_first(&path, message);
	if (id.at || path_compile(&path, span_text("params[0]"), &why) != WSB_OK)
		return id;
	return path_first(&path, message);
}

void pushes_unsubscribe(struct engine *engine, const struct caller *caller,
			const struct message *message)
{
	struct span id = asked_id(message);

	if (!id.at) {
		refuse(engine, caller, "params must be [id] or {\"subscription\": id}");
		return;
	}
	list_each(&caller->session->watches, node) {
		struct watch *watch = list_entry(node, struct watch, client_link);

		if (!token_equal(message->encoding, id, own_token_span(&watch->own, ENCODING_JSON)))
			continue;
		watch_destroy(engine, watch);
		settle_result(engine, caller, span_text("true"));
		return;
	}
	settle_result(engine, caller, span_text("false"));
}
