#include "broker/control/token_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORDS_MAX 4 /* one more than there may be, to see that there are too many */
#define HASH_MARK "sha256:"

static const char *const roles[] = {
	[ROLE_CLIENT] = "client",
	[ROLE_VIEWER] = "viewer",
	[ROLE_PUBLISHER] = "publisher",
	[ROLE_OPERATOR] = "operator",
};

bool token_role_find(struct span name, enum token_role *out)
{
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (span_is(name, roles[i])) {
			*out = (enum token_role)i;
			return true;
		}
	}
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next line off *rest, without its end. */
static struct span next_line(struct span *rest)
{
	const char *end = memchr(rest->at, '\n', rest->len);
	size_t len = end ? (size_t)(end - rest->at) : rest->len;
	size_t taken = end ? len + 1 : len;
	struct span line = span_of(rest->at, len);

	rest->at += taken;
	rest->len -= taken;
	return line;
}

static size_t split_words(struct span line, struct span words[WORDS_MAX])
{
	size_t count = 0;
	size_t at = 0;

	while (count < WORDS_MAX) {
		size_t begin;

		while (at < line.len && is_blank(line.at[at]))
			at++;
		if (at == line.len)
			break;
		begin = at;
		while (at < line.len && !is_blank(line.at[at]))
			at++;
		words[count++] = span_of(line.at + begin, at - begin);
	}
	return count;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hash_read(struct span hex, uint8_t hash[32])
{
	if (hex.len != 64)
		return false;
	for (size_t i = 0; i < 32; i++) {
		int high = hex_digit(hex.at[2 * i]);
		int low = hex_digit(hex.at[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		hash[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* What is wrong with a line, or NULL; *out is its token then. */
static const char *token_read(struct arena *arena, const struct span *words, size_t count,
			      struct token *out)
{
	if (count != 3)
		return "expected `name role token`";
	if (!token_role_find(words[1], &out->role))
		return "the role must be client, viewer, publisher or operator";
	out->name = arena_text(arena, words[0]);
	out->secret = NULL;
	if (!span_begins(words[2], HASH_MARK)) {
		out->secret = arena_text(arena, words[2]);
		return NULL;
	}
	if (!hash_read(span_of(words[2].at + strlen(HASH_MARK), words[2].len - strlen(HASH_MARK)),
		       out->sha256))
		return "sha256: must be followed by 64 hexadecimal digits";
	return NULL;
}

static size_t count_lines(struct span text)
{
	size_t count = 1;

	for (size_t i = 0; i < text.len; i++)
		count += text.at[i] == '\n' ? 1 : 0;
	return count;
}

enum wsb_err token_file_parse(struct document *document, const char *path, struct span text,
			      struct place place, struct token_set *out)
{
	struct token_set set = {.file = path};

	set.tokens = arena_alloc(document->arena, count_lines(text), sizeof(*set.tokens));
	if (!set.tokens)
		return WSB_ENOMEM;
	for (size_t line = 1; text.len > 0; line++) {
		struct span words[WORDS_MAX];
		size_t count = split_words(next_line(&text), words);
		const char *problem;

		if (count == 0 || words[0].at[0] == '#')
			continue;
		problem = token_read(document->arena, words, count, &set.tokens[set.count]);
		if (problem)
			complain(document->complaints, place, "%.200s:%zu: %s", path, line,
				 problem);
		else
			set.count++;
	}
	*out = set;
	return arena_failed(document->arena) ? WSB_ENOMEM : WSB_OK;
}

enum wsb_err token_file_load(struct document *document, const char *path, struct place place,
			     struct token_set *out, char *why, size_t why_size)
{
	struct span text;
	enum wsb_err err = file_read(document->arena, path, TOKEN_FILE_BYTES_MAX, &text);
	size_t before = document->complaints->count;

	if (err == WSB_EIO)
		snprintf(why, why_size, "expected a readable file (%s)", strerror(errno));
	if (err == WSB_ELIMIT)
		snprintf(why, why_size, "the token file is too large");
	if (err != WSB_OK)
		return err == WSB_ENOMEM ? err : WSB_EINVAL;
	if (memchr(text.at, '\0', text.len)) {
		snprintf(why, why_size, "the token file holds a NUL byte");
		return WSB_EINVAL;
	}
	err = token_file_parse(document, path, text, place, out);
	if (err == WSB_OK && out->count == 0 && document->complaints->count == before) {
		snprintf(why, why_size, "the token file holds no token");
		return WSB_EINVAL;
	}
	return err;
}
