#include "broker/control/json_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static json_t *json_of(struct document *document, yaml_node_t *node, size_t depth);

/* The number forms that YAML's core schema and JSON share; anything else that is unquoted is text.
 */
static json_t *json_of_plain(struct span text)
{
	json_t *number;

	if (text.len == 0 || span_is(text, "~") || span_is(text, "null"))
		return json_null();
	if (span_is(text, "true") || span_is(text, "false"))
		return json_boolean(span_is(text, "true"));
	number = json_loadb(text.at, text.len, JSON_DECODE_ANY, NULL);
	if (number && json_is_number(number))
		return number;
	json_decref(number);
	return json_stringn(text.at, text.len);
}

static json_t *json_of_scalar(struct document *document, const yaml_node_t *node)
{
	struct span written = node_text(node);
	struct span text;
	json_t *value;

	if (!document_scalar(document, node, "a value", &text))
		return NULL;
	if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && span_equal(written, text))
		value = json_of_plain(text);
	else
		value = json_stringn(text.at, text.len);
	if (!value)
		complain(document->complaints, node_place(node), "not a text of valid UTF-8");
	return value;
}

static bool add_member(struct document *document, json_t *object, const yaml_node_pair_t *pair,
		       size_t depth)
{
	yaml_node_t *key = document_node(document, pair->key);
	struct span name;
	json_t *value;

	if (key->type != YAML_SCALAR_NODE || memchr(node_text(key).at, '\0', node_text(key).len)) {
		complain(document->complaints, node_place(key), "a key must be a text");
		return false;
	}
	name = node_text(key);
	if (json_object_getn(object, name.at, name.len)) {
		complain(document->complaints, node_place(key), "this key stands here twice");
		return false;
	}
	value = json_of(document, document_node(document, pair->value), depth);
	return value && json_object_setn_new(object, name.at, name.len, value) == 0;
}

static json_t *json_of_mapping(struct document *document, const yaml_node_t *node, size_t depth)
{
	json_t *object = json_object();

	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     object && pair < node->data.mapping.pairs.top; pair++) {
		if (!add_member(document, object, pair, depth)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *json_of_sequence(struct document *document, yaml_node_t *node, size_t depth)
{
	json_t *array = json_array();
	yaml_node_t *item;

	for (size_t i = 0; array && (item = document_item(document, node, i)) != NULL; i++) {
		json_t *value = json_of(document, item, depth);

		if (!value || json_array_append_new(array, value) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *json_of(struct document *document, yaml_node_t *node, size_t depth)
{
	if (!document_visit(document, node))
		return NULL;
	if (depth == DOCUMENT_DEPTH_MAX) {
		complain(document->complaints, node_place(node),
			 "nested deeper than %d (or in itself)", DOCUMENT_DEPTH_MAX);
		return NULL;
	}
	switch (node->type) {
	case YAML_MAPPING_NODE:
		return json_of_mapping(document, node, depth + 1);
	case YAML_SEQUENCE_NODE:
		return json_of_sequence(document, node, depth + 1);
	default:
		return json_of_scalar(document, node);
	}
}

json_t *json_of_node(struct document *document, yaml_node_t *node)
{
	return json_of(document, node, 0);
}
