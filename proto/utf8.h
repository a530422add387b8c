/* proto/utf8.h: code points as UTF-8 (RFC 3629). Reading it is common/escape.h's. */
#ifndef WSB_PROTO_UTF8_H
#define WSB_PROTO_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX 4

/* Writes a code point (no surrogate, at most U+10FFFF) and returns its length. */
static inline size_t utf8_write(uint32_t code, char out[UTF8_MAX])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

#endif
