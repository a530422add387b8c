#include "broker/io/http_chunks.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "broker/io/http_text.h"

static const char line_end[] = "\r\n";

/* Takes a line off *rest. False: it is not whole. Its end alone counts, so that nobody in between
 * sees another one in it. */
static bool take_line(struct span *rest, struct span *line)
{
	const char *end = memchr(rest->at, '\n', rest->len);

	if (!end)
		return false;
	*line = span_of(rest->at, (size_t)(end - rest->at));
	*rest = span_of(end + 1, rest->len - line->len - 1);
	return true;
}

/* Ended by CR LF, and without any other control character than tabs. */
static bool is_clean(struct span *line)
{
	if (line->len == 0 || line->len >= HTTP_CHUNK_LINE_MAX || line->at[line->len - 1] != '\r')
		return false;
	line->len--;
	for (size_t i = 0; i < line->len; i++) {
		unsigned char c = (unsigned char)line->at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The size of a chunk; what may stand behind a semicolon means nothing here. */
static enum http_chunks_verdict read_size(struct span line, size_t most, size_t *size)
{
	size_t at = 0;

	*size = 0;
	for (; at < line.len && hex_digit(line.at[at]) >= 0; at++) {
		if (*size > SIZE_MAX >> 4)
			return HTTP_CHUNKS_TOO_LONG;
		*size = *size << 4 | (size_t)hex_digit(line.at[at]);
	}
	if (at == 0)
		return HTTP_CHUNKS_BROKEN;
	while (at < line.len && (line.at[at] == ' ' || line.at[at] == '\t'))
		at++;
	if (at < line.len && line.at[at] != ';')
		return HTTP_CHUNKS_BROKEN;
	return *size > most ? HTTP_CHUNKS_TOO_LONG : HTTP_CHUNKS_MORE;
}

static enum http_chunks_verdict begin_chunk(struct http_chunks *chunks, struct span line,
					    size_t body_max)
{
	enum http_chunks_verdict verdict;

	if (!is_clean(&line))
		return HTTP_CHUNKS_BROKEN;
	verdict = read_size(line, body_max - chunks->len, &chunks->left);
	chunks->state = chunks->left > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILERS;
	return verdict;
}

static enum http_chunks_verdict pass_trailer(struct http_chunks *chunks, struct span line)
{
	struct span name, value;

	chunks->trailers_len += line.len + 1;
	if (!is_clean(&line) || chunks->trailers_len > HTTP_TRAILERS_MAX)
		return HTTP_CHUNKS_BROKEN;
	if (line.len == 0)
		return HTTP_CHUNKS_WHOLE;
	return http_split_header(line, &name, &value) ? HTTP_CHUNKS_MORE : HTTP_CHUNKS_BROKEN;
}

static void take_data(struct http_chunks *chunks, char *text, struct span *rest)
{
	size_t len = rest->len < chunks->left ? rest->len : chunks->left;

	memmove(text + chunks->len, rest->at, len);
	chunks->len += len;
	chunks->left -= len;
	*rest = span_of(rest->at + len, rest->len - len);
	if (chunks->left == 0)
		chunks->state = HTTP_CHUNK_END;
}

static enum http_chunks_verdict end_chunk(struct http_chunks *chunks, struct span *rest)
{
	size_t len = strlen(line_end);

	if (memcmp(rest->at, line_end, rest->len < len ? rest->len : len) != 0)
		return HTTP_CHUNKS_BROKEN;
	if (rest->len < len)
		return HTTP_CHUNKS_MORE;
	*rest = span_of(rest->at + len, rest->len - len);
	chunks->state = HTTP_CHUNK_SIZE;
	return HTTP_CHUNKS_MORE;
}

static enum http_chunks_verdict take_step(struct http_chunks *chunks, char *text, struct span *rest,
					  size_t body_max)
{
	struct span line;

	if (chunks->state == HTTP_CHUNK_DATA) {
		take_data(chunks, text, rest);
		return HTTP_CHUNKS_MORE;
	}
	if (chunks->state == HTTP_CHUNK_END)
		return end_chunk(chunks, rest);
	if (!take_line(rest, &line))
		return rest->len < HTTP_CHUNK_LINE_MAX ? HTTP_CHUNKS_MORE : HTTP_CHUNKS_BROKEN;
	return chunks->state == HTTP_CHUNK_SIZE ? begin_chunk(chunks, line, body_max)
						: pass_trailer(chunks, line);
}

enum http_chunks_verdict http_chunks_take(struct http_chunks *chunks, char *text, size_t *len,
					  size_t body_max)
{
	enum http_chunks_verdict verdict = HTTP_CHUNKS_MORE;
	struct span rest = span_of(text + chunks->len, *len - chunks->len);
	size_t before;

	do {
		before = rest.len;
		if (before > 0)
			verdict = take_step(chunks, text, &rest, body_max);
	} while (verdict == HTTP_CHUNKS_MORE && rest.len < before);
	if (rest.len > 0)
		memmove(text + chunks->len, rest.at, rest.len);
	*len = chunks->len + rest.len;
	return verdict;
}
