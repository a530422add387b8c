#include "proto/envelope_form.h"

/* A part of a message and what stands for it in a template. */
struct slot_part {
	enum part part;
	const char *slot;
};

/* The shape of a message that carries nothing but a few parts, from where they stand. */
struct shape {
	const struct place_tree *tree;
	struct strbuf *out;
	const char *slots[PLACES_MAX]; /* by place; NULL: none stands there */
	uint64_t wanted;	       /* the places on the way to all of them */
};

static void shape_value(const struct shape *shape, uint8_t at);

/* A member's name, in which a dollar sign is no slot. */
static void shape_name(const struct shape *shape, const struct place *place)
{
	struct strbuf name;

	strbuf_init(&name);
	strbuf_json(&name, span_of(place->name, place->name_len));
	for (size_t i = 0; i < name.len; i++) {
		if (name.text[i] == '$')
			strbuf_text(shape->out, "$");
		strbuf_add(shape->out, span_of(name.text + i, 1));
	}
	shape->out->failed |= name.failed;
	strbuf_fini(&name);
}

static bool is_wanted(const struct shape *shape, uint8_t at)
{
	return shape->wanted & place_bit(at);
}

static void shape_object(const struct shape *shape, const struct place *place)
{
	const char *between = "{";

	for (uint8_t at = place->child; at != 0; at = shape->tree->places[at].sibling) {
		if (!is_wanted(shape, at))
			continue;
		strbuf_text(shape->out, between);
		shape_name(shape, &shape->tree->places[at]);
		strbuf_text(shape->out, ":");
		shape_value(shape, at);
		between = ",";
	}
	strbuf_text(shape->out, *between == '{' ? "{}" : "}");
}

/* Only the top level is ever one; what is wanted there has small positions. */
static void shape_array(const struct shape *shape, const struct place *place)
{
	uint32_t last = 0;

	for (uint8_t at = place->child; at != 0; at = shape->tree->places[at].sibling) {
		const uint32_t index = shape->tree->places[at].index;

		if (is_wanted(shape, at) && index > last)
			last = index;
	}
	for (uint32_t index = 0; index <= last; index++) {
		const struct place *const child = place_element(shape->tree, place, index);

		strbuf_text(shape->out, index == 0 ? "[" : ",");
		if (child && is_wanted(shape, child->self))
			shape_value(shape, child->self);
		else
			strbuf_text(shape->out, "null");
	}
	strbuf_text(shape->out, "]");
}

/* Recursion goes no deeper than the tree of places. */
static void shape_value(const struct shape *shape, uint8_t at)
{
	const struct place *const place = &shape->tree->places[at];

	if (shape->slots[at])
		strbuf_text(shape->out, shape->slots[at]);
	else if (at == PLACE_ROOT && shape->tree->arrays)
		shape_array(shape, place);
	else
		shape_object(shape, place);
}

#define ERROR_SLOTS   (1U << SLOT_ID | 1U << SLOT_CODE | 1U << SLOT_MESSAGE | 1U << SLOT_DATA)
#define RESULT_SLOTS  (1U << SLOT_ID | 1U << SLOT_RESULT)
#define REQUEST_SLOTS (1U << SLOT_ID | 1U << SLOT_METHOD | 1U << SLOT_PARAMS)

/* A message of the envelope with these parts; those that have no place of their own are left out.
 */
static enum wsb_err shape_template(struct template **out, const struct place_tree *tree,
				   const struct parts *parts, const struct slot_part *slots,
				   size_t count, unsigned allowed, const char **why)
{
	struct strbuf text;
	struct shape shape = {.tree = tree, .out = &text};
	enum wsb_err err;

	strbuf_init(&text);
	for (size_t i = 0; i < count; i++) {
		const uint8_t at = parts->at[slots[i].part];

		if (at == PLACE_NONE || at == PLACE_ROOT)
			continue;
		shape.slots[at] = slots[i].slot;
		shape.wanted |= place_path(tree, at);
	}
	shape_value(&shape, PLACE_ROOT);
	err = text.failed ? WSB_ENOMEM : template_compile(out, strbuf_span(&text), allowed, why);
	strbuf_fini(&text);
	return err;
}

static enum wsb_err result_template(struct envelope *envelope, const char **why)
{
	static const struct slot_part slots[] = {{PART_ID, "$id"}, {PART_RESULT, "$result"}};
	const struct parts *const parts = &envelope->parts[FORM_OWN][FROM_UPSTREAM];
	const uint8_t result = parts->at[PART_RESULT];

	if (result == PLACE_ROOT || result == PLACE_NONE)
		return WSB_OK;
	return shape_template(&envelope->results[FORM_OWN], &envelope->tree, parts, slots, 2,
			      RESULT_SLOTS, why);
}

static enum wsb_err request_template(struct envelope *envelope, const char **why)
{
	static const struct slot_part slots[] = {
		{PART_ID, "$id"}, {PART_METHOD, "$method"}, {PART_PARAMS, "$params"}};

	return shape_template(&envelope->requests[FORM_OWN], &envelope->tree,
			      &envelope->parts[FORM_OWN][FROM_CLIENT], slots, 3, REQUEST_SLOTS,
			      why);
}

enum wsb_err envelope_templates(struct envelope *envelope, const char *reply, const char **why)
{
	static const char error[] = "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":$code,"
				    "\"message\":$message,\"data\":$data}}";
	static const char result[] = "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$result}";
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":$method,"
				      "\"params\":$params}";
	enum wsb_err err;

	err = template_compile(&envelope->errors[FORM_OWN], span_text(reply ? reply : error),
			       ERROR_SLOTS, why);
	if (err == WSB_OK)
		err = template_compile(&envelope->errors[FORM_JSONRPC], span_text(error),
				       ERROR_SLOTS, why);
	if (err == WSB_OK)
		err = template_compile(&envelope->results[FORM_JSONRPC], span_text(result),
				       RESULT_SLOTS, why);
	if (err == WSB_OK)
		err = template_compile(&envelope->requests[FORM_JSONRPC], span_text(request),
				       REQUEST_SLOTS, why);
	if (err == WSB_OK)
		err = result_template(envelope, why);
	return err == WSB_OK ? request_template(envelope, why) : err;
}
