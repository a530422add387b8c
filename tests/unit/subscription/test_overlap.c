/* What is handed on while events come on two ways. Old events are small letters, new ones capitals:
 * a and A are the same event. */
#include <criterion/criterion.h>
#include <ctype.h>

#include "broker/subscription/overlap.h"

struct row {
	const char *come;
	const char *handed_on; /* small letters */
	bool joined;
	bool pending;
};

static const struct row rows[] = {
	{"", "", false, false},		  {"abc", "abc", false, true},
	{"ABC", "abc", false, false},	  {"aA", "a", true, false},
	{"Aa", "a", true, false},	  {"abcABCD", "abcd", true, false}, /* the old one ahead */
	{"ABCabcD", "abcd", true, false},				    /* the new one ahead */
	{"abBcCD", "abcd", true, false}, /* the new one began behind a */
	{"aBbcCd", "abcd", true, true},	 /* what only the old one brought stays */
	{"abcC", "abc", true, false},	 /* what stands before a pair will not come any more */
	{"abAB", "ab", true, false},	  {"aXb", "axb", false, true}, /* each has its own */
	{"aaA", "aaa", false, false}, /* events that look alike prove nothing */
	{"aAaA", "aa", true, false},
};

Test(overlap, each_event_is_handed_on_once)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct overlap overlap;
		char handed_on[64] = "";
		size_t count = 0;

		overlap_init(&overlap);
		for (const char *at = row->come; *at; at++) {
			enum overlap_side side =
				isupper((unsigned char)*at) ? OVERLAP_NEW : OVERLAP_OLD;
			char event = (char)tolower((unsigned char)*at);

			if (!overlap_is_repeated(&overlap, side, (uint64_t)event))
				handed_on[count++] = event;
		}
		cr_assert_str_eq(handed_on, row->handed_on, "%s", row->come);
		cr_assert_eq(overlap.joined, row->joined, "%s", row->come);
		cr_assert_eq(overlap_is_pending(&overlap), row->pending, "%s", row->come);
	}
}

Test(overlap, many_events_push_out_the_oldest)
{
	struct overlap overlap;

	overlap_init(&overlap);
	for (uint64_t i = 0; i < OVERLAP_EVENTS + 10; i++)
		cr_assert(!overlap_is_repeated(&overlap, OVERLAP_OLD, i));
	cr_assert(!overlap_is_repeated(&overlap, OVERLAP_NEW, 9), "it was forgotten");
	cr_assert(overlap_is_repeated(&overlap, OVERLAP_NEW, 10));
	cr_assert(overlap.joined);
}
