#include "broker/control/document.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/control/prescan.h"
#include "common/strbuf.h"

enum wsb_err file_read(struct arena *arena, const char *path, size_t bytes_max, struct span *out)
{
	FILE *file = fopen(path, "re");
	enum wsb_err err = WSB_OK;
	size_t capacity = 4096;
	size_t len = 0;
	char *text = NULL;

	if (!file)
		return WSB_EIO;
	/* Grown by hand: what is read may be a pipe, whose length nobody knows. */
	while (len <= bytes_max && !feof(file) && err == WSB_OK) {
		char *grown = realloc(text, capacity *= 2);

		if (!grown) {
			err = WSB_ENOMEM;
			break;
		}
		text = grown;
		len += fread(text + len, 1, capacity - len, file);
		err = ferror(file) ? WSB_EIO : WSB_OK;
	}
	if (err == WSB_OK && len > bytes_max)
		err = WSB_ELIMIT;
	if (err == WSB_OK) {
		out->at = arena_text(arena, span_of(text, len));
		out->len = len;
		err = out->at ? WSB_OK : WSB_ENOMEM;
	}
	int reason = errno;
	free(text);
	fclose(file);
	errno = reason;
	return err;
}

static struct place place_of(yaml_mark_t mark)
{
	return (struct place){.line = mark.line + 1, .column = mark.column + 1};
}

/* An unreadable byte has an offset only: lines and characters are counted up to it. */
static struct place place_of_offset(struct span text, size_t offset)
{
	struct place place = {.line = 1, .column = 1};

	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.at[i] == '\n')
			place = (struct place){.line = place.line + 1, .column = 1};
		else if (((unsigned char)text.at[i] & 0xc0) != 0x80)
			place.column++;
	}
	return place;
}

static void complain_of_syntax(struct document *document, const yaml_parser_t *parser,
			       struct span text)
{
	const char *problem = parser->problem ? parser->problem : "not readable as YAML";
	struct place place = place_of(parser->problem_mark);

	switch (parser->error) {
	case YAML_MEMORY_ERROR:
		problem = "out of memory";
		break;
	case YAML_READER_ERROR:
		place = place_of_offset(text, parser->problem_offset);
		break;
	default:
		break;
	}
	if (parser->context && parser->error != YAML_READER_ERROR)
		complain(document->complaints, place, "%s %s", problem, parser->context);
	else
		complain(document->complaints, place, "%s", problem);
}

static void refuse_a_second(struct document *document, yaml_parser_t *parser, struct span text)
{
	yaml_document_t second;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &second)) {
		complain_of_syntax(document, parser, text);
		return;
	}
	root = yaml_document_get_root_node(&second);
	if (root)
		complain(document->complaints, place_of(root->start_mark),
			 "a second document: one file holds one configuration");
	yaml_document_delete(&second);
}

const char *document_folder(struct arena *arena, const char *file)
{
	const char *slash = strrchr(file, '/');

	return arena_text(arena, slash ? span_of(file, (size_t)(slash - file) + 1) : span_text(""));
}

void document_init(struct document *document, const char *file, struct span text,
		   struct arena *arena, struct complaints *complaints)
{
	yaml_parser_t parser;

	*document = (struct document){.arena = arena, .complaints = complaints};
	document->folder = document_folder(arena, file);
	if (!prescan_passes(text, complaints))
		return;
	if (!yaml_parser_initialize(&parser)) {
		complain(complaints, (struct place){0}, "out of memory");
		return;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.len);
	document->loaded = yaml_parser_load(&parser, &document->yaml) != 0;
	if (!document->loaded)
		complain_of_syntax(document, &parser, text);
	else if (!yaml_document_get_root_node(&document->yaml))
		complain(complaints, (struct place){1, 1}, "the file is empty: `pools` is missing");
	else
		refuse_a_second(document, &parser, text);
	yaml_parser_delete(&parser);
}

void document_fini(struct document *document)
{
	if (document->loaded)
		yaml_document_delete(&document->yaml);
	document->loaded = false;
}

yaml_node_t *document_root(struct document *document)
{
	return document->loaded ? yaml_document_get_root_node(&document->yaml) : NULL;
}

yaml_node_t *document_node(struct document *document, int index)
{
	return yaml_document_get_node(&document->yaml, index);
}

yaml_node_t *document_find(struct document *document, yaml_node_t *node, const char *key)
{
	if (!node || node->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = document_node(document, pair->key);

		if (name->type == YAML_SCALAR_NODE && span_is(node_text(name), key))
			return document_node(document, pair->value);
	}
	return NULL;
}

yaml_node_t *document_item(struct document *document, yaml_node_t *node, size_t position)
{
	if (!node || node->type != YAML_SEQUENCE_NODE)
		return NULL;
	if (position >= (size_t)(node->data.sequence.items.top - node->data.sequence.items.start))
		return NULL;
	return document_node(document, node->data.sequence.items.start[position]);
}

struct span node_text(const yaml_node_t *node)
{
	return span_of((const char *)node->data.scalar.value, node->data.scalar.length);
}

bool node_is_null(const yaml_node_t *node)
{
	struct span text;

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	text = node_text(node);
	return text.len == 0 || span_is(text, "~") || span_is(text, "null");
}

struct place node_place(const yaml_node_t *node)
{
	return place_of(node->start_mark);
}

struct place node_end(const yaml_node_t *node)
{
	return place_of(node->end_mark);
}

/* libyaml gives untagged nodes these; the same tags written out say nothing else. */
static bool has_own_tag(const yaml_node_t *node)
{
	const char *usual = node->type == YAML_MAPPING_NODE    ? YAML_MAP_TAG
			    : node->type == YAML_SEQUENCE_NODE ? YAML_SEQ_TAG
							       : YAML_STR_TAG;

	return node->tag && strcmp((const char *)node->tag, usual) != 0;
}

bool document_visit(struct document *document, const yaml_node_t *node)
{
	if (document->visits > DOCUMENT_VISITS_MAX)
		return false;
	if (++document->visits > DOCUMENT_VISITS_MAX) {
		complain(document->complaints, node_place(node),
			 "more than %d values once aliases are followed", DOCUMENT_VISITS_MAX);
		return false;
	}
	if (has_own_tag(node)) {
		complain(document->complaints, node_place(node), "tags are not supported");
		return false;
	}
	return true;
}

static size_t name_len(struct span text)
{
	size_t len = 0;

	if (text.len == 0 || isdigit((unsigned char)text.at[0]))
		return 0;
	while (len < text.len && (isalnum((unsigned char)text.at[len]) || text.at[len] == '_'))
		len++;
	return len;
}

/* rest begins after "${". Appends the value and returns how many bytes the name and its brace take;
 * 0: there was a complaint. */
static size_t expand_variable(struct document *document, const yaml_node_t *node, struct span rest,
			      struct strbuf *out)
{
	size_t len = name_len(rest);
	const char *name;
	const char *value;

	if (len == 0 || len == rest.len || rest.at[len] != '}') {
		complain(document->complaints, node_place(node),
			 "`${` must be followed by the name of an environment variable and `}` "
			 "(`$$` is a dollar sign)");
		return 0;
	}
	name = arena_text(document->arena, span_of(rest.at, len));
	value = name ? getenv(name) : "";
	if (!value) {
		complain(document->complaints, node_place(node),
			 "the environment variable %.80s is not set", name);
		return 0;
	}
	strbuf_text(out, value);
	return len + 1;
}

static bool expand(struct document *document, const yaml_node_t *node, struct strbuf *out)
{
	struct span text = node_text(node);
	size_t at = 0;

	while (at < text.len) {
		const char *dollar = memchr(text.at + at, '$', text.len - at);
		size_t plain = dollar ? (size_t)(dollar - text.at) : text.len;
		struct span rest;
		size_t taken;

		strbuf_add(out, span_of(text.at + at, plain - at));
		if (!dollar)
			return true;
		rest = span_of(dollar + 1, text.len - plain - 1);
		at = plain + 1;
		if (rest.len > 0 && rest.at[0] == '{') {
			taken = expand_variable(document, node, span_of(rest.at + 1, rest.len - 1),
						out);
			if (taken == 0)
				return false;
			at += taken + 1;
			continue;
		}
		strbuf_text(out, "$");
		at += rest.len > 0 && rest.at[0] == '$' ? 1 : 0;
	}
	return true;
}

bool document_scalar(struct document *document, const yaml_node_t *node, const char *expected,
		     struct span *out)
{
	struct strbuf text;
	bool expanded;

	if (node->type != YAML_SCALAR_NODE) {
		complain(document->complaints, node_place(node), "expected %s, got %s", expected,
			 node->type == YAML_MAPPING_NODE ? "a mapping" : "a list");
		return false;
	}
	if (memchr(node->data.scalar.value, '\0', node->data.scalar.length)) {
		complain(document->complaints, node_place(node),
			 "a NUL byte cannot be part of a value");
		return false;
	}
	strbuf_init(&text);
	expanded = expand(document, node, &text);
	if (expanded) {
		*out = strbuf_span(&text);
		out->at = arena_text(document->arena, *out);
		expanded = out->at != NULL && !text.failed;
	}
	strbuf_fini(&text);
	return expanded;
}

void document_describe(struct strbuf *out, const yaml_node_t *node)
{
	if (node->type == YAML_MAPPING_NODE)
		strbuf_text(out, "a mapping");
	else if (node->type == YAML_SEQUENCE_NODE)
		strbuf_text(out, "a list");
	else if (node_is_null(node))
		strbuf_text(out, "nothing");
	else
		complaints_quote(out, node_text(node));
}

const char *document_path(struct document *document, struct span path)
{
	char *whole;
	size_t folder;

	if (!document->folder)
		return NULL;
	folder = path.len > 0 && path.at[0] != '/' ? strlen(document->folder) : 0;
	whole = arena_alloc(document->arena, 1, folder + path.len + 1);
	if (whole) {
		memcpy(whole, document->folder, folder);
		memcpy(whole + folder, path.at, path.len);
	}
	return whole;
}
