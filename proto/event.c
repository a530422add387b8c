#include "proto/event.h"

#include <stdlib.h>
#include <string.h>
#include "common/clock.h"
#include "common/glob.h"
#include "proto/event_words.h"
#include "proto/partial.h"

const struct event_words event_words[EVENT_OTHER] = {
	[EVENT_INVALIDATED] = {"wsbroker.cache.invalidated.v1", "invalidate"},
	[EVENT_FLUSHED] = {"wsbroker.cache.flushed.v1", "flush"},
	[EVENT_RESYNC] = {"wsbroker.cache.resync.v1", "resync"},
	[EVENT_HEARTBEAT] = {"wsbroker.heartbeat.v1", "heartbeat"},
};

const char *event_type_name(enum event_type type)
{
	return type < EVENT_OTHER ? event_words[type].type : "";
}

const char *event_cause_name(enum event_cause cause)
{
	static const char *const names[CAUSE_COUNT] = {
		[CAUSE_PUSH] = "push",	 [CAUSE_WRITE] = "write",   [CAUSE_CALL] = "call",
		[CAUSE_ADMIN] = "admin", [CAUSE_INBOX] = "inbox",   [CAUSE_SCRIPT] = "script",
		[CAUSE_BUS] = "bus",	 [CAUSE_RESYNC] = "resync",
	};

	return names[cause];
}

/* A text of 1 to max bytes. */
static bool text_read(const json_t *value, size_t max, struct span *out)
{
	if (!json_is_string(value) || json_string_length(value) == 0 ||
	    json_string_length(value) > max)
		return false;
	*out = span_of(json_string_value(value), json_string_length(value));
	return true;
}

/* Absent and empty are both nothing. */
static bool optional_text(const json_t *value, size_t max, struct span *out)
{
	*out = span_of("", 0);
	return !value || (json_is_string(value) && json_string_length(value) == 0) ||
	       text_read(value, max, out);
}

/* One of two words; absent is the first. */
static bool word_read(const json_t *value, const char *first, const char *second, bool *is_second)
{
	*is_second = json_is_string(value) && strcmp(json_string_value(value), second) == 0;
	return !value || *is_second ||
	       (json_is_string(value) && strcmp(json_string_value(value), first) == 0);
}

static bool position_of(const json_t *value, struct position *out)
{
	*out = (struct position){0};
	if (!value || json_is_null(value))
		return true;
	return json_is_string(value) &&
	       position_read(span_of(json_string_value(value), json_string_length(value)), out);
}

static enum wsb_err names_read(const json_t *value, size_t bytes_max, struct span *at,
			       size_t *count)
{
	*count = 0;
	if (!value)
		return WSB_OK;
	if (!json_is_array(value))
		return WSB_EPARSE;
	if (json_array_size(value) > EVENT_NAMES_MAX)
		return WSB_ELIMIT;
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!text_read(json_array_get(value, i), bytes_max, &at[i]))
			return WSB_EPARSE;
	}
	*count = json_array_size(value);
	return WSB_OK;
}

static size_t total_names(const json_t *data)
{
	return json_array_size(json_object_get(data, "tags")) +
	       json_array_size(json_object_get(data, "keys")) +
	       json_array_size(json_object_get(data, "methods"));
}

static enum wsb_err lists_read(const json_t *data, struct event_held *held)
{
	struct invalidation *what = &held->event.what;
	struct span *at = calloc(total_names(data) + 1, sizeof(*at));
	enum wsb_err err;

	if (!at)
		return WSB_ENOMEM;
	held->spans = at;
	what->tags = at;
	err = names_read(json_object_get(data, "tags"), TAG_GLOB_BYTES_MAX, at, &what->tag_count);
	at += what->tag_count;
	what->keys = at;
	if (err == WSB_OK)
		err = names_read(json_object_get(data, "keys"), ENTRY_KEY_BYTES_MAX, at,
				 &what->key_count);
	at += what->key_count;
	what->methods = at;
	if (err == WSB_OK)
		err = names_read(json_object_get(data, "methods"), METHOD_GLOB_BYTES_MAX, at,
				 &what->method_count);
	return err;
}

static enum wsb_err invalidated_read(const json_t *data, struct event_held *held)
{
	struct event *event = &held->event;
	bool soft;
	bool all;

	if (!word_read(json_object_get(data, "mode"), "hard", "soft", &soft) ||
	    !word_read(json_object_get(data, "match"), "any", "all", &all) ||
	    !optional_text(json_object_get(data, "cause"), EVENT_CAUSE_BYTES_MAX, &event->cause))
		return WSB_EPARSE;
	event->what.mode = soft ? INVALIDATE_SOFT : INVALIDATE_HARD;
	event->what.match = all ? MATCH_ALL : MATCH_ANY;
	if (event->type == EVENT_INVALIDATED)
		return lists_read(data, held);
	event->what.all = true;
	return WSB_OK;
}

static enum wsb_err heartbeat_read(const json_t *data, struct event_heartbeat *out)
{
	const json_t *clients = json_object_get(data, "clients");
	const json_t *score = json_object_get(data, "score");

	if (!optional_text(json_object_get(data, "node"), EVENT_NAME_BYTES_MAX, &out->node) ||
	    !optional_text(json_object_get(data, "version"), EVENT_NAME_BYTES_MAX, &out->version))
		return WSB_EPARSE;
	if (json_is_integer(clients) && json_integer_value(clients) > 0)
		out->clients = (uint64_t)json_integer_value(clients);
	out->score = json_is_number(score) ? json_number_value(score) : -1;
	return WSB_OK;
}

static enum event_type type_of(struct span text)
{
	int type = EVENT_INVALIDATED;

	while (type < EVENT_OTHER && !span_is(text, event_words[type].type))
		type++;
	return (enum event_type)type;
}

/* What every CloudEvent has. */
static bool head_read(const json_t *tree, struct event *event)
{
	struct span version;
	struct span type;
	struct span time;

	if (!json_is_object(tree) ||
	    !text_read(json_object_get(tree, "specversion"), 8, &version) ||
	    !span_is(version, "1.0") ||
	    !text_read(json_object_get(tree, "type"), EVENT_NAME_BYTES_MAX, &type) ||
	    !text_read(json_object_get(tree, "source"), EVENT_NAME_BYTES_MAX, &event->source) ||
	    !text_read(json_object_get(tree, "id"), EVENT_NAME_BYTES_MAX, &event->id) ||
	    !optional_text(json_object_get(tree, "time"), CLOCK_TEXT_MAX * 2, &time))
		return false;
	event->type = type_of(type);
	/* It is for people: one that nobody can read harms nobody. */
	if (clock_read(time, &event->time_us) != WSB_OK)
		event->time_us = 0;
	return true;
}

static enum wsb_err tree_read(struct event_held *held)
{
	const json_t *data = json_object_get(held->tree, "data");
	struct event *event = &held->event;

	if (!head_read(held->tree, event))
		return WSB_EPARSE;
	if (event->type == EVENT_OTHER) {
		/* Whatever its data is; but its place in the log, if it has one, is worth knowing.
		 */
		if (!position_of(json_object_get(data, "position"), &event->position))
			event->position = (struct position){0};
		return WSB_OK;
	}
	if (!json_is_object(data) ||
	    !position_of(json_object_get(data, "position"), &event->position))
		return WSB_EPARSE;
	if (event->type == EVENT_HEARTBEAT)
		return heartbeat_read(data, &event->heartbeat);
	return invalidated_read(data, held);
}

enum wsb_err event_read_tree(enum encoding encoding, struct span text, struct event_held *out)
{
	enum wsb_err err = WSB_EPARSE;

	*out = (struct event_held){0};
	out->tree = message_tree(encoding, text);
	if (out->tree)
		err = tree_read(out);
	if (err != WSB_OK)
		event_held_fini(out);
	return err;
}

enum wsb_err event_read(enum encoding encoding, struct span text, struct event_held *out)
{
	*out = (struct event_held){0};
	if (text.len > EVENT_BYTES_MAX)
		return WSB_ELIMIT;
	if (encoding == ENCODING_JSON && event_scan(text, out))
		return WSB_OK;
	return event_read_tree(encoding, text, out);
}

void event_place(struct event *event, struct position at)
{
	if (!position_equal(event->position, at))
		event->json = (struct span){0};
	event->position = at;
}

void event_held_fini(struct event_held *held)
{
	json_decref(held->tree);
	free(held->spans);
	*held = (struct event_held){0};
}

/* Whether a glob and a tag may mean a text in common. That the tag is no glob, but the one text
 * `plain`, is the usual case; of two that are, nobody looks closely. */
static bool globs_meet(struct span wanted, struct span tag, struct span plain)
{
	char buf[TAG_GLOB_BYTES_MAX];

	if (plain.at)
		return glob_match(wanted, plain);
	plain = glob_literal(wanted, buf, sizeof(buf));
	return !plain.at || glob_match(tag, plain);
}

static bool tag_concerns(struct span tag, const struct span *globs, size_t count)
{
	char buf[TAG_GLOB_BYTES_MAX];
	const struct span plain = glob_literal(tag, buf, sizeof(buf));

	for (size_t i = 0; i < count; i++) {
		if (globs_meet(globs[i], tag, plain))
			return true;
	}
	return false;
}

bool event_concerns(const struct event *event, const struct span *globs, size_t count)
{
	if (count == 0 || event->type != EVENT_INVALIDATED)
		return true;
	for (size_t i = 0; i < event->what.tag_count; i++) {
		if (tag_concerns(event->what.tags[i], globs, count))
			return true;
	}
	return false;
}
