#include "broker/io/http_text.h"

#include <string.h>
#include <strings.h>

#define BLANK_LINE "\r\n\r\n"

/* The end may be cut anywhere: the last three bytes that came before are looked at again. */
size_t http_head_len(struct span text, size_t *seen)
{
	const size_t end_len = strlen(BLANK_LINE);
	size_t from = *seen < end_len ? 0 : *seen - (end_len - 1);
	const char *end = memmem(text.at + from, text.len - from, BLANK_LINE, end_len);

	*seen = text.len;
	return end ? (size_t)(end - text.at) + end_len : 0;
}

struct span http_take_line(struct span *text)
{
	const char *end = memmem(text->at, text->len, "\r\n", 2);
	struct span line = span_of(text->at, end ? (size_t)(end - text->at) : text->len);
	size_t taken = end ? line.len + 2 : line.len;

	*text = span_of(text->at + taken, text->len - taken);
	return line;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(struct span text)
{
	while (text.len > 0 && is_blank(text.at[0]))
		text = span_of(text.at + 1, text.len - 1);
	while (text.len > 0 && is_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

static bool is_token_char(char c)
{
	static const char specials[] = "!#$%&'*+-.^_`|~";

	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       memchr(specials, c, sizeof(specials) - 1);
}

bool http_is_token(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_token_char(text.at[i]))
			return false;
	}
	return text.len > 0;
}

/* Nothing that steers anything: a lone carriage return or line feed would end the line for some
 * readers and not for others. */
static bool is_value(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

bool http_split_header(struct span line, struct span *name, struct span *value)
{
	const char *colon = memchr(line.at, ':', line.len);

	if (!colon)
		return false;
	*name = span_of(line.at, (size_t)(colon - line.at));
	*value = trim(span_of(colon + 1, line.len - name->len - 1));
	return http_is_token(*name) && is_value(*value);
}

bool http_equals(struct span text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

bool http_lists(struct span list, const char *word)
{
	while (list.len > 0) {
		const char *comma = memchr(list.at, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.at) : list.len;

		if (http_equals(trim(span_of(list.at, len)), word))
			return true;
		len += comma ? 1 : 0;
		list = span_of(list.at + len, list.len - len);
	}
	return false;
}
