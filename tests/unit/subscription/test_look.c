/* Ids that look like the upstream's and are nobody else's. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "broker/subscription/look.h"
#include "proto/token.h"

static void mint_begin(struct mint *mint)
{
	struct rng rng;

	rng_init(&rng, 11);
	mint_init(mint, &rng);
}

Test(look, ids_look_like_the_first)
{
	static const struct {
		const char *token;
		enum look_kind kind;
		size_t len; /* of the JSON token; 0: a number */
	} table[] = {
		{"7", LOOK_NUMBER, 0},
		{"\"0x1\"", LOOK_HEX, 20},
		{"\"0x9cef478923ff08bf67fde6c64013158d\"", LOOK_HEX, 36},
		{"\"0xZZ\"", LOOK_TEXT, 18},
		{"\"0x\"", LOOK_TEXT, 18},
		{"\"4711\"", LOOK_DECIMAL, 18},
		{"\"550e8400-e29b-41d4-a716-446655440000\"", LOOK_UUID, 38},
		{"\"550e8400-e29b-41d4-a716-44665544000\"", LOOK_TEXT, 37},
		{"\"Xk3dAsdo2kQpqpzr\"", LOOK_TEXT, 18},
		{"\"\"", LOOK_TEXT, 18},
	};
	struct mint mint;

	mint_begin(&mint);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct look look = look_of(ENCODING_JSON, span_text(table[i].token));
		struct own_token own;
		struct span json;

		mint_make(&mint, &look, &own);
		json = own_token_span(&own, ENCODING_JSON);
		cr_assert_eq(look.kind, table[i].kind, "%s", table[i].token);
		if (table[i].len)
			cr_assert_eq(json.len, table[i].len, "%s: %.*s", table[i].token,
				     (int)json.len, json.at);
		/* What is made looks like what it was made after. */
		cr_assert_eq(look_of(ENCODING_JSON, json).kind, table[i].kind, "%.*s",
			     (int)json.len, json.at);
		/* And is the same in MessagePack. */
		cr_assert(
			token_equal(ENCODING_MSGPACK, own_token_span(&own, ENCODING_MSGPACK), json),
			"%.*s", (int)json.len, json.at);
	}
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, OWN_TOKEN_MAX);
}

Test(look, no_id_comes_twice)
{
	static const char *const tokens[] = {"1", "\"0x1\"", "\"1\"",
					     "\"550e8400-e29b-41d4-a716-446655440000\""};
	enum { COUNT = 50000 };
	static char ids[COUNT][OWN_TOKEN_MAX];

	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		struct look look = look_of(ENCODING_JSON, span_text(tokens[i]));
		struct mint mint;

		mint_begin(&mint);
		for (size_t n = 0; n < COUNT; n++) {
			struct own_token own;

			mint_make(&mint, &look, &own);
			memset(ids[n], 0, OWN_TOKEN_MAX);
			memcpy(ids[n], own.text[ENCODING_JSON], own.len[ENCODING_JSON]);
		}
		qsort(ids, COUNT, OWN_TOKEN_MAX, compare);
		for (size_t n = 1; n < COUNT; n++)
			cr_assert_neq(compare(ids[n - 1], ids[n]), 0, "%s", ids[n]);
	}
}

Test(look, a_foreign_token_is_kept_in_both_encodings)
{
	struct own_token own;
	char longer[OWN_TOKEN_MAX + 1];

	own_token_copy(&own, ENCODING_JSON, span_text("\"a\\n\""));
	cr_assert(span_is(own_token_span(&own, ENCODING_JSON), "\"a\\n\""));
	cr_assert(span_is(own_token_span(&own, ENCODING_MSGPACK), "\xa2"
								  "a\n"));
	own_token_copy(&own, ENCODING_JSON, span_text("123456789012345678901234567890"));
	cr_assert_not_null(own_token_span(&own, ENCODING_JSON).at);
	cr_assert_null(own_token_span(&own, ENCODING_MSGPACK).at);
	memset(longer, '1', sizeof(longer));
	own_token_copy(&own, ENCODING_JSON, span_of(longer, sizeof(longer)));
	cr_assert_null(own_token_span(&own, ENCODING_JSON).at);
}
