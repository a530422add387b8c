#include "broker/control/value.h"

#include <assert.h>
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "broker/control/config.h"
#include "broker/control/json_node.h"
#include "common/nearest.h"
#include "broker/control/redis_url.h"
#include "broker/control/value_scalar.h"

#define HEADER_NAME_MAX 64

static void *at_offset(void *base, size_t offset)
{
	return (char *)base + offset;
}

static void complain_of_type(struct document *document, const struct option *option,
			     const yaml_node_t *node)
{
	struct strbuf got;

	strbuf_init(&got);
	if (option->secret && node->type == YAML_SCALAR_NODE && !node_is_null(node))
		strbuf_text(&got, "something else");
	else
		document_describe(&got, node);
	complain(document->complaints, node_place(node), "expected %s, got %s",
		 option_expected(option), strbuf_span(&got).at);
	strbuf_fini(&got);
}

static void suggest_choice(const struct option *option, struct span written, struct strbuf *out)
{
	struct nearest nearest;

	nearest_init(&nearest, written);
	for (size_t i = 0; option->choices[i]; i++)
		nearest_offer(&nearest, span_text(option->choices[i]));
	nearest_suggest(&nearest, out);
}

/* A sentence says what is wrong; what was written follows it, unless it is a secret. */
static void complain_of_value(struct document *document, const struct option *option,
			      const yaml_node_t *node, const char *why)
{
	struct strbuf got;

	if (!why[0]) {
		complain_of_type(document, option, node);
		return;
	}
	strbuf_init(&got);
	if (!option->secret) {
		strbuf_text(&got, ", got ");
		document_describe(&got, node);
	}
	if (option->choices)
		suggest_choice(option, node_text(node), &got);
	complain(document->complaints, node_place(node), "%s%s", why, strbuf_span(&got).at);
	strbuf_fini(&got);
}

/* Texts may be empty, which is the same as not there, so those that must be there may not. */
static bool may_be_null(const struct option *option)
{
	return !option->required && (option->type == OPTION_TEXT || option->type == OPTION_TOKEN ||
				     option->type == OPTION_PATH);
}

static void read_scalar(struct document *document, const struct option *option, yaml_node_t *node,
			void *base)
{
	char why[VALUE_WHY_MAX];
	struct span text;
	enum wsb_err err;

	if (node_is_null(node)) {
		if (!may_be_null(option))
			complain_of_type(document, option, node);
		return;
	}
	if (!document_scalar(document, node, option_expected(option), &text))
		return;
	err = value_scalar(document, option, text, node_place(node), base, why);
	if (err == WSB_EINVAL)
		complain_of_value(document, option, node, why);
}

static void release_json(void *json)
{
	json_decref(json);
}

static void read_value(struct document *document, const struct option *option, yaml_node_t *node,
		       void *base)
{
	json_t *object;

	if (option->type == OPTION_OBJECT && node->type != YAML_MAPPING_NODE) {
		complain_of_type(document, option, node);
		return;
	}
	object = json_of_node(document, node);
	if (object && arena_defer(document->arena, release_json, object))
		*(json_t **)at_offset(base, option->offset) = object;
}

/* envelope.error: a pointer, or a mapping of one pointer to the scalar that means failure. */
static void read_error_place(struct document *document, const struct option *option,
			     yaml_node_t *node, void *base)
{
	struct envelope_settings *envelope = at_offset(base, option->offset);
	yaml_node_pair_t *pair;
	yaml_node_t *key;
	json_t *value;
	char *text;

	if (node->type == YAML_SCALAR_NODE && !node_is_null(node)) {
		struct span pointer;

		if (!document_scalar(document, node, option_expected(option), &pointer))
			return;
		if (pointer_is_valid(pointer))
			envelope->error = pointer.at;
		else
			complain_of_type(document, option, node);
		return;
	}
	if (node->type != YAML_MAPPING_NODE ||
	    node->data.mapping.pairs.top != node->data.mapping.pairs.start + 1) {
		complain_of_type(document, option, node);
		return;
	}
	pair = node->data.mapping.pairs.start;
	key = document_node(document, pair->key);
	value = json_of_node(document, document_node(document, pair->value));
	if (!value)
		return;
	text = json_dumps(value, JSON_ENCODE_ANY);
	if (key->type != YAML_SCALAR_NODE || !pointer_is_valid(node_text(key)) ||
	    json_is_object(value) || json_is_array(value)) {
		complain_of_type(document, option, node);
	} else if (text) {
		envelope->error = arena_text(document->arena, node_text(key));
		envelope->error_value = arena_text(document->arena, span_text(text));
	}
	json_decref(value);
	free(text);
}

/* At most as many as the option takes; NULL: more than that. */
static const char **texts_of(struct document *document, const struct option *option,
			     yaml_node_t *node, size_t *out_count)
{
	const char **texts = arena_alloc(document->arena, (size_t)option->max, sizeof(*texts));
	yaml_node_t *item;
	size_t count = 0;

	for (size_t i = 0; texts && (item = document_item(document, node, i)) != NULL; i++) {
		struct span text;

		if (count == option->max) {
			complain(document->complaints, node_place(item), "more than %zu entries",
				 count);
			return NULL;
		}
		if (document_visit(document, item) &&
		    document_scalar(document, item, "a text", &text))
			texts[count++] = text.at;
	}
	*out_count = texts ? count : 0;
	return texts;
}

static void read_texts(struct document *document, const struct option *option, yaml_node_t *node,
		       void *base)
{
	const char **texts;
	size_t count;

	if (node->type != YAML_SEQUENCE_NODE) {
		complain_of_type(document, option, node);
		return;
	}
	texts = texts_of(document, option, node, &count);
	if (!texts)
		return;
	*(const char ***)at_offset(base, option->offset) = texts;
	*(size_t *)at_offset(base, option->count_offset) = count;
}

/* A word, or a list of what stands in the messages that share; the checks look at the pointers. */
static void read_sharing(struct document *document, const struct option *option, yaml_node_t *node,
			 void *base)
{
	struct cache_scope_setting *scope = at_offset(base, option->offset);
	const char **pointers;
	size_t count;

	if (node->type != YAML_SEQUENCE_NODE) {
		read_scalar(document, option, node, base);
		return;
	}
	pointers = texts_of(document, option, node, &count);
	if (!pointers)
		return;
	if (count == 0)
		complain_of_type(document, option, node);
	*scope = (struct cache_scope_setting){
		.kind = CACHE_SCOPE_POINTERS, .pointers = pointers, .count = count};
}

/* Those that the handshake itself sets cannot be chosen. */
static const char *header_problem(struct span name, struct span value)
{
	static const char *const own[] = {"connection", "upgrade", "host", "content-length",
					  "transfer-encoding"};
	static const char own_prefix[] = "sec-websocket-";

	if (name.len == 0 || name.len > HEADER_NAME_MAX)
		return "a header's name has 1 to 64 characters";
	for (size_t i = 0; i < name.len; i++) {
		if (!isalnum((unsigned char)name.at[i]) && !strchr("!#$%&'*+-.^_`|~", name.at[i]))
			return "a header's name is made of letters, digits and -";
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (name.len == strlen(own[i]) && strncasecmp(name.at, own[i], name.len) == 0)
			return "this header is set by the handshake itself";
	}
	if (strncasecmp(name.at, own_prefix, strlen(own_prefix)) == 0)
		return "this header is set by the handshake itself (`subprotocol` is a key)";
	for (size_t i = 0; i < value.len; i++) {
		if (iscntrl((unsigned char)value.at[i]) && value.at[i] != '\t')
			return "a header's value cannot hold a line break or another control "
			       "character";
	}
	return NULL;
}

static bool header_stands_twice(const struct header_setting *headers, size_t count,
				const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(headers[i].name, name) == 0)
			return true;
	}
	return false;
}

static void read_header(struct document *document, const yaml_node_pair_t *pair,
			struct header_setting *headers, size_t *count)
{
	yaml_node_t *key = document_node(document, pair->key);
	yaml_node_t *node = document_node(document, pair->value);
	const char *problem;
	struct span value;
	struct span name;

	if (key->type != YAML_SCALAR_NODE || !document_visit(document, node) ||
	    !document_scalar(document, node, "a text", &value))
		return;
	name = node_text(key);
	problem = header_problem(name, value);
	if (!problem) {
		headers[*count].name = arena_text(document->arena, name);
		headers[*count].value = value.at;
		if (!headers[*count].name)
			return;
		if (header_stands_twice(headers, *count, headers[*count].name))
			problem = "this header stands here twice";
	}
	if (problem)
		complain(document->complaints, node_place(key), "%s", problem);
	else
		(*count)++;
}

static void read_headers(struct document *document, const struct option *option, yaml_node_t *node,
			 void *base)
{
	struct header_setting *headers;
	size_t count = 0;

	if (node->type != YAML_MAPPING_NODE) {
		complain_of_type(document, option, node);
		return;
	}
	headers = arena_alloc(document->arena, (size_t)option->max, sizeof(*headers));
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     headers && pair < node->data.mapping.pairs.top; pair++) {
		if (count == option->max) {
			complain(document->complaints, node_place(node), "more than %zu headers",
				 count);
			return;
		}
		read_header(document, pair, headers, &count);
	}
	*(struct header_setting **)at_offset(base, option->offset) = headers;
	*(size_t *)at_offset(base, option->count_offset) = headers ? count : 0;
}

void value_read(struct document *document, const struct option *option, yaml_node_t *node,
		void *base)
{
	assert(option->type != OPTION_LIST);
	switch (option->type) {
	case OPTION_OBJECT:
	case OPTION_VALUE:
		read_value(document, option, node, base);
		break;
	case OPTION_ERROR:
		read_error_place(document, option, node, base);
		break;
	case OPTION_TEXTS:
		read_texts(document, option, node, base);
		break;
	case OPTION_SHARING:
		read_sharing(document, option, node, base);
		break;
	case OPTION_REDIS:
		redis_urls_read(document, option, node, at_offset(base, option->offset));
		break;
	case OPTION_HEADERS:
		read_headers(document, option, node, base);
		break;
	case OPTION_POOL:
		break; /* the checks look it up, once all pools are known */
	default:
		read_scalar(document, option, node, base);
		break;
	}
}

void value_default(struct document *document, const struct option *option, void *base)
{
	char why[VALUE_WHY_MAX];
	enum wsb_err err;

	if (!option->fallback)
		return;
	err = value_scalar(document, option, span_text(option->fallback), (struct place){0}, base,
			   why);
	assert(err != WSB_EINVAL);
}
