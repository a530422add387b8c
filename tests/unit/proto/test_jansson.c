#include <criterion/criterion.h>
#include <jansson.h>
#include "common/rng.h"
#include "common/strbuf.h"
#include "proto/json_scan.h"
#include "tests/unit/proto/exact.h"
#include "tests/unit/proto/json_rejected.h"

/* jansson as a judge. It differs from us in four things, tested below: numbers that no double
 * holds, NUL in a member's name, how deep texts may nest, and a NUL byte behind a number, which RFC
 * 8259 allows as little as any other. */

static bool ours(struct span text)
{
	const struct span exact = exact_copy(text);
	const bool valid = json_scan_is_valid(exact);

	exact_free(exact);
	return valid;
}

/* Returns whether jansson accepts; *differs says that it refuses for one of its own reasons. */
static bool theirs(struct span text, bool *differs)
{
	json_error_t error;
	json_t *tree =
		json_loadb(text.at, text.len,
			   JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
	const bool accepts = tree != NULL;

	*differs = !accepts && (json_error_code(&error) == json_error_numeric_overflow ||
				json_error_code(&error) == json_error_null_byte_in_key);
	json_decref(tree);
	return accepts;
}

static void compare(struct span text)
{
	bool differs;
	const bool accepts = theirs(text, &differs);

	if (memchr(text.at, '\0', text.len))
		cr_assert(!ours(text));
	else if (!differs)
		cr_assert_eq(ours(text), accepts, "%.*s", (int)text.len, text.at);
}

Test(jansson, agrees_on_the_corpus)
{
	for (size_t i = 0; i < JSON_ACCEPTED; i++)
		compare(json_accepted[i]);
	for (size_t i = 0; i < JSON_REJECTED; i++)
		compare(json_rejected[i]);
}

Test(jansson, differs_on_numbers_beyond_doubles)
{
	bool differs;

	cr_assert(!theirs(span_text("[1e400]"), &differs) && differs);
	cr_assert(ours(span_text("[1e400]")));
}

Test(jansson, differs_on_nul_in_a_name)
{
	bool differs;

	cr_assert(!theirs(span_text("{\"\\u0000\":1}"), &differs) && differs);
	cr_assert(ours(span_text("{\"\\u0000\":1}")));
}

Test(jansson, differs_on_a_nul_byte_behind_a_number)
{
	bool differs;

	cr_assert(theirs(span_of("[1\0]", 4), &differs));
	cr_assert(!ours(span_of("[1\0]", 4)));
}

Test(jansson, differs_on_depth)
{
	char text[1026];
	bool differs;

	memset(text, '[', 513);
	memset(text + 513, ']', 513);
	cr_assert(theirs(span_of(text, sizeof(text)), &differs));
	cr_assert(!ours(span_of(text, sizeof(text))));
}

static void mutate(struct rng *rng, struct strbuf *text)
{
	static const char interesting[] =
		"{}[],:\"\\u0dD8-+.eE129tfn \n\x1f\x7f\x80\xc3\xed\xf0\xff";
	const uint64_t edits = 1 + rng_below(rng, 4);

	for (uint64_t i = 0; i < edits && text->len > 0; i++) {
		char *const at = text->text + rng_below(rng, text->len);
		const char byte = interesting[rng_below(rng, sizeof(interesting))];

		switch (rng_below(rng, 4)) {
		case 0:
			*at = byte;
			break;
		case 1:
			*at = (char)rng_next(rng);
			break;
		case 2:
			memmove(at, at + 1, text->len - (size_t)(at + 1 - text->text));
			text->len--;
			break;
		default:
			strbuf_add(text, span_of(&byte, 1));
		}
	}
}

Test(jansson, agrees_on_what_mutation_makes_of_the_corpus)
{
	struct strbuf text;
	struct rng rng;

	rng_init(&rng, 8259);
	strbuf_init(&text);
	for (int round = 0; round < 2000; round++) {
		for (size_t i = 0; i < JSON_ACCEPTED; i++) {
			strbuf_clear(&text);
			strbuf_add(&text, json_accepted[i]);
			mutate(&rng, &text);
			compare(strbuf_span(&text));
		}
	}
	strbuf_fini(&text);
}
