#include <criterion/criterion.h>
#include "common/glob.h"
#include "common/rng.h"

static bool match(const char *pattern, const char *text)
{
	return glob_match(span_text(pattern), span_text(text));
}

Test(glob, literal_text_matches_itself_whole)
{
	cr_assert(match("", ""));
	cr_assert(match("eth_call", "eth_call"));
	cr_assert_not(match("eth_call", "eth_cal"));
	cr_assert_not(match("eth_call", "eth_calls"));
	cr_assert_not(match("", "a"));
	cr_assert_not(match("a", ""));
}

Test(glob, star_takes_any_run)
{
	cr_assert(match("*", ""));
	cr_assert(match("**", "anything"));
	cr_assert(match("property.*", "property."));
	cr_assert(match("property.*", "property.get"));
	cr_assert(match("*.get", "a.b.get"));
	cr_assert(match("a*b*c", "axxbyyc"));
	cr_assert(match("a*b*c", "abbbc"));
	cr_assert_not(match("a*b*c", "axxbyy"));
	cr_assert_not(match("*.get", "get"));
}

Test(glob, question_mark_takes_exactly_one)
{
	cr_assert(match("?", "a"));
	cr_assert_not(match("?", ""));
	cr_assert_not(match("?", "ab"));
	cr_assert(match("*?", "a"));
	cr_assert_not(match("*?", ""));
}

Test(glob, backslash_takes_the_next_literally)
{
	cr_assert(match("a\\*b", "a*b"));
	cr_assert_not(match("a\\*b", "axb"));
	cr_assert(match("\\?", "?"));
	cr_assert_not(match("\\?", "x"));
	cr_assert(match("\\\\", "\\"));
	cr_assert(match("a\\", "a\\"));
	cr_assert(match("*\\*", "ab*"));
}

Test(glob, works_on_bytes)
{
	cr_assert(glob_match(span_of("a\0*", 3), span_of("a\0b", 3)));
	cr_assert_not(glob_match(span_of("a\0", 2), span_of("a", 1)));
	cr_assert(match("??", "\xc3\xa9"));
}

Test(glob, many_stars_stay_cheap, .timeout = 5)
{
	static const char pattern[] = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
	char text[20000];

	memset(text, 'a', sizeof(text));
	cr_assert_not(glob_match(span_text(pattern), span_of(text, sizeof(text))));
}

static bool naive(const char *pattern, const char *text)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*')
		return naive(pattern + 1, text) || (*text && naive(pattern, text + 1));
	return *text && (*pattern == '?' || *pattern == *text) && naive(pattern + 1, text + 1);
}

Test(glob, agrees_with_the_obvious_recursion)
{
	struct rng rng;

	rng_init(&rng, 11);
	for (int round = 0; round < 20000; round++) {
		char pattern[8] = "", text[10] = "";

		for (uint64_t i = rng_below(&rng, sizeof(pattern)); i > 0; i--)
			pattern[i - 1] = "ab*?"[rng_below(&rng, 4)];
		for (uint64_t i = rng_below(&rng, sizeof(text)); i > 0; i--)
			text[i - 1] = "ab"[rng_below(&rng, 2)];
		cr_assert_eq(match(pattern, text), naive(pattern, text), "%s on %s", pattern, text);
	}
}

Test(glob, knows_the_pattern_that_matches_one_text)
{
	static const struct {
		const char *pattern;
		bool plain;
		const char *literal; /* NULL: several texts match */
	} cases[] = {
		{"", true, ""},
		{"property:42", true, "property:42"},
		{"a*", false, NULL},
		{"a?", false, NULL},
		{"a\\*", false, "a*"},
		{"\\?\\\\", false, "?\\"},
		{"a\\", false, "a\\"},
		{"\\a*", false, NULL},
		{"a\\bcdefgh", false, NULL}, /* does not fit */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buf[7];
		struct span pattern = span_text(cases[i].pattern);
		struct span literal = glob_literal(pattern, buf, sizeof(buf));

		cr_assert_eq(glob_is_plain(pattern), cases[i].plain, "%s", cases[i].pattern);
		cr_assert_eq(literal.at != NULL, cases[i].literal != NULL, "%s", cases[i].pattern);
		if (cases[i].literal)
			cr_assert(span_is(literal, cases[i].literal), "%s", cases[i].pattern);
	}
}
