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
