#include "broker/tool/pretty.h"

#include <stdbool.h>

#define INDENT 2

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The length of the string that begins at text.at, quotes included. */
static size_t string_len(struct span text)
{
	size_t len = 1;

	while (len < text.len && text.at[len] != '"')
		len += text.at[len] == '\\' ? 2 : 1;
	return len < text.len ? len + 1 : text.len;
}

static size_t skip_blanks(struct span text, size_t at)
{
	while (at < text.len && is_blank(text.at[at]))
		at++;
	return at;
}

static void new_line(struct strbuf *out, size_t depth)
{
	strbuf_printf(out, "\n%*s", (int)(depth * INDENT), "");
}

/* An empty array or object is kept together. Returns the place behind the opening byte, or behind
 * the whole when it is empty. */
static size_t open_container(struct span text, size_t at, size_t *depth, struct strbuf *out)
{
	size_t next = skip_blanks(text, at + 1);

	strbuf_add(out, span_of(text.at + at, 1));
	if (next < text.len && (text.at[next] == ']' || text.at[next] == '}')) {
		strbuf_add(out, span_of(text.at + next, 1));
		return next + 1;
	}
	new_line(out, ++*depth);
	return at + 1;
}

void pretty_json(struct span text, struct strbuf *out)
{
	size_t depth = 0;
	size_t at = 0;

	while ((at = skip_blanks(text, at)) < text.len) {
		struct span rest = span_of(text.at + at, text.len - at);
		size_t len = *rest.at == '"' ? string_len(rest) : 1;

		switch (*rest.at) {
		case '[':
		case '{':
			at = open_container(text, at, &depth, out);
			continue;
		case ']':
		case '}':
			new_line(out, depth > 0 ? --depth : 0);
			strbuf_add(out, span_of(rest.at, 1));
			break;
		case ',':
			strbuf_text(out, ",");
			new_line(out, depth);
			break;
		case ':':
			strbuf_text(out, ": ");
			break;
		default:
			strbuf_add(out, span_of(rest.at, len));
		}
		at += len;
	}
}

/* A line break can only stand between tokens, where a space does as well. */
void one_line_json(struct span text, struct strbuf *out)
{
	size_t from = 0;

	for (size_t at = 0; at < text.len; at++) {
		if (text.at[at] != '\n' && text.at[at] != '\r')
			continue;
		strbuf_add(out, span_of(text.at + from, at - from));
		strbuf_text(out, " ");
		from = at + 1;
	}
	strbuf_add(out, span_of(text.at + from, text.len - from));
}
