#include "proto/place.h"

#include <assert.h>
#include "common/escape.h"

void place_tree_init(struct place_tree *tree)
{
	memset(tree, 0, sizeof(*tree));
	tree->count = 1;
	tree->options = PLACE_NONE;
	tree->places[PLACE_ROOT].index = PLACE_NO_INDEX;
}

/* Positions are written without leading zeros (RFC 6901, section 4). */
static uint32_t position(const char *name, size_t len)
{
	uint32_t index = 0;

	if (len == 0 || len > 9 || (len > 1 && name[0] == '0'))
		return PLACE_NO_INDEX;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return PLACE_NO_INDEX;
		index = index * 10 + (uint32_t)(name[i] - '0');
	}
	return index;
}

const struct place *place_member(const struct place_tree *tree, const struct place *parent,
				 const char *name, size_t len)
{
	for (uint8_t at = parent->bucket[place_bucket(len > 0 ? *name : '"')]; at != 0;) {
		const struct place *const place = &tree->places[at];

		if (place->name_len == len && memcmp(place->name, name, len) == 0)
			return place;
		at = place->same_bucket;
	}
	return NULL;
}

static void name_set(struct place *place, const char *name, size_t len)
{
	const size_t quoted = len + 1 < sizeof(place->head) ? len + 1 : sizeof(place->head);

	memcpy(place->name, name, len);
	place->name[len] = '"';
	place->name_len = (uint8_t)len;
	place->index = position(name, len);
	memcpy(&place->head, place->name, quoted);
	memset(&place->mask, 0xff, quoted);
}

static uint8_t child_add(struct place_tree *tree, uint8_t parent, const char *name, size_t len)
{
	struct place *const above = &tree->places[parent];
	const struct place *const old = place_member(tree, above, name, len);
	uint8_t *link = &above->child;
	struct place *place;
	uint8_t *bucket;

	if (old)
		return old->self;
	/* An envelope has few parts of few steps each: the tree is made to hold them all. */
	assert(tree->count < PLACES_MAX);
	place = &tree->places[tree->count];
	place->self = tree->count++;
	place->parent = parent;
	name_set(place, name, len);
	bucket = &above->bucket[place_bucket(place->name[0])];
	place->same_bucket = *bucket;
	*bucket = place->self;
	while (*link != 0)
		link = &tree->places[*link].sibling;
	*link = place->self;
	return place->self;
}

/* Reads one step up to the next slash into name; returns its length, or -1. */
static int step_read(const char **pointer, char name[PLACE_NAME_MAX], const char **why)
{
	const char *at = *pointer;
	int len = 0;

	for (; *at != '\0' && *at != '/'; at++) {
		char byte = *at;

		if (byte == '~') {
			at++;
			if (*at != '0' && *at != '1') {
				*why = "~ must be written ~0 and / in a name ~1";
				return -1;
			}
			byte = *at == '0' ? '~' : '/';
		}
		/* Names are compared as they stand in JSON: see place_quoted. */
		if (byte == '\\' || byte == '"') {
			*why = "a name has a quote or backslash in it";
			return -1;
		}
		if (len == PLACE_NAME_MAX) {
			*why = "a name is longer than 64 bytes";
			return -1;
		}
		name[len++] = byte;
	}
	*pointer = at;
	return len;
}

static bool is_utf8(const char *text)
{
	struct span rest = span_text(text);

	while (rest.len > 0) {
		const size_t len = utf8_sequence_len(rest);

		if (len == 0)
			return false;
		rest = span_of(rest.at + len, rest.len - len);
	}
	return true;
}

enum wsb_err place_add(struct place_tree *tree, const char *pointer, uint8_t *place,
		       const char **why)
{
	char names[PLACE_STEPS_MAX][PLACE_NAME_MAX];
	int lens[PLACE_STEPS_MAX];
	size_t steps = 0;
	uint8_t at = PLACE_ROOT;

	if (!is_utf8(pointer)) {
		*why = "a pointer is UTF-8";
		return WSB_EINVAL;
	}
	while (*pointer != '\0') {
		if (*pointer != '/') {
			*why = "a pointer begins with /";
			return WSB_EINVAL;
		}
		if (steps == PLACE_STEPS_MAX) {
			*why = "a pointer has at most 3 steps";
			return WSB_EINVAL;
		}
		pointer++;
		lens[steps] = step_read(&pointer, names[steps], why);
		if (lens[steps] < 0)
			return WSB_EINVAL;
		steps++;
	}
	for (size_t i = 0; i < steps; i++)
		at = child_add(tree, at, names[i], (size_t)lens[i]);
	*place = at;
	return WSB_OK;
}

uint8_t place_top(const struct place_tree *tree, uint8_t place)
{
	assert(place != PLACE_ROOT && place < tree->count);
	while (tree->places[place].parent != PLACE_ROOT)
		place = tree->places[place].parent;
	return place;
}

uint64_t place_path(const struct place_tree *tree, uint8_t place)
{
	uint64_t path = 0;

	if (place == PLACE_NONE)
		return 0;
	for (; place != PLACE_ROOT; place = tree->places[place].parent)
		path |= place_bit(place);
	return path | place_bit(PLACE_ROOT);
}

const struct place *place_element(const struct place_tree *tree, const struct place *parent,
				  size_t index)
{
	for (uint8_t at = parent->child; at != 0; at = tree->places[at].sibling) {
		if (tree->places[at].index == index)
			return &tree->places[at];
	}
	return NULL;
}
