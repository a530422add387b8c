#include "proto/value_walk.h"

#include <assert.h>
#include "proto/msgpack_scan.h"
#include "proto/token.h"

bool value_walk_begin(struct value_walk *walk, enum encoding encoding, struct span token)
{
	struct msgpack_head head;

	walk->encoding = encoding;
	walk->end = token.at + token.len;
	walk->left = 0;
	if (encoding == ENCODING_JSON) {
		walk->object = *token.at == '{';
		walk->at = token.at + 1;
		if (!walk->object && *token.at != '[')
			return false;
		json_scan_over(&walk->scan, token);
		return true;
	}
	if (!msgpack_head_read(token.at, walk->end, &head))
		return false;
	walk->object = head.kind == MSGPACK_MAP;
	walk->at = head.body;
	walk->left = head.count;
	return walk->object || head.kind == MSGPACK_ARRAY;
}

/* The value at walk->at, which is passed over. */
static struct span take(struct value_walk *walk)
{
	const char *const from = walk->at;

	walk->at = walk->encoding == ENCODING_JSON ? json_scan_value(&walk->scan, from, 1)
						   : msgpack_skip(from, walk->end, 1);
	assert(walk->at); /* the whole has been validated */
	return span_of(from, (size_t)(walk->at - from));
}

static bool json_next(struct value_walk *walk, struct span *name, struct span *value)
{
	walk->at = json_scan_space(walk->at);
	if (*walk->at == ',')
		walk->at = json_scan_space(walk->at + 1);
	if (*walk->at == '}' || *walk->at == ']')
		return false;
	if (walk->object) {
		*name = take(walk);
		walk->at = json_scan_space(json_scan_space(walk->at) + 1);
	}
	*value = take(walk);
	return true;
}

bool value_walk_next(struct value_walk *walk, struct span *name, struct span *value)
{
	struct span unnamed;

	if (!name)
		name = &unnamed;
	if (walk->encoding == ENCODING_JSON)
		return json_next(walk, name, value);
	if (walk->left == 0)
		return false;
	walk->left--;
	if (walk->object)
		*name = take(walk);
	*value = take(walk);
	return true;
}

struct span value_trim(enum encoding encoding, struct span text)
{
	if (encoding != ENCODING_JSON)
		return text;
	while (text.len > 0 && json_scan_is_space(text.at[0]))
		text = span_of(text.at + 1, text.len - 1);
	while (text.len > 0 && json_scan_is_space(text.at[text.len - 1]))
		text.len--;
	return text;
}
