#include "proto/json_codec.h"

#include <string.h>
#include "proto/codec.h"
#include "proto/json_scan.h"
#include "proto/utf8.h"

struct walk {
	struct json_scan scan;
	const struct place_tree *tree;
	struct places_found *found;
};

static const char *inner_walk(struct walk *walk, const struct place *place, const char *at,
			      unsigned depth);

/* A name that stands for no place as it is may yet have escapes in it: "\u0069d" is id. */
static const struct place *escaped_member(const struct walk *walk, const struct place *place,
					  struct span token)
{
	char name[PLACE_NAME_MAX];
	struct span resolved;

	if (!memchr(token.at, '\\', token.len))
		return NULL;
	resolved = json_string_read(token, name, sizeof(name));
	return resolved.at ? place_member(walk->tree, place, resolved.at, resolved.len) : NULL;
}

/* A name that is none of the short ones that stand for a place; returns what is behind it. */
static inline const char *other_member(struct walk *walk, const struct place *place,
				       const char *name, const struct place **child)
{
	const char *at = json_scan_string(&walk->scan, name + 1);

	if (!at)
		return NULL;
	*child = place_quoted(walk->tree, place, name + 1, (size_t)(at - name - 1), walk->scan.end);
	at++;
	if (!*child && walk->scan.escapes)
		*child = escaped_member(walk, place, span_of(name, (size_t)(at - name)));
	return at;
}

/* The cut takes one comma along: the one behind, else the one before, so that what is left is
 * well-formed wherever the member stands. */
static void note_cut(struct places_found *found, const char *comma, const char *name,
		     const char *value_end, const char *next)
{
	if (*next == ',')
		found->options_member = span_of(name, (size_t)(next + 1 - name));
	else if (comma)
		found->options_member = span_of(comma, (size_t)(value_end - comma));
	else
		found->options_member = span_of(name, (size_t)(value_end - name));
}

/* One member from its opening quote to behind its value; *child is the place it stands for. */
static inline const char *member_walk(struct walk *walk, const struct place *place, const char *at,
				      unsigned depth, const struct place **child)
{
	const char *const name = at;
	const char *value;

	if (*at != '"')
		return NULL;
	*child = place_short(walk->tree, place, name + 1, walk->scan.end);
	at = *child ? name + (*child)->name_len + 2 : other_member(walk, place, name, child);
	at = at ? json_scan_expect(at, ':') : NULL;
	if (!at)
		return NULL;
	value = json_scan_space(at);
	if (!*child)
		return json_scan_value(&walk->scan, value, depth);
	if ((*child)->child == 0)
		at = json_scan_value(&walk->scan, value, depth);
	else
		at = inner_walk(walk, *child, value, depth);
	if (at)
		place_note(walk->found, (*child)->self, value, at);
	return at;
}

/* `at` stands behind the opening brace; depth counts this object. */
static const char *object_walk(struct walk *walk, const struct place *place, const char *at,
			       unsigned depth)
{
	const char *comma = NULL;
	size_t members = 0;

	at = json_scan_space(at);
	if (*at == '}')
		return at + 1;
	for (;;) {
		const char *const name = at;
		const struct place *child;
		const char *value_end;

		at = value_end = member_walk(walk, place, at, depth, &child);
		if (!at || at == walk->scan.end)
			return NULL;
		at = json_scan_space(at);
		members++;
		if (child && child->self == walk->tree->options)
			note_cut(walk->found, comma, name, value_end, at);
		if (*at != ',')
			break;
		comma = at;
		at = json_scan_space(at + 1);
	}
	if (place->self == PLACE_ROOT)
		walk->found->members = members;
	return *at == '}' ? at + 1 : NULL;
}

/* `at` stands behind the opening bracket; depth counts this array. */
static const char *array_walk(struct walk *walk, const struct place *place, const char *at,
			      unsigned depth)
{
	const bool plain = place->self == PLACE_ROOT && !walk->tree->arrays;
	size_t index = 0;

	at = json_scan_space(at);
	if (*at == ']')
		return at + 1;
	for (;; index++) {
		const struct place *const child =
			plain ? NULL : place_element(walk->tree, place, index);
		const char *const value = at;

		at = child ? inner_walk(walk, child, at, depth)
			   : json_scan_value(&walk->scan, at, depth);
		if (!at || at == walk->scan.end)
			return NULL;
		if (child)
			place_note(walk->found, child->self, value, at);
		at = json_scan_space(at);
		if (*at != ',')
			break;
		at = json_scan_space(at + 1);
	}
	if (place->self == PLACE_ROOT)
		walk->found->members = index + 1;
	return *at == ']' ? at + 1 : NULL;
}

/* A value in which there may be places. Recursion goes no deeper than the tree of places. */
static const char *inner_walk(struct walk *walk, const struct place *place, const char *at,
			      unsigned depth)
{
	if (*at == '{' && depth < CODEC_DEPTH_MAX)
		return object_walk(walk, place, at + 1, depth + 1);
	if (*at == '[' && depth < CODEC_DEPTH_MAX)
		return array_walk(walk, place, at + 1, depth + 1);
	return json_scan_value(&walk->scan, at, depth);
}

enum wsb_err json_find(const struct place_tree *tree, struct span text, struct places_found *found)
{
	struct walk walk = {.tree = tree, .found = found};
	const char *at;

	if (!json_scan_whole(&text, &walk.scan))
		return WSB_EPARSE;
	found->seen = 0;
	found->twice = 0;
	found->members = 0;
	found->kind = *text.at == '{' || *text.at == '[' ? *text.at : 's';
	if (found->kind == 's')
		at = json_scan_skip(&walk.scan, text.at, 0);
	else
		at = inner_walk(&walk, &tree->places[PLACE_ROOT], text.at, 0);
	if (at != walk.scan.end)
		return WSB_EPARSE;
	place_note(found, PLACE_ROOT, text.at, at);
	found->escapes = walk.scan.escapes;
	return WSB_OK;
}

static uint32_t hex4(const char *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		const char digit = at[i];

		value = value << 4 |
			(uint32_t)(digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10);
	}
	return value;
}

/* Resolves the escape at `at` into out; returns the place behind it. */
static const char *escape_read(const char *at, char out[UTF8_MAX], size_t *len)
{
	static const char names[] = "bfnrt";
	static const char values[] = "\b\f\n\r\t";
	const char *name;
	uint32_t code;

	*len = 1;
	if (at[1] != 'u') {
		name = strchr(names, at[1]);
		out[0] = name ? values[name - names] : at[1];
		return at + 2;
	}
	code = hex4(at + 2);
	at += 6;
	if (code >= 0xd800 && code <= 0xdbff) {
		code = 0x10000 + ((code - 0xd800) << 10) + (hex4(at + 2) - 0xdc00);
		at += 6;
	}
	*len = utf8_write(code, out);
	return at;
}

struct span json_string_read(struct span token, char *buf, size_t size)
{
	const char *at = token.at + 1;
	const char *const end = token.at + token.len - 1;
	const char *slash = memchr(at, '\\', (size_t)(end - at));
	size_t len = 0;

	if (!slash)
		return span_of(at, (size_t)(end - at));
	while (at != end) {
		char code[UTF8_MAX];
		size_t run = (size_t)((slash ? slash : end) - at);

		if (run > size - len)
			return span_of(NULL, 0);
		memcpy(buf + len, at, run);
		len += run;
		at += run;
		if (at == end)
			break;
		at = escape_read(at, code, &run);
		if (run > size - len)
			return span_of(NULL, 0);
		memcpy(buf + len, code, run);
		len += run;
		slash = memchr(at, '\\', (size_t)(end - at));
	}
	return span_of(buf, len);
}
