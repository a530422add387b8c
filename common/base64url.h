/* common/base64url.h: base64 for names and URLs (RFC 4648, section 5), without padding. */
#ifndef WSB_COMMON_BASE64URL_H
#define WSB_COMMON_BASE64URL_H

#include <stddef.h>
#include <stdint.h>
#include "common/err.h"
#include "common/span.h"

/* The bytes that a text of this length decodes to, at most. */
#define BASE64URL_BYTES(len) ((len) / 4 * 3 + 2)

/* out has room for BASE64URL_BYTES(text.len). WSB_EPARSE: another character, a length that none
 * has, or bits left over that are not zero: every run of bytes has one spelling. */
enum wsb_err base64url_decode(struct span text, uint8_t *out, size_t *len) WSB_CHECKED;

#endif
