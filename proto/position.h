/* proto/position.h: places in the log of invalidations. */
#ifndef WSB_PROTO_POSITION_H
#define WSB_PROTO_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/span.h"

/* epoch: milliseconds since 1970 when the numbering began; seq: 1, 2, 3, ... within it, 0 for the
 * place before its first event. All zero: no place. */
struct position {
	uint64_t epoch, seq;
};

static inline bool position_is_set(struct position position)
{
	return position.epoch != 0;
}

static inline bool position_equal(struct position a, struct position b)
{
	return a.epoch == b.epoch && a.seq == b.seq;
}

/* Whether a stands in the log before b. */
static inline bool position_before(struct position a, struct position b)
{
	return a.epoch != b.epoch ? a.epoch < b.epoch : a.seq < b.seq;
}

#define POSITION_TEXT_MAX 42
/* Writes "EPOCH-SEQ", terminated, and returns its length. */
size_t position_write(struct position position, char out[POSITION_TEXT_MAX]);

/* Reads exactly what position_write writes for a place: two decimal numbers, 64 bit each, without
 * sign, blanks or leading zeros. False: text is something else, and *out is untouched. */
bool position_read(struct span text, struct position *out);

#endif
