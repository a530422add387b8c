#include "common/strbuf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/escape.h"

#define STRBUF_FIRST_BYTES 128

void strbuf_init(struct strbuf *buf)
{
	*buf = (struct strbuf){0};
}

void strbuf_fini(struct strbuf *buf)
{
	free(buf->text);
	*buf = (struct strbuf){0};
}

void strbuf_clear(struct strbuf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->text)
		buf->text[0] = '\0';
}

/* Room for len bytes and the terminator; false once the buffer has failed. */
static bool make_room(struct strbuf *buf, size_t len)
{
	size_t capacity = buf->capacity > 0 ? buf->capacity : STRBUF_FIRST_BYTES;
	char *text;

	if (buf->failed)
		return false;
	if (buf->text && len < buf->capacity - buf->len)
		return true;
	if (len >= SIZE_MAX / 2 - buf->len) {
		buf->failed = true;
		return false;
	}
	while (capacity <= buf->len + len)
		capacity *= 2;
	text = realloc(buf->text, capacity);
	if (!text) {
		buf->failed = true;
		return false;
	}
	buf->text = text;
	buf->capacity = capacity;
	return true;
}

void strbuf_add(struct strbuf *buf, struct span bytes)
{
	if (!make_room(buf, bytes.len))
		return;
	if (bytes.len > 0)
		memcpy(buf->text + buf->len, bytes.at, bytes.len);
	buf->len += bytes.len;
	buf->text[buf->len] = '\0';
}

void strbuf_text(struct strbuf *buf, const char *text)
{
	strbuf_add(buf, span_text(text));
}

void strbuf_printf(struct strbuf *buf, const char *format, ...)
{
	va_list args;
	va_list again;
	int len;

	/* There is room as a rule, and room is made where there was none. */
	if (!make_room(buf, 0))
		return;
	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(buf->text + buf->len, buf->capacity - buf->len, format, args);
	va_end(args);
	if (len < 0)
		buf->failed = true;
	else if ((size_t)len < buf->capacity - buf->len)
		buf->len += (size_t)len;
	else if (make_room(buf, (size_t)len)) {
		vsnprintf(buf->text + buf->len, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	buf->text[buf->len] = '\0';
	va_end(again);
}

/* So many bytes stand for themselves, as nearly all do. */
static size_t plain_len(struct span text)
{
	size_t len = 0;

	while (len < text.len && text.at[len] >= ' ' && text.at[len] < 0x7f &&
	       text.at[len] != '"' && text.at[len] != '\\')
		len++;
	return len;
}

void strbuf_json(struct strbuf *buf, struct span text)
{
	char unit[ESCAPE_UNIT_MAX];

	strbuf_text(buf, "\"");
	while (text.len > 0 && !buf->failed) {
		size_t len = plain_len(text);

		if (len > 0) {
			strbuf_add(buf, span_of(text.at, len));
			text = span_of(text.at + len, text.len - len);
			continue;
		}
		len = escape_next(&text, unit);
		strbuf_add(buf, span_of(unit, len));
	}
	strbuf_text(buf, "\"");
}

void strbuf_plain(struct strbuf *buf, struct span text)
{
	char unit[ESCAPE_UNIT_MAX];

	while (text.len > 0 && !buf->failed) {
		if (text.at[0] == '"' || text.at[0] == '\\') {
			strbuf_add(buf, span_of(text.at, 1));
			text = span_of(text.at + 1, text.len - 1);
			continue;
		}
		strbuf_add(buf, span_of(unit, escape_next(&text, unit)));
	}
}

struct span strbuf_span(const struct strbuf *buf)
{
	return buf->text ? span_of(buf->text, buf->len) : span_of("", 0);
}
