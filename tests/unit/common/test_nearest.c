#include <criterion/criterion.h>
#include <stdint.h>
#include "common/nearest.h"

static size_t distance(const char *a, const char *b)
{
	return nearest_distance(span_text(a), span_text(b));
}

Test(nearest, distances)
{
	cr_expect_eq(distance("", ""), 0);
	cr_expect_eq(distance("abc", "abc"), 0);
	cr_expect_eq(distance("abc", ""), 3);
	cr_expect_eq(distance("", "abc"), 3);
	cr_expect_eq(distance("kitten", "sitting"), 3);
	cr_expect_eq(distance("lsiten", "listen"), 1);
	cr_expect_eq(distance("ab", "ba"), 1);
	cr_expect_eq(distance("abcdef", "badcfe"), 3);
	cr_expect_eq(distance("sise", "size"), 1);
}

Test(nearest, is_symmetric)
{
	static const char *const words[] = {"", "a", "ab", "ba", "abc", "size", "sise", "queue"};

	for (size_t i = 0; i < 8; i++) {
		for (size_t j = 0; j < 8; j++)
			cr_expect_eq(distance(words[i], words[j]), distance(words[j], words[i]));
	}
}

Test(nearest, long_words_are_near_nothing)
{
	char word[NEAREST_WORD_MAX + 2];

	memset(word, 'a', sizeof(word));
	cr_expect_eq(
		nearest_distance(span_of(word, NEAREST_WORD_MAX), span_of(word, NEAREST_WORD_MAX)),
		0);
	cr_expect_eq(nearest_distance(span_of(word, NEAREST_WORD_MAX + 1), span_text("a")),
		     SIZE_MAX);
}

Test(nearest, a_word_that_would_change_wholly_is_near_nothing)
{
	struct nearest nearest;

	nearest_init(&nearest, span_text("x"));
	nearest_offer(&nearest, span_text("o"));
	cr_expect_null(nearest.best.at);
	nearest_offer(&nearest, span_text("x"));
	cr_expect_not_null(nearest.best.at);
	nearest_init(&nearest, span_text(""));
	nearest_offer(&nearest, span_text("x"));
	cr_expect_null(nearest.best.at);
}

Test(nearest, offers_the_best_that_is_near_enough)
{
	struct nearest nearest;
	struct strbuf text;

	strbuf_init(&text);
	nearest_init(&nearest, span_text("max_in_fligt"));
	nearest_offer(&nearest, span_text("max"));
	nearest_suggest(&nearest, &text);
	cr_expect_eq(text.len, 0);
	nearest_offer(&nearest, span_text("max_in_flight"));
	nearest_offer(&nearest, span_text("min_in_flight"));
	nearest_suggest(&nearest, &text);
	cr_expect_str_eq(text.text, " (did you mean “max_in_flight”?)");
	strbuf_fini(&text);
}
