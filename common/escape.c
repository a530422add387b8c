#include "common/escape.h"

#include <stdint.h>

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Beyond the lead byte only the second one has narrower bounds than 80 to bf: they keep out
 * overlong forms, surrogates and what lies above U+10FFFF (RFC 3629, section 4). */
static bool second_is_allowed(unsigned char lead, unsigned char second)
{
	switch (lead) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second <= 0x9f;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second <= 0x8f;
	default:
		return true;
	}
}

size_t utf8_sequence_len(struct span text)
{
	unsigned char lead;
	size_t len;

	if (text.len == 0)
		return 0;
	lead = (unsigned char)text.at[0];
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (text.len < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (!is_continuation(text.at[i]))
			return 0;
	}
	return second_is_allowed(lead, (unsigned char)text.at[1]) ? len : 0;
}

bool utf8_is_valid(struct span text)
{
	while (text.len > 0) {
		size_t len = utf8_sequence_len(text);

		if (len == 0)
			return false;
		text = span_of(text.at + len, text.len - len);
	}
	return true;
}

static size_t write_bytes(char *unit, const char *bytes, size_t len)
{
	memcpy(unit, bytes, len);
	return len;
}

static size_t write_code(char *unit, unsigned int code)
{
	static const char digits[] = "0123456789abcdef";

	memcpy(unit, "\\u00", 4);
	unit[4] = digits[code >> 4 & 0xf];
	unit[5] = digits[code & 0xf];
	return 6;
}

static size_t write_ascii(char *unit, char c)
{
	switch (c) {
	case '"':
		return write_bytes(unit, "\\\"", 2);
	case '\\':
		return write_bytes(unit, "\\\\", 2);
	case '\n':
		return write_bytes(unit, "\\n", 2);
	case '\r':
		return write_bytes(unit, "\\r", 2);
	case '\t':
		return write_bytes(unit, "\\t", 2);
	default:
		break;
	}
	if ((unsigned char)c < 0x20 || c == 0x7f)
		return write_code(unit, (unsigned char)c);
	unit[0] = c;
	return 1;
}

size_t escape_next(struct span *text, char unit[ESCAPE_UNIT_MAX])
{
	const char *at = text->at;
	size_t len = utf8_sequence_len(*text);
	size_t taken = len > 0 ? len : 1;

	text->at += taken;
	text->len -= taken;
	if (len == 0)
		return write_bytes(unit, "\xef\xbf\xbd", 3);
	if (len == 1)
		return write_ascii(unit, *at);
	if ((unsigned char)at[0] == 0xc2 && (unsigned char)at[1] < 0xa0)
		return write_code(unit, (unsigned char)at[1]);
	return write_bytes(unit, at, len);
}
