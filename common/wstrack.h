/* common/wstrack.h: where frames begin and end in bytes that pass by (RFC 6455, section 5.2),
 * whatever their extensions make of them. Reads headers and close codes, judges nothing. */
#ifndef WSB_COMMON_WSTRACK_H
#define WSB_COMMON_WSTRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/span.h"
#include "common/wsframe.h"

struct wstrack {
	uint64_t left;	     /* of the payload under way */
	uint8_t header_len;  /* of a header that is cut off, gathered so far */
	uint8_t code_len;    /* of the close code */
	bool closing;	     /* the payload under way is that of a close frame */
	bool closed;	     /* a close frame has passed, or begun to */
	uint16_t close_code; /* of it; 0: it had none */
	uint8_t mask[WS_MASK_BYTES];
	uint8_t header[WS_HEADER_MAX];
};

void wstrack_init(struct wstrack *track);

/* Takes bytes up to the end of the frame under way, or that begins with them, and returns how many;
 * all of them when it does not end within. */
size_t wstrack_frame(struct wstrack *track, struct span bytes);

/* Takes them all. */
void wstrack_pass(struct wstrack *track, struct span bytes);

/* Whether another frame could be put in here. */
static inline bool wstrack_is_between(const struct wstrack *track)
{
	return track->left == 0 && track->header_len == 0;
}

#endif
