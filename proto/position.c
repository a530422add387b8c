#include "proto/position.h"

#include <inttypes.h>
#include <stdio.h>

size_t position_write(struct position position, char out[POSITION_TEXT_MAX])
{
	return (size_t)snprintf(out, POSITION_TEXT_MAX, "%" PRIu64 "-%" PRIu64, position.epoch,
				position.seq);
}

/* Takes a number off the front of *text. */
static bool take_number(struct span *text, uint64_t *out)
{
	uint64_t value = 0;
	size_t len = 0;

	for (; len < text->len && text->at[len] >= '0' && text->at[len] <= '9'; len++) {
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text->at[len] - '0'), &value))
			return false;
	}
	if (len == 0 || (len > 1 && text->at[0] == '0'))
		return false;
	*text = span_of(text->at + len, text->len - len);
	*out = value;
	return true;
}

bool position_read(struct span text, struct position *out)
{
	struct position position;

	if (!take_number(&text, &position.epoch) || position.epoch == 0 || text.len == 0 ||
	    text.at[0] != '-')
		return false;
	text = span_of(text.at + 1, text.len - 1);
	if (!take_number(&text, &position.seq) || text.len > 0)
		return false;
	*out = position;
	return true;
}
