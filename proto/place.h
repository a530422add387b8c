/* proto/place.h: the places in a message that somebody wants to know, as a small tree of names.
 *
 * JSON pointers of at most three steps are compiled into it once; both codecs walk it beside the
 * message, so that one pass over the text notes every place of every envelope in use. */
#ifndef WSB_PROTO_PLACE_H
#define WSB_PROTO_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "common/err.h"
#include "common/span.h"

#define PLACE_STEPS_MAX 3
#define PLACE_NAME_MAX	64
#define PLACE_BUCKETS	32
#define PLACES_MAX	40
#define PLACE_ROOT	0
#define PLACE_NONE	63 /* never seen */
#define PLACE_NO_INDEX	UINT32_MAX

struct place {
	uint64_t
		head; /* the first eight bytes of the name with a quote behind it, as JSON has it */
	uint64_t mask;	/* which of them there are */
	uint32_t index; /* as a position in an array, or PLACE_NO_INDEX */
	uint8_t name_len;
	uint8_t self; /* the number of this place */
	uint8_t parent;
	uint8_t child;		       /* the first one, 0: none */
	uint8_t sibling;	       /* the next one, 0: none */
	uint8_t same_bucket;	       /* the next sibling in the same bucket, 0: none */
	uint8_t bucket[PLACE_BUCKETS]; /* by first byte: the first child of each, 0: none */
	char name[PLACE_NAME_MAX + 1]; /* with the quote */
};

struct place_tree {
	struct place places[PLACES_MAX]; /* places[PLACE_ROOT] is the message itself */
	uint8_t count;
	uint8_t options; /* the member that can be cut out of its object; PLACE_NONE: none */
	bool arrays;	 /* a top-level array is walked by position, not merely counted */
};

void place_tree_init(struct place_tree *tree);

/* Adds the place that an RFC 6901 pointer names, or finds it. WSB_EINVAL: no pointer, or more
 * steps or longer names than the tree takes; *why (constant text) says which. */
enum wsb_err place_add(struct place_tree *tree, const char *pointer, uint8_t *place,
		       const char **why) WSB_CHECKED;

/* The first step of the way down from the root to place (not the root itself). */
uint8_t place_top(const struct place_tree *tree, uint8_t place);

static inline uint64_t place_bit(uint8_t place)
{
	return UINT64_C(1) << place;
}

/* place and all that it stands in, one bit each; PLACE_NONE: none. */
uint64_t place_path(const struct place_tree *tree, uint8_t place);

/* Names of an envelope rarely share their first byte. */
static inline size_t place_bucket(char first)
{
	return (unsigned char)first % PLACE_BUCKETS;
}

/* The child of parent with this name, which has no escapes left in it; NULL: none. */
const struct place *place_member(const struct place_tree *tree, const struct place *parent,
				 const char *name, size_t len);

/* The same for a name of at most seven bytes that stands in JSON, whose end need not be known: its
 * closing quote is compared along. NULL: none, or another function has to look. */
static inline const struct place *place_short(const struct place_tree *tree,
					      const struct place *parent, const char *name,
					      const char *end)
{
	uint64_t head;

	if (__builtin_expect(end - name < (ptrdiff_t)sizeof(head), 0))
		return NULL;
	memcpy(&head, name, sizeof(head));
	for (uint8_t next = parent->bucket[place_bucket(*name)]; next != 0;) {
		const struct place *const place = &tree->places[next];

		if (((head ^ place->head) & place->mask) == 0 && place->name_len < sizeof(head))
			return place;
		next = place->same_bucket;
	}
	return NULL;
}

/* The same for a name that stands in JSON with a closing quote behind it, and may have escapes
 * (which no name in the tree has). Reads eight bytes at once where there are so many before `end`.
 */
static inline const struct place *place_quoted(const struct place_tree *tree,
					       const struct place *parent, const char *name,
					       size_t len, const char *end)
{
	uint64_t head;

	if (__builtin_expect(end - name < (ptrdiff_t)sizeof(head), 0))
		return place_member(tree, parent, name, len);
	memcpy(&head, name, sizeof(head));
	for (uint8_t next = parent->bucket[place_bucket(*name)]; next != 0;) {
		const struct place *const place = &tree->places[next];

		if (((head ^ place->head) & place->mask) == 0 &&
		    (len < sizeof(head) ||
		     (len == place->name_len && memcmp(name, place->name, len) == 0)))
			return place;
		next = place->same_bucket;
	}
	return NULL;
}

/* The child of parent at this position of an array; NULL: none. */
const struct place *place_element(const struct place_tree *tree, const struct place *parent,
				  size_t index);

/* What one pass over a message found. at[p] is set only where bit p of seen is. */
struct places_found {
	uint64_t seen;
	uint64_t twice;		    /* stands a second time in the same object */
	size_t members;		    /* of the top-level array or object */
	bool escapes;		    /* JSON: some string has a backslash in it */
	char kind;		    /* of the top level: '{', '[', or 's' for a scalar */
	struct span options_member; /* what to cut to be rid of the options, where seen */
	struct span at[PLACES_MAX];
};

static inline bool place_seen(const struct places_found *found, uint8_t place)
{
	return found->seen >> place & 1;
}

static inline void place_note(struct places_found *found, uint8_t place, const char *from,
			      const char *to)
{
	if (__builtin_expect(place_seen(found, place), 0))
		found->twice |= place_bit(place);
	found->seen |= place_bit(place);
	found->at[place] = span_of(from, (size_t)(to - from));
}

#endif
