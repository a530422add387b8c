#include "broker/control/reader.h"

#include <string.h>
#include "common/nearest.h"
#include "broker/control/value.h"

#define PREFIX_MAX 64

/* One struct that is being filled, and where within its scope the walk stands. */
struct frame {
	struct document *document;
	enum option_scope scope;
	void *base;
	bool *seen; /* options[i] has been read */
};

static void read_scope(struct document *document, enum option_scope scope, yaml_node_t *node,
		       void *base);
static void read_mapping(struct frame *frame, const char *prefix, yaml_node_t *node);

void reader_defaults(struct document *document, enum option_scope scope, void *base)
{
	for (size_t i = 0; i < option_count; i++) {
		if (options[i].scope == scope)
			value_default(document, &options[i], base);
	}
}

/* The option that stands exactly at prefix + key; NULL: none. */
static const struct option *find_option(enum option_scope scope, const char *prefix,
					struct span key)
{
	size_t prefix_len = strlen(prefix);

	/* "limits.clients" is how a path is told, not a key. */
	if (memchr(key.at, '.', key.len))
		return NULL;
	for (size_t i = 0; i < option_count; i++) {
		const char *path = options[i].path;

		if (options[i].scope == scope && strncmp(path, prefix, prefix_len) == 0 &&
		    span_is(key, path + prefix_len))
			return &options[i];
	}
	return NULL;
}

/* The part of an option's path that is a key below prefix; absent when it stands elsewhere. */
static struct span key_below(const struct option *option, const char *prefix)
{
	size_t prefix_len = strlen(prefix);
	const char *key = option->path + prefix_len;

	if (strncmp(option->path, prefix, prefix_len) != 0)
		return span_of(NULL, 0);
	return span_of(key, strcspn(key, "."));
}

static bool is_section(enum option_scope scope, const char *prefix, struct span key)
{
	for (size_t i = 0; i < option_count; i++) {
		struct span below = key_below(&options[i], prefix);

		if (options[i].scope == scope && below.at && span_equal(below, key) &&
		    below.at[below.len] == '.')
			return true;
	}
	return false;
}

static void complain_of_unknown(struct frame *frame, const char *prefix, const yaml_node_t *key)
{
	struct nearest nearest;
	struct strbuf text;

	strbuf_init(&text);
	if (span_is(node_text(key), "<<")) {
		strbuf_text(&text, "merge keys are not supported: name an alias for each value");
	} else {
		strbuf_text(&text, "unknown key ");
		complaints_quote(&text, node_text(key));
		nearest_init(&nearest, node_text(key));
		for (size_t i = 0; i < option_count; i++) {
			struct span known = key_below(&options[i], prefix);

			if (options[i].scope == frame->scope && known.at)
				nearest_offer(&nearest, known);
		}
		nearest_suggest(&nearest, &text);
	}
	complain(frame->document->complaints, node_place(key), "%s", strbuf_span(&text).at);
	strbuf_fini(&text);
}

static void complain_of_shape(struct document *document, const yaml_node_t *node,
			      const char *expected)
{
	struct strbuf got;

	strbuf_init(&got);
	document_describe(&got, node);
	complain(document->complaints, node_place(node), "expected %s, got %s", expected,
		 strbuf_span(&got).at);
	strbuf_fini(&got);
}

static void read_entry(struct document *document, const struct option *list, yaml_node_t *node,
		       void *base)
{
	if (!document_visit(document, node))
		return;
	if (node->type == YAML_MAPPING_NODE) {
		read_scope(document, list->items, node, base);
		return;
	}
	reader_defaults(document, list->items, base);
	for (size_t i = 0; i < option_count; i++) {
		if (options[i].scope == list->items && options[i].shorthand) {
			value_read(document, &options[i], node, base);
			return;
		}
	}
	complain_of_shape(document, node, "a mapping");
}

static void read_list(struct document *document, const struct option *list, yaml_node_t *node,
		      void *base)
{
	size_t size = option_scopes[list->items].size;
	size_t count;
	char *entries;

	if (node->type != YAML_SEQUENCE_NODE) {
		complain_of_shape(document, node, "a list");
		return;
	}
	count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (count < list->min || count > list->max) {
		char range[OPTION_RANGE_MAX];

		option_range(list, range);
		complain(document->complaints, node_place(node), "must have %s, has %zu", range,
			 count);
		return;
	}
	entries = arena_alloc(document->arena, count, size);
	for (size_t i = 0; entries && i < count; i++)
		read_entry(document, list, document_item(document, node, i), entries + i * size);
	if (entries) {
		*(void **)((char *)base + list->offset) = entries;
		*(size_t *)((char *)base + list->count_offset) = count;
	}
}

static void read_option(struct frame *frame, const struct option *option, const yaml_node_t *key,
			yaml_node_t *node)
{
	bool *seen = &frame->seen[option - options];

	if (*seen) {
		complain(frame->document->complaints, node_place(key),
			 "this key stands here twice");
		return;
	}
	*seen = true;
	if (option->type == OPTION_LIST)
		read_list(frame->document, option, node, frame->base);
	else
		value_read(frame->document, option, node, frame->base);
}

/* prefix + key + "."; false when nothing in the table is that long. */
static bool extend(const char *prefix, struct span key, char out[PREFIX_MAX])
{
	size_t len = strlen(prefix);

	if (len + key.len + 2 > PREFIX_MAX)
		return false;
	memcpy(out, prefix, len);
	memcpy(out + len, key.at, key.len);
	memcpy(out + len + key.len, ".", 2);
	return true;
}

static void read_pair(struct frame *frame, const char *prefix, yaml_node_t *key, yaml_node_t *node)
{
	const struct option *option;
	char below[PREFIX_MAX];

	if (!document_visit(frame->document, key) || !document_visit(frame->document, node))
		return;
	if (key->type != YAML_SCALAR_NODE) {
		complain(frame->document->complaints, node_place(key), "a key must be a text");
		return;
	}
	option = find_option(frame->scope, prefix, node_text(key));
	if (!is_section(frame->scope, prefix, node_text(key))) {
		if (option)
			read_option(frame, option, key, node);
		else
			complain_of_unknown(frame, prefix, key);
	} else if (node->type == YAML_MAPPING_NODE && extend(prefix, node_text(key), below)) {
		read_mapping(frame, below, node);
	} else if (option) {
		read_option(frame, option, key, node);
	} else {
		complain_of_shape(frame->document, node, "a mapping");
	}
}

/* The depth of this recursion is that of the table's paths. */
static void read_mapping(struct frame *frame, const char *prefix, yaml_node_t *node)
{
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
	     pair < node->data.mapping.pairs.top; pair++) {
		if (frame->document->complaints->count >= COMPLAINTS_MAX)
			return;
		read_pair(frame, prefix, document_node(frame->document, pair->key),
			  document_node(frame->document, pair->value));
	}
}

static void read_scope(struct document *document, enum option_scope scope, yaml_node_t *node,
		       void *base)
{
	struct frame frame = {.document = document, .scope = scope, .base = base};

	frame.seen = arena_alloc(document->arena, option_count, sizeof(*frame.seen));
	if (!frame.seen)
		return;
	read_mapping(&frame, "", node);
	for (size_t i = 0; i < option_count; i++) {
		if (options[i].scope != scope || frame.seen[i])
			continue;
		value_default(document, &options[i], base);
		if (options[i].required)
			complain(document->complaints, node_place(node), "`%s` is missing",
				 options[i].path);
	}
}

void reader_fill(struct document *document, struct config *config)
{
	yaml_node_t *root = document_root(document);

	if (!root || !document_visit(document, root))
		return;
	if (root->type == YAML_MAPPING_NODE)
		read_scope(document, SCOPE_CONFIG, root, config);
	else
		complain_of_shape(document, root, "a mapping of keys such as `pools`");
}
