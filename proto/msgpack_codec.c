#include "proto/msgpack_codec.h"

#include <string.h>
#include "proto/codec.h"
#include "proto/msgpack_scan.h"

struct walk {
	const struct place_tree *tree;
	struct places_found *found;
	const char *end;
};

static const char *value_walk(struct walk *walk, const struct place *place, const char *at,
			      unsigned depth);

/* The key at `at`, and which place its value is; a key that is no str names none. */
static const char *key_walk(const struct walk *walk, const struct place *place, const char *at,
			    unsigned depth, const struct place **child)
{
	struct msgpack_head head;

	*child = NULL;
	if (!msgpack_head_read(at, walk->end, &head))
		return NULL;
	if (head.kind == MSGPACK_STR)
		*child = place_member(walk->tree, place, head.body, head.body_len);
	/* A name that equals one of a pointer is UTF-8 as that one is. */
	return *child ? head.body + head.body_len : msgpack_skip(at, walk->end, depth);
}

static const char *map_walk(struct walk *walk, const struct place *place,
			    const struct msgpack_head *head, unsigned depth)
{
	const char *at = head->body;

	for (uint32_t i = 0; i < head->count; i++) {
		const char *const key = at;
		const struct place *child;

		at = key_walk(walk, place, at, depth, &child);
		if (!at)
			return NULL;
		at = child ? value_walk(walk, child, at, depth)
			   : msgpack_skip(at, walk->end, depth);
		if (!at)
			return NULL;
		if (child && child->self == walk->tree->options)
			walk->found->options_member = span_of(key, (size_t)(at - key));
	}
	return at;
}

static const char *array_walk(struct walk *walk, const struct place *place,
			      const struct msgpack_head *head, unsigned depth)
{
	const bool plain = place->self == PLACE_ROOT && !walk->tree->arrays;
	const char *at = head->body;

	for (uint32_t i = 0; at && i < head->count; i++) {
		const struct place *const child =
			plain ? NULL : place_element(walk->tree, place, i);

		at = child ? value_walk(walk, child, at, depth)
			   : msgpack_skip(at, walk->end, depth);
	}
	return at;
}

/* A container that holds places; depth counts it. */
static const char *inner_walk(struct walk *walk, const struct place *place,
			      const struct msgpack_head *head, unsigned depth)
{
	if (head->kind == MSGPACK_MAP)
		return map_walk(walk, place, head, depth);
	return array_walk(walk, place, head, depth);
}

/* A value that somebody wants to know. Recursion goes no deeper than the tree of places. */
static const char *value_walk(struct walk *walk, const struct place *place, const char *at,
			      unsigned depth)
{
	const char *const from = at;
	struct msgpack_head head;

	if (!msgpack_head_read(at, walk->end, &head))
		return NULL;
	if (place->child != 0 && depth < CODEC_DEPTH_MAX &&
	    (head.kind == MSGPACK_MAP || head.kind == MSGPACK_ARRAY))
		at = inner_walk(walk, place, &head, depth + 1);
	else
		at = msgpack_skip(at, walk->end, depth);
	if (at)
		place_note(walk->found, place->self, from, at);
	return at;
}

enum wsb_err msgpack_find(const struct place_tree *tree, struct span text,
			  struct places_found *found)
{
	struct walk walk = {.tree = tree, .found = found, .end = text.at + text.len};
	struct msgpack_head head;
	const char *at;

	if (!msgpack_head_read(text.at, walk.end, &head))
		return WSB_EPARSE;
	found->seen = 0;
	found->twice = 0;
	found->escapes = false;
	found->members = head.count;
	found->kind = 's';
	if (head.kind == MSGPACK_MAP || head.kind == MSGPACK_ARRAY) {
		found->kind = head.kind == MSGPACK_MAP ? '{' : '[';
		at = inner_walk(&walk, &tree->places[PLACE_ROOT], &head, 1);
	} else {
		at = msgpack_skip(text.at, walk.end, 0);
	}
	if (at != walk.end)
		return WSB_EPARSE;
	place_note(found, PLACE_ROOT, text.at, at);
	return WSB_OK;
}

size_t msgpack_map_head(uint32_t pairs, char out[5])
{
	if (pairs < 16) {
		out[0] = (char)(0x80 | pairs);
		return 1;
	}
	if (pairs <= UINT16_MAX) {
		out[0] = (char)0xde;
		out[1] = (char)(pairs >> 8);
		out[2] = (char)pairs;
		return 3;
	}
	out[0] = (char)0xdf;
	for (int i = 1; i <= 4; i++)
		out[i] = (char)(pairs >> (32 - 8 * i));
	return 5;
}
