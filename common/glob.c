#include "common/glob.h"

/* Whether the pattern's element at p, a star excepted, takes the character; *next is where the
 * pattern goes on. A \ at the very end stands for itself. */
static bool element_takes(struct span pattern, size_t p, char c, size_t *next)
{
	char wanted = pattern.at[p];

	*next = p + 1;
	if (wanted == '?')
		return true;
	if (wanted == '\\' && p + 1 < pattern.len) {
		wanted = pattern.at[p + 1];
		*next = p + 2;
	}
	return wanted == c;
}

/* Only the last star met has to be tried again: whatever an earlier one could give to the text in
 * between, the later one can take instead. */
bool glob_match(struct span pattern, struct span text)
{
	size_t p = 0;
	size_t t = 0;
	size_t after_star = 0;
	size_t star_end = 0;
	bool star = false;

	while (t < text.len) {
		size_t next;

		if (p < pattern.len && pattern.at[p] == '*') {
			star = true;
			after_star = ++p;
			star_end = t;
		} else if (p < pattern.len && element_takes(pattern, p, text.at[t], &next)) {
			p = next;
			t++;
		} else if (star) {
			p = after_star;
			t = ++star_end;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

static bool is_special(char c)
{
	return c == '*' || c == '?' || c == '\\';
}

bool glob_is_plain(struct span pattern)
{
	for (size_t i = 0; i < pattern.len; i++)
		if (is_special(pattern.at[i]))
			return false;
	return true;
}

struct span glob_literal(struct span pattern, char *buf, size_t size)
{
	size_t len = 0;

	if (glob_is_plain(pattern))
		return pattern;
	for (size_t i = 0; i < pattern.len; i++) {
		char c = pattern.at[i];

		if (c == '*' || c == '?' || len == size)
			return span_of(NULL, 0);
		if (c == '\\' && i + 1 < pattern.len)
			c = pattern.at[++i];
		buf[len++] = c;
	}
	return span_of(buf, len);
}
