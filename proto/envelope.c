#include "proto/envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include "proto/envelope_form.h"
#include "proto/json_codec.h"
#include "proto/json_scan.h"
#include "proto/msgpack_codec.h"
#include "proto/token.h"

static const struct envelope_settings jsonrpc_settings = {
	.id = "/id",
	.method = "/method",
	.params = "/params",
	.result = "/result",
	.error = "/error",
	.ids = ID_INTEGER,
};

/* One pointer of the settings on its way into the tree. */
struct pointer {
	const char *name;
	const char *text; /* NULL: not set */
	uint8_t *place;
};

/* Messages that are arrays have few members: one of them is a value of a list, not the list. */
#define TOP_POSITION_MAX 255

/* The position that a pointer begins with, or PLACE_NO_INDEX. */
static uint32_t first_position(const struct place_tree *tree, const struct pointer *pointer)
{
	return tree->places[place_top(tree, *pointer->place)].index;
}

/* What a pointer must be besides well-formed; NULL: nothing is wrong with it. */
static const char *pointer_flaw(const struct pointer *pointer, bool whole_allowed)
{
	const char *const text = pointer->text;

	if (text[0] == '\0')
		return whole_allowed ? NULL : "must name a member";
	if (strcmp(text, "/wsbroker") == 0 || strncmp(text, "/wsbroker/", 10) == 0)
		return "the member wsbroker is the broker's own";
	return NULL;
}

static enum wsb_err pointers_add(struct place_tree *tree, const struct pointer *pointers,
				 size_t count, char *why, size_t why_size)
{
	for (size_t i = 0; i < count; i++) {
		const struct pointer *pointer = &pointers[i];
		const bool whole_allowed = strcmp(pointer->name, "params") == 0 ||
					   strcmp(pointer->name, "result") == 0;
		const char *flaw;

		*pointer->place = PLACE_NONE;
		if (!pointer->text)
			continue;
		flaw = pointer_flaw(pointer, whole_allowed);
		if (flaw || place_add(tree, pointer->text, pointer->place, &flaw) != WSB_OK) {
			snprintf(why, why_size, "%s: %s", pointer->name, flaw);
			return WSB_EINVAL;
		}
	}
	return WSB_OK;
}

/* Pointers that begin with a position describe messages that are arrays. */
static enum wsb_err arrays_decide(struct place_tree *tree, const struct pointer *pointers,
				  size_t count, char *why, size_t why_size)
{
	size_t arrays = 0, objects = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t position;

		if (*pointers[i].place == PLACE_NONE || *pointers[i].place == PLACE_ROOT)
			continue;
		position = first_position(tree, &pointers[i]);
		if (position == PLACE_NO_INDEX)
			objects++;
		else if (position <= TOP_POSITION_MAX)
			arrays++;
		else
			arrays = objects = 1;
	}
	if (arrays > 0 && objects > 0) {
		snprintf(why, why_size,
			 "either all pointers begin with a position up to %d (messages are arrays) "
			 "or none",
			 TOP_POSITION_MAX);
		return WSB_EINVAL;
	}
	tree->arrays = arrays > 0;
	return WSB_OK;
}

static void parts_watch(struct envelope *envelope, struct parts *parts)
{
	parts->watch = place_bit(envelope->tree.options) | place_bit(envelope->version);
	parts->id_path = place_path(&envelope->tree, parts->at[PART_ID]);
	for (size_t i = 0; i < PART_COUNT; i++)
		parts->watch |= place_path(&envelope->tree, parts->at[i]);
}

static enum wsb_err form_compile(struct envelope *envelope, enum form form,
				 const struct envelope_settings *settings, char *why,
				 size_t why_size)
{
	struct parts *const client = &envelope->parts[form][FROM_CLIENT];
	struct parts *const upstream = &envelope->parts[form][FROM_UPSTREAM];
	uint8_t answer_id, push;
	const struct pointer pointers[] = {
		{"id", settings->id, &client->at[PART_ID]},
		{"method", settings->method, &client->at[PART_METHOD]},
		{"params", settings->params, &client->at[PART_PARAMS]},
		{"result", settings->result, &client->at[PART_RESULT]},
		{"error", settings->error, &client->at[PART_ERROR]},
		{"answer_id", settings->answer_id, &answer_id},
		{"push", settings->push, &push},
	};
	const size_t count = sizeof(pointers) / sizeof(pointers[0]);
	enum wsb_err err = pointers_add(&envelope->tree, pointers, count, why, why_size);

	if (err != WSB_OK)
		return err;
	if (form == FORM_OWN)
		err = arrays_decide(&envelope->tree, pointers, count, why, why_size);
	*upstream = *client;
	if (answer_id != PLACE_NONE)
		upstream->at[PART_ID] = answer_id;
	if (push != PLACE_NONE)
		upstream->at[PART_METHOD] = push;
	return err;
}

/* The places that belong to every envelope. */
static enum wsb_err common_places(struct envelope *envelope, char *why, size_t why_size)
{
	const char *flaw = "";
	enum wsb_err err = place_add(&envelope->tree, "/jsonrpc", &envelope->version, &flaw);

	if (err == WSB_OK)
		err = place_add(&envelope->tree, "/wsbroker", &envelope->tree.options, &flaw);
	envelope->batch_version = PLACE_NONE;
	if (err == WSB_OK && envelope->tree.arrays)
		err = place_add(&envelope->tree, "/0/jsonrpc", &envelope->batch_version, &flaw);
	if (err != WSB_OK)
		snprintf(why, why_size, "%s", flaw);
	return err;
}

static enum wsb_err error_value_take(struct envelope *envelope, const char *text, char *why,
				     size_t why_size)
{
	struct span value = span_text(text);
	struct json_scan scan;

	if (!text)
		return WSB_OK;
	if (!json_scan_whole(&value, &scan) || *value.at == '{' || *value.at == '[' ||
	    !json_scan_is_valid(value)) {
		snprintf(why, why_size, "error: the value to compare with must be a JSON scalar");
		return WSB_EINVAL;
	}
	envelope->error_value = strndup(value.at, value.len);
	return envelope->error_value ? WSB_OK : WSB_ENOMEM;
}

static enum wsb_err reply_take(struct envelope *envelope, const char *reply, char *why,
			       size_t why_size)
{
	const char *flaw = "";
	enum wsb_err err = envelope_templates(envelope, reply, &flaw);

	if (err == WSB_EINVAL)
		snprintf(why, why_size, "reply: %s", flaw);
	return err;
}

static enum wsb_err compile(struct envelope *envelope, const struct envelope_settings *settings,
			    char *why, size_t why_size)
{
	enum wsb_err err;

	place_tree_init(&envelope->tree);
	err = form_compile(envelope, FORM_OWN, settings, why, why_size);
	if (err == WSB_OK)
		err = form_compile(envelope, FORM_JSONRPC, &jsonrpc_settings, why, why_size);
	if (err == WSB_OK)
		err = common_places(envelope, why, why_size);
	if (err == WSB_OK)
		err = error_value_take(envelope, settings->error_value, why, why_size);
	if (err == WSB_OK)
		err = reply_take(envelope, settings->reply, why, why_size);
	if (err != WSB_OK)
		return err;
	for (size_t form = 0; form < FORM_COUNT; form++) {
		parts_watch(envelope, &envelope->parts[form][FROM_CLIENT]);
		parts_watch(envelope, &envelope->parts[form][FROM_UPSTREAM]);
	}
	return WSB_OK;
}

enum wsb_err envelope_create(struct envelope **out, const struct envelope_settings *settings,
			     char *why, size_t why_size)
{
	struct envelope *envelope = calloc(1, sizeof(*envelope));
	enum wsb_err err;

	*out = NULL;
	if (!envelope)
		return WSB_ENOMEM;
	envelope->jsonrpc = !settings;
	envelope->ids = settings ? settings->ids : ID_INTEGER;
	err = compile(envelope, settings ? settings : &jsonrpc_settings, why, why_size);
	if (err != WSB_OK) {
		envelope_destroy(envelope);
		return err;
	}
	*out = envelope;
	return WSB_OK;
}

void envelope_destroy(struct envelope *envelope)
{
	if (!envelope)
		return;
	for (size_t form = 0; form < FORM_COUNT; form++) {
		template_destroy(envelope->errors[form]);
		template_destroy(envelope->results[form]);
		template_destroy(envelope->requests[form]);
	}
	free(envelope->error_value);
	free(envelope);
}

enum id_form envelope_id_form(const struct envelope *envelope)
{
	return envelope->ids;
}
