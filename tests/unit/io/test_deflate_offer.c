#include <criterion/criterion.h>
#include "broker/io/deflate_offer.h"

#define BARE "permessage-deflate"
#define BASE BARE "; server_no_context_takeover; client_no_context_takeover"

/* NULL: declined. */
static const struct {
	const char *offers, *answer;
} cases[] = {
	{"", NULL},
	{"x", NULL},
	{"x-webkit-deflate-frame", NULL},
	{BARE, BASE},
	{"PerMessage-Deflate", BASE},
	{" \t" BARE "\t ", BASE},
	{BARE "; client_max_window_bits", BASE},
	{BARE ";client_max_window_bits=8;server_no_context_takeover", BASE},
	{BARE "; client_no_context_takeover; server_no_context_takeover", BASE},
	{BARE "; server_max_window_bits=15", BASE "; server_max_window_bits=15"},
	{BARE "; server_max_window_bits=9", BASE "; server_max_window_bits=9"},
	{BARE "; server_max_window_bits=\"10\"", BASE "; server_max_window_bits=10"},
	/* zlib cannot. */
	{BARE "; server_max_window_bits=8", NULL},
	{BARE "; server_max_window_bits=7", NULL},
	{BARE "; server_max_window_bits=16", NULL},
	{BARE "; server_max_window_bits=09", NULL},
	{BARE "; server_max_window_bits=1o", NULL},
	{BARE "; server_max_window_bits=100", NULL},
	{BARE "; server_max_window_bits", NULL},
	{BARE "; server_max_window_bits=", NULL},
	{BARE "; client_max_window_bits=16", NULL},
	{BARE "; client_no_context_takeover=1", NULL},
	{BARE "; server_no_context_takeover=true", NULL},
	{BARE "; unknown", NULL},
	{BARE "; client_max_window_bits; client_max_window_bits", NULL},
	{BARE "; server_max_window_bits=10; server_max_window_bits=10", NULL},
	/* The next one that fits is taken, whatever stands before. */
	{BARE "; unknown, " BARE, BASE},
	{"foo; a=\"b, " BARE "\", " BARE "; server_max_window_bits=12",
	 BASE "; server_max_window_bits=12"},
	{"foo; a=\"b\\\"c\"," BARE, BASE},
	{BARE "; server_max_window_bits=8, " BARE "; client_max_window_bits", BASE},
	{",, " BARE " ,", BASE},
	/* What cannot be read offers nothing. */
	{"foo; a=\"b, " BARE, NULL},
	{"foo; =b, " BARE, NULL},
	{"foo bar, " BARE, NULL},
	{"; " BARE, NULL},
	{BARE ";", NULL},
	{BARE "/", NULL},
};

Test(deflate_offer, what_is_taken_of_an_offer)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct deflate_terms terms = deflate_offer_choose(span_text(cases[i].offers));
		char answer[DEFLATE_ANSWER_MAX];

		cr_expect_eq(terms.window_bits != 0, cases[i].answer != NULL, "%s",
			     cases[i].offers);
		if (terms.window_bits == 0 || !cases[i].answer)
			continue;
		deflate_offer_answer(terms, answer);
		cr_expect_str_eq(answer, cases[i].answer, "%s: %s", cases[i].offers, answer);
	}
}

Test(deflate_offer, no_header_offers_nothing)
{
	cr_expect_eq(deflate_offer_choose(span_of(NULL, 0)).window_bits, 0);
}
