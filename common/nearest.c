#include "common/nearest.h"

#include <stdint.h>
#include <string.h>

static size_t least(size_t a, size_t b, size_t c)
{
	size_t low = a < b ? a : b;

	return low < c ? low : c;
}

size_t nearest_distance(struct span a, struct span b)
{
	/* Three rows of the table are enough: a swap looks two rows back. */
	size_t rows[3][NEAREST_WORD_MAX + 1];

	if (a.len > NEAREST_WORD_MAX || b.len > NEAREST_WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t cost = a.at[i - 1] == b.at[j - 1] ? 0 : 1;

			row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
			if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
			    a.at[i - 2] == b.at[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
	}
	return rows[a.len % 3][b.len];
}

void nearest_init(struct nearest *nearest, struct span word)
{
	size_t reach = word.len / 3;

	*nearest = (struct nearest){.word = word};
	nearest->distance = (reach < 1 ? 1 : reach > 3 ? 3 : reach) + 1;
}

void nearest_offer_as(struct nearest *nearest, struct span candidate, struct span told)
{
	size_t distance = nearest_distance(nearest->word, candidate);

	/* Of one that has no letter of the word left nobody was thinking. */
	if (distance < nearest->distance && distance < nearest->word.len) {
		nearest->distance = distance;
		nearest->best = told;
	}
}

void nearest_offer(struct nearest *nearest, struct span candidate)
{
	nearest_offer_as(nearest, candidate, candidate);
}

void nearest_suggest(const struct nearest *nearest, struct strbuf *out)
{
	if (nearest->best.at)
		strbuf_printf(out, " (did you mean “%.*s”?)", (int)nearest->best.len,
			      nearest->best.at);
}
