#include "broker/engine/watch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/engine/batch.h"
#include "broker/engine/client.h"
#include "broker/engine/follow.h"
#include "broker/journal/since.h"
#include "common/glob.h"
#include "proto/invalidation_read.h"
#include "proto/partial.h"
#include "proto/token.h"

#define WHY_MAX 128

/* What each may be asked for. */
static const struct channel {
	const char *name;
	const char *globs; /* the member that says which events */
	bool since;	   /* it has a past */
} channels[CHANNELS] = {
	[CHANNEL_PUSH] = {"push", "methods", false},
	[CHANNEL_INVALIDATIONS] = {"invalidations", "tags", true},
};

static struct list *list_of(struct engine *engine, enum watch_channel channel)
{
	return channel == CHANNEL_PUSH ? &engine->pushes.watches : &engine->invalidations.watches;
}

bool watch_wants(const struct watch *watch, struct span method)
{
	for (size_t i = 0; i < watch->glob_count; i++)
		if (method.at && glob_match(watch->globs[i], method))
			return true;
	return watch->glob_count == 0;
}

void watch_send(struct engine *engine, struct watch *watch, struct span event)
{
	static const char json_head[] = "{\"jsonrpc\":\"2.0\",\"method\":\"wsbroker.event\","
					"\"params\":{\"subscription\":";
	static const char *const json_middles[CHANNELS] = {
		[CHANNEL_PUSH] = ",\"channel\":\"push\",\"event\":",
		[CHANNEL_INVALIDATIONS] = ",\"channel\":\"invalidations\",\"event\":",
	};
	static const char packed_head[] = "\x83\xa7"
					  "jsonrpc\xa3"
					  "2.0\xa6"
					  "method\xae"
					  "wsbroker.event\xa6"
					  "params\x83\xac"
					  "subscription";
	static const char *const packed_middles[CHANNELS] = {
		[CHANNEL_PUSH] = "\xa7"
				 "channel\xa4"
				 "push\xa5"
				 "event",
		[CHANNEL_INVALIDATIONS] = "\xa7"
					  "channel\xad"
					  "invalidations\xa5"
					  "event",
	};
	const enum encoding encoding = watch->session->encoding;
	const bool json = encoding == ENCODING_JSON;
	const struct span pieces[] = {
		json ? span_text(json_head) : span_of(packed_head, sizeof(packed_head) - 1),
		own_token_span(&watch->own, encoding),
		span_text((json ? json_middles : packed_middles)[watch->channel]),
		event,
		json ? span_text("}}") : span_of("", 0),
	};

	client_send(engine, watch->session, encoding, pieces, 5);
}

static void watch_destroy(struct engine *engine, struct watch *watch)
{
	list_remove(list_of(engine, watch->channel), &watch->link);
	list_remove(&watch->session->watches, &watch->client_link);
	engine->pushes.bytes -= watch->bytes;
	free(watch);
}

void watch_client_gone(struct engine *engine, struct session *session)
{
	struct list_node *node;

	while ((node = list_first(&session->watches)))
		watch_destroy(engine, list_entry(node, struct watch, client_link));
}

void watch_batch_sent(struct session *session, const void *batch)
{
	list_each(&session->watches, node) {
		struct watch *watch = list_entry(node, struct watch, client_link);

		if (watch->batch == batch)
			watch->batch = NULL;
	}
}

/* With these globs, whose bytes are copied. NULL: no memory. */
static struct watch *watch_create(struct engine *engine, struct session *session,
				  enum watch_channel channel, const json_t *globs)
{
	static const struct look look = {.kind = LOOK_TEXT, .len = LOOK_LEN_MIN};
	size_t count = json_array_size(globs);
	size_t bytes = sizeof(struct watch) + count * sizeof(struct span);
	struct watch *watch;
	char *at;

	for (size_t i = 0; i < count; i++)
		bytes += json_string_length(json_array_get(globs, i));
	watch = calloc(1, bytes);
	if (!watch)
		return NULL;
	watch->session = session;
	watch->channel = channel;
	watch->bytes = bytes;
	watch->glob_count = count;
	at = (char *)&watch->globs[count];
	for (size_t i = 0; i < count; i++) {
		const json_t *glob = json_array_get(globs, i);

		watch->globs[i] = span_of(at, json_string_length(glob));
		memcpy(at, json_string_value(glob), json_string_length(glob));
		at += json_string_length(glob);
	}
	mint_make(&engine->publish.subscriptions.mint, &look, &watch->own);
	list_node_init(&watch->link);
	list_node_init(&watch->client_link);
	list_append(list_of(engine, channel), &watch->link);
	list_append(&session->watches, &watch->client_link);
	engine->pushes.bytes += bytes;
	return watch;
}

static bool are_globs(const json_t *globs)
{
	bool right = json_is_array(globs) && json_array_size(globs) > 0 &&
		     json_array_size(globs) <= WATCH_GLOBS_MAX;

	for (size_t i = 0; right && i < json_array_size(globs); i++)
		right = json_is_string(json_array_get(globs, i)) &&
			json_string_length(json_array_get(globs, i)) <= TAG_GLOB_BYTES_MAX;
	return right;
}

/* What a member besides `channel` says; why: what is wrong with it. */
static bool member_is_right(const struct channel *channel, const char *name, const json_t *value,
			    char why[WHY_MAX])
{
	if (strcmp(name, channel->globs) == 0) {
		if (are_globs(value))
			return true;
		snprintf(why, WHY_MAX, "%s must be a list of 1 to %d texts of up to %d bytes", name,
			 WATCH_GLOBS_MAX, TAG_GLOB_BYTES_MAX);
	} else if (strcmp(name, "since") == 0 && channel->since) {
		if (json_is_string(value))
			return true;
		snprintf(why, WHY_MAX, "since must be " SINCE_WANTED);
	} else {
		snprintf(why, WHY_MAX, "unknown member %.40s", name);
	}
	return false;
}

/* What the params say. NULL: why tells what is wrong with them. */
static const struct channel *params_read(json_t *params, char why[WHY_MAX])
{
	const char *wanted = json_string_value(json_object_get(params, "channel"));
	const struct channel *channel = NULL;
	const char *name;
	json_t *value;

	for (size_t i = 0; wanted && i < CHANNELS; i++)
		if (strcmp(channels[i].name, wanted) == 0)
			channel = &channels[i];
	if (!channel) {
		snprintf(why, WHY_MAX,
			 "channel must be one of those there are: \"push\" or "
			 "\"invalidations\"");
		return NULL;
	}
	json_object_foreach(params, name, value)
	{
		if (strcmp(name, "channel") != 0 && !member_is_right(channel, name, value, why))
			return NULL;
	}
	return channel;
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

static struct span text_of(const json_t *value)
{
	return span_of(json_string_value(value), json_string_length(value));
}

static void watch_begin(struct engine *engine, const struct caller *caller,
			const struct channel *channel, const json_t *params)
{
	struct watch *watch =
		watch_create(engine, caller->session, (enum watch_channel)(channel - channels),
			     json_object_get(params, channel->globs));

	if (!watch) {
		settle_refuse(engine, caller, NULL, RESULT_OVERLOADED, "overloaded", NULL,
			      "limits.memory");
		return;
	}
	if (channel->since &&
	    !follow_from(engine, watch, text_of(json_object_get(params, "since")))) {
		watch_destroy(engine, watch);
		refuse(engine, caller, "since must be " SINCE_WANTED);
		return;
	}
	answer_watch(engine, caller, watch);
	if (channel->since)
		follow_one(engine, watch);
}

void watch_subscribe(struct engine *engine, const struct caller *caller,
		     const struct message *message)
{
	struct session *session = caller->session;
	json_t *params =
		message->params.at ? message_tree(message->encoding, message->params) : NULL;
	const struct channel *channel;
	char why[WHY_MAX] = "";

	if (session->kind != SESSION_WEBSOCKET || !caller->wants_answer) {
		refuse(engine, caller,
		       "a subscription needs a WebSocket, and a request with an id");
	} else if (!(channel = params_read(params, why))) {
		refuse(engine, caller, why);
	} else if (session->members.count + session->watches.count >=
		   engine->config->limits.subscriptions_per_client) {
		settle_refuse(engine, caller, NULL, RESULT_OVERLOADED, "overloaded",
			      "the client has too many subscriptions",
			      "limits.subscriptions_per_client");
	} else {
		watch_begin(engine, caller, channel, params);
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

void watch_unsubscribe(struct engine *engine, const struct caller *caller,
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
