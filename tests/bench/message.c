#include "message.h"

#include <string.h>

static const char *skip_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* From an opening quote to behind the closing one, NULL when there is none. A quote closes unless
 * an odd number of backslashes stands before it. */
static const char *skip_string(const char *p, const char *end)
{
	const char *start = p + 1;
	const char *quote = start;
	while ((quote = memchr(quote, '"', (size_t)(end - quote))) != NULL) {
		const char *slash = quote;
		while (slash > start && slash[-1] == '\\')
			slash--;
		quote++;
		if ((quote - 1 - slash) % 2 == 0)
			return quote;
	}
	return NULL;
}

static const char *skip_nested(const char *p, const char *end)
{
	size_t depth = 0;
	while (p && p < end) {
		char c = *p;
		if (c == '"') {
			p = skip_string(p, end);
			continue;
		}
		p++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return p;
	}
	return NULL;
}

static const char *skip_value(const char *p, const char *end)
{
	if (p == end)
		return NULL;
	if (*p == '"')
		return skip_string(p, end);
	if (*p == '{' || *p == '[')
		return skip_nested(p, end);
	const char *start = p;
	while (p < end && *p != ',' && *p != '}' && *p != ' ' && *p != '\n' && *p != '\t' &&
	       *p != '\r')
		p++;
	return p == start ? NULL : p;
}

static bool is_name(const char *name, size_t len, const char *wanted, size_t wanted_len)
{
	return len == wanted_len && memcmp(name, wanted, len) == 0;
}

bool message_scan(const char *text, size_t len, const char *body_name, struct token *id,
		  struct token *body)
{
	size_t body_name_len = strlen(body_name);
	const char *end = text + len;
	const char *p = skip_blank(text, end);

	*id = (struct token){0};
	*body = (struct token){0};
	if (p == end || *p != '{')
		return false;
	do {
		const char *name = skip_blank(p + 1, end);
		if (name == end || *name != '"' || !(p = skip_string(name, end)))
			return false;
		size_t name_len = (size_t)(p - name) - 2;
		p = skip_blank(p, end);
		if (p == end || *p != ':')
			return false;
		const char *value = skip_blank(p + 1, end);
		p = skip_value(value, end);
		if (!p)
			return false;
		struct token token = {value, (size_t)(p - value)};
		if (is_name(name + 1, name_len, "id", 2))
			*id = token;
		else if (is_name(name + 1, name_len, body_name, body_name_len))
			*body = token;
		p = skip_blank(p, end);
	} while (p < end && *p == ',');
	return p < end && *p == '}';
}
