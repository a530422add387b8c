#include "common/base64url.h"

/* 0 to 63, or -1. */
static int value_of(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	return digit == '-' ? 62 : digit == '_' ? 63 : -1;
}

enum wsb_err base64url_decode(struct span text, uint8_t *out, size_t *len)
{
	uint32_t bits = 0;
	unsigned int held = 0; /* how many of bits are not written yet */
	size_t written = 0;

	for (size_t i = 0; i < text.len; i++) {
		int value = value_of(text.at[i]);

		if (value < 0)
			return WSB_EPARSE;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[written++] = (uint8_t)(bits >> held);
			bits &= (UINT32_C(1) << held) - 1;
		}
	}
	if (held >= 6 || bits != 0)
		return WSB_EPARSE;
	*len = written;
	return WSB_OK;
}
