/* common/escape.h: hostile text made harmless, one character at a time. */
#ifndef WSB_COMMON_ESCAPE_H
#define WSB_COMMON_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include "common/span.h"

#define ESCAPE_UNIT_MAX 6 /* a \u escape is the longest */

/* Takes the first character off *text, which must not be empty, and writes it into unit as it may
 * stand between the quotes of a JSON string; returns the bytes written. Control characters, those
 * that steer terminals (DEL, U+0080 to U+009F) included, are escaped; a byte that begins no
 * well-formed UTF-8 sequence becomes U+FFFD. */
size_t escape_next(struct span *text, char unit[ESCAPE_UNIT_MAX]);

/* The length, 1 to 4, of the well-formed UTF-8 sequence (RFC 3629) that text begins with;
 * 0 when there is none. */
size_t utf8_sequence_len(struct span text);

/* Whether all of text is such sequences. */
bool utf8_is_valid(struct span text);

#endif
