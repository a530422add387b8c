#include "proto/json_codec.h"

#include <string.h>
#include "proto/codec.h"
#include "proto/json_scan.h"
#include "proto/utf8.h"

struct walk {
	const struct place_tree *tree;
	struct places_found *found;
	const char *end;
};

static const char *value_walk(struct walk *walk, uint8_t at_place, const char *at, unsigned depth);

/* A name with escapes in it is compared as what it means: "\u0069d" is id. */
__attribute__((noinline)) static uint8_t
escaped_member(const struct walk *walk, const struct place *place, struct span token)
{
	char name[PLACE_NAME_MAX];
	const struct span resolved = json_string_read(token, name, sizeof(name));

	if (!resolved.at)
		return 0;
	return place_member(walk->tree, place, resolved.at, resolved.len, name + sizeof(name));
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
				      unsigned depth, uint8_t *child)
{
	const char *const end = walk->end;
	const char *const name = at;
	bool escaped = false;

	if (at == end || *at != '"')
		return NULL;
	at = json_string(at + 1, end, &escaped);
	if (!at)
		return NULL;
	if (__builtin_expect(escaped, 0))
		*child = escaped_member(walk, place, span_of(name, (size_t)(at + 1 - name)));
	else
		*child = place_member(walk->tree, place, name + 1, (size_t)(at - name - 1), end);
	at = json_space(at + 1, end);
	if (at == end || *at != ':')
		return NULL;
	at = json_space(at + 1, end);
	return *child ? value_walk(walk, *child, at, depth) : json_skip(at, end, depth);
}

/* `at` stands behind the opening brace; depth counts this object. */
static const char *object_walk(struct walk *walk, uint8_t at_place, const char *at, unsigned depth)
{
	const struct place *const place = &walk->tree->places[at_place];
	const char *const end = walk->end;
	const char *comma = NULL;
	size_t members = 0;

	at = json_space(at, end);
	if (at != end && *at == '}')
		return at + 1;
	for (;;) {
		const char *const name = at;
		const char *value_end;
		uint8_t child;

		at = value_end = member_walk(walk, place, at, depth, &child);
		if (!at)
			return NULL;
		at = json_space(at, end);
		if (at == end)
			return NULL;
		members++;
		if (child == walk->tree->options)
			note_cut(walk->found, comma, name, value_end, at);
		if (*at != ',')
			break;
		comma = at;
		at = json_space(at + 1, end);
	}
	if (at_place == PLACE_ROOT)
		walk->found->members = members;
	return *at == '}' ? at + 1 : NULL;
}

/* `at` stands behind the opening bracket; depth counts this array. */
static const char *array_walk(struct walk *walk, uint8_t at_place, const char *at, unsigned depth)
{
	const struct place *const place = &walk->tree->places[at_place];
	const char *const end = walk->end;
	const bool plain = at_place == PLACE_ROOT && !walk->tree->arrays;
	size_t index = 0;

	at = json_space(at, end);
	if (at != end && *at == ']')
		return at + 1;
	for (;; index++) {
		const uint8_t child = plain ? 0 : place_element(walk->tree, place, index);

		at = child ? value_walk(walk, child, at, depth) : json_skip(at, end, depth);
		if (!at)
			return NULL;
		at = json_space(at, end);
		if (at == end || *at != ',')
			break;
		at = json_space(at + 1, end);
	}
	if (at_place == PLACE_ROOT)
		walk->found->members = index + 1;
	return at != end && *at == ']' ? at + 1 : NULL;
}

/* A value that somebody wants to know. Recursion goes no deeper than the tree of places. */
static const char *value_walk(struct walk *walk, uint8_t at_place, const char *at, unsigned depth)
{
	const char *const from = at;
	const bool inner = walk->tree->places[at_place].child != 0;

	if (inner && at != walk->end && *at == '{' && depth < CODEC_DEPTH_MAX)
		at = object_walk(walk, at_place, at + 1, depth + 1);
	else if (inner && at != walk->end && *at == '[' && depth < CODEC_DEPTH_MAX)
		at = array_walk(walk, at_place, at + 1, depth + 1);
	else
		at = json_skip(at, walk->end, depth);
	if (at)
		place_note(walk->found, at_place, from, at);
	return at;
}

enum wsb_err json_find(const struct place_tree *tree, struct span text, struct places_found *found)
{
	struct walk walk = {.tree = tree, .found = found, .end = text.at + text.len};
	const char *at = json_space(text.at, walk.end);
	const char *const from = at;

	if (at == walk.end)
		return WSB_EPARSE;
	found->seen = 0;
	found->twice = 0;
	found->members = 0;
	found->kind = *at == '{' || *at == '[' ? *at : 's';
	if (*at == '{')
		at = object_walk(&walk, PLACE_ROOT, at + 1, 1);
	else if (*at == '[')
		at = array_walk(&walk, PLACE_ROOT, at + 1, 1);
	else
		at = json_skip(at, walk.end, 0);
	if (!at || json_space(at, walk.end) != walk.end)
		return WSB_EPARSE;
	place_note(found, PLACE_ROOT, from, at);
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
