#include "proto/invalidation_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an event has besides its names takes far less than this. */
#define EVENT_FRAME_BYTES 4096U
#define EVENT_NAMES_BYTES (EVENT_BYTES_MAX - EVENT_FRAME_BYTES)

/* What a name takes in the JSON text of an event, at most: six bytes for each that has to be
 * escaped, quotes and a comma. MessagePack takes less. */
static size_t name_bytes(struct span name)
{
	size_t bytes = name.len + 3;

	for (size_t i = 0; i < name.len; i++) {
		unsigned char byte = (unsigned char)name.at[i];

		if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
			bytes += 5;
	}
	return bytes;
}

static size_t names_bytes(const struct span *names, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += name_bytes(names[i]);
	return bytes;
}

/* The three lists of names. */
static const struct names {
	const char *member;
	const char *one; /* of them, in a sentence */
	size_t bytes_max;
} lists[] = {
	{"tags", "a tag", TAG_GLOB_BYTES_MAX},
	{"keys", "a key", ENTRY_KEY_BYTES_MAX},
	{"methods", "a method", METHOD_GLOB_BYTES_MAX},
};
#define LISTS (sizeof(lists) / sizeof(lists[0]))

static bool name_read(const json_t *value, const struct names *list, struct span *out,
		      char why[INVALIDATION_WHY_MAX])
{
	if (!json_is_string(value)) {
		snprintf(why, INVALIDATION_WHY_MAX, "%s must be a text or an array of texts",
			 list->member);
		return false;
	}
	*out = span_of(json_string_value(value), json_string_length(value));
	if (out->len == 0 || out->len > list->bytes_max) {
		snprintf(why, INVALIDATION_WHY_MAX, "%s has 1 to %zu bytes, not %zu", list->one,
			 list->bytes_max, out->len);
		return false;
	}
	return true;
}

static size_t names_count(const json_t *value)
{
	return json_is_array(value) ? json_array_size(value) : value != NULL;
}

static bool names_read(const json_t *value, const struct names *list, struct span *out,
		       char why[INVALIDATION_WHY_MAX])
{
	if (!json_is_array(value))
		return !value || name_read(value, list, out, why);
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!name_read(json_array_get(value, i), list, &out[i], why))
			return false;
	}
	return true;
}

/* One of two words; absent is the first. */
static bool word_read(const json_t *members, const char *member, const char *const words[2],
		      bool *second, char why[INVALIDATION_WHY_MAX])
{
	const json_t *value = json_object_get(members, member);
	const char *word = json_is_string(value) ? json_string_value(value) : "";

	*second = strcmp(word, words[1]) == 0;
	if (!value || *second || strcmp(word, words[0]) == 0)
		return true;
	snprintf(why, INVALIDATION_WHY_MAX, "%s must be \"%s\" or \"%s\"", member, words[0],
		 words[1]);
	return false;
}

static bool words_read(const json_t *members, struct invalidation *out,
		       char why[INVALIDATION_WHY_MAX])
{
	static const char *const modes[] = {"hard", "soft"};
	static const char *const matches[] = {"any", "all"};
	const json_t *all = json_object_get(members, "all");
	bool soft;
	bool match_all;

	if (!word_read(members, "mode", modes, &soft, why) ||
	    !word_read(members, "match", matches, &match_all, why))
		return false;
	if (all && !json_is_boolean(all)) {
		snprintf(why, INVALIDATION_WHY_MAX, "all must be true or false");
		return false;
	}
	out->mode = soft ? INVALIDATE_SOFT : INVALIDATE_HARD;
	out->match = match_all ? MATCH_ALL : MATCH_ANY;
	out->all = json_is_true(all);
	return true;
}

static bool members_known(const json_t *members, char why[INVALIDATION_WHY_MAX])
{
	static const char *const known[] = {"tags", "match", "keys", "methods", "all", "mode"};
	json_t *object = (json_t *)members; /* walking it does not change it */
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], name) != 0)
			i++;
		if (i == sizeof(known) / sizeof(known[0])) {
			snprintf(why, INVALIDATION_WHY_MAX, "unknown member %.40s", name);
			return false;
		}
	}
	return true;
}

/* What each member may be is known; now whether they make sense together. */
static bool is_sensible(const struct invalidation *what, char why[INVALIDATION_WHY_MAX])
{
	const size_t count = what->tag_count + what->key_count + what->method_count;

	if (what->all && count > 0)
		snprintf(why, INVALIDATION_WHY_MAX, "all stands alone: it hits everything");
	else if (!what->all && count == 0)
		snprintf(why, INVALIDATION_WHY_MAX,
			 "nothing to invalidate: give tags, keys or methods, or all: true");
	else if (what->match == MATCH_ALL &&
		 (what->tag_count > EVENT_NAMES_MAX ||
		  names_bytes(what->tags, what->tag_count) > EVENT_NAMES_BYTES))
		snprintf(why, INVALIDATION_WHY_MAX,
			 "with match: \"all\" the tags must fit into one event: %d, and %u bytes",
			 EVENT_NAMES_MAX, EVENT_NAMES_BYTES);
	else
		return true;
	return false;
}

static enum wsb_err lists_read(const json_t *members, struct invalidation_held *held,
			       char why[INVALIDATION_WHY_MAX])
{
	const json_t *values[LISTS];
	size_t counts[LISTS];
	size_t total = 0;
	struct span *at;

	for (size_t i = 0; i < LISTS; i++) {
		values[i] = json_object_get(members, lists[i].member);
		counts[i] = names_count(values[i]);
		total += counts[i];
	}
	held->spans = calloc(total > 0 ? total : 1, sizeof(*held->spans));
	if (!held->spans) {
		snprintf(why, INVALIDATION_WHY_MAX, "there is no memory for it");
		return WSB_ENOMEM;
	}
	at = held->spans;
	for (size_t i = 0; i < LISTS; i++) {
		if (!names_read(values[i], &lists[i], at, why))
			return WSB_EINVAL;
		at += counts[i];
	}
	held->what.tags = held->spans;
	held->what.tag_count = counts[0];
	held->what.keys = held->what.tags + counts[0];
	held->what.key_count = counts[1];
	held->what.methods = held->what.keys + counts[1];
	held->what.method_count = counts[2];
	return WSB_OK;
}

enum wsb_err invalidation_read(const json_t *members, struct invalidation_held *out,
			       char why[INVALIDATION_WHY_MAX])
{
	enum wsb_err err = WSB_EINVAL;

	*out = (struct invalidation_held){0};
	if (!json_is_object(members))
		snprintf(why, INVALIDATION_WHY_MAX, "it must be an object");
	else if (members_known(members, why) && words_read(members, &out->what, why))
		err = lists_read(members, out, why);
	if (err == WSB_OK && !is_sensible(&out->what, why))
		err = WSB_EINVAL;
	if (err != WSB_OK)
		invalidation_held_fini(out);
	return err;
}

void invalidation_held_fini(struct invalidation_held *held)
{
	free(held->spans);
	*held = (struct invalidation_held){0};
}

/* Moves as many names as there is room for from the front of one list to the other. */
static void take_names(const struct span **from, size_t *from_count, const struct span **to,
		       size_t *to_count, size_t *room)
{
	size_t count = 0;

	*to = *from;
	while (count < *from_count && count < EVENT_NAMES_MAX) {
		size_t bytes = name_bytes((*from)[count]);

		if (bytes > *room)
			break;
		*room -= bytes;
		count++;
	}
	*to_count = count;
	*from_count -= count;
	if (count > 0)
		*from += count;
}

bool invalidation_next_part(struct invalidation_parts *parts, struct invalidation *part)
{
	struct invalidation *rest = &parts->rest;
	size_t room = EVENT_NAMES_BYTES;

	/* What names nothing, or all, is one event too. */
	if (parts->begun && rest->tag_count + rest->key_count + rest->method_count == 0)
		return false;
	parts->begun = true;
	*part = *rest;
	take_names(&rest->tags, &rest->tag_count, &part->tags, &part->tag_count, &room);
	take_names(&rest->keys, &rest->key_count, &part->keys, &part->key_count, &room);
	take_names(&rest->methods, &rest->method_count, &part->methods, &part->method_count, &room);
	return true;
}
