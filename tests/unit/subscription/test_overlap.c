/* What is handed on while events come on two ways. Old events are small letters, new ones capitals:
 * a and A are the same event. Behind a > the new way is the old one, and there is another new one.
 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>

#include "broker/subscription/overlap.h"

struct row {
	const char *come;
	const char *handed_on; /* as they came; what waits at the end in brackets */
	bool joined;
	bool pending;
};

static const struct row rows[] = {
	{"", "", false, false},
	{"abc", "abc", false, false},
	{"ABC", "(ABC)", false, false},
	{"aA", "a", true, false},
	{"Aa", "A", true, false},
	{"abcABCD", "abcD", true, false}, /* the old one ahead */
	{"ABCaD", "ABCD", true, false},	  /* the new one ahead: what waited goes at once */
	{"abBcCD", "abCD", true, false},  /* from the meeting on the old one does not count */
	{"abcB", "abc", true, true},	  /* c may still be repeated */
	{"abcBD", "abcD", true, true},
	{"aXb", "ab(X)", false, false},
	{"aXbB", "abX", true, false},	/* what only the new one brought is not lost */
	{"aaA", "aa(A)", false, false}, /* events that look alike never meet */
	{"aAAA", "aAA", true, false},	/* once met, they are the new one's affair */
	{"AAa", "a(AA)", false, false},
	{"abcB>cd", "abcd", false, false}, /* c was handed on before the second move */
	{"abcB>cC", "abc", true, false},   /* the third one is known to join by it */
	{"abcB>CD", "abcD", true, false},  /* though the second never came to it */
	{"abcdeB>dEF", "abcdeF", true, false},
	{"abcdeB>ceCDEF", "abcdeF", true, false}, /* the third one is behind both */
	{"abcB>DcdE", "abcDE", true, false},
	{"abcB>cc", "abcc", false, false}, /* not the same once more */
	{"abc|CdD", "abcd", true, false},  /* the new one brings first what came before */
	{"abc|BCdD", "abcd", true, false},
	{"abc|CDdE", "abcDE", true, false},
	{"abc|BdD", "abcdB", true, false}, /* it does not go on where the past ends */
	{"abc|CXdD", "abcdX", true, false},
	{"abcdB>BCD", "abcd", true, false},   /* the third one is behind the second one's place */
	{"abcdB>cC>d", "abcd", false, false}, /* d is owed across two moves */
};

static const struct overlap_past nothing;

static void show(char *out, size_t *count, struct overlap *overlap)
{
	struct overlap_event *event;

	while ((event = overlap_take(overlap))) {
		out[(*count)++] = event->text[0];
		free(event);
	}
}

Test(overlap, each_event_is_handed_on_once)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct overlap_past past = nothing;
		struct overlap overlap;
		char handed_on[64] = "";
		size_t count = 0;

		overlap_init(&overlap, &nothing);
		for (const char *at = row->come; *at; at++) {
			bool is_new = isupper((unsigned char)*at);

			if (*at == '>') {
				overlap_go_on(&overlap, &past);
				continue;
			}
			if (*at == '|') {
				overlap_fini(&overlap);
				overlap_init(&overlap, &past);
				continue;
			}
			switch (overlap_judge(&overlap, is_new ? OVERLAP_NEW : OVERLAP_OLD,
					      (uint64_t)tolower((unsigned char)*at))) {
			case OVERLAP_HAND_ON:
				handed_on[count++] = *at;
				overlap_past_add(&past, (uint64_t)tolower((unsigned char)*at));
				break;
			case OVERLAP_WAIT:
				cr_assert(overlap_keep(&overlap, ENCODING_JSON, 1, span_of(at, 1)));
				break;
			case OVERLAP_MEET:
				show(handed_on, &count, &overlap);
				break;
			case OVERLAP_REPEAT:
				break;
			}
		}
		cr_assert_eq(overlap.joined, row->joined, "%s", row->come);
		cr_assert_eq(overlap_is_pending(&overlap), row->pending, "%s", row->come);
		if (!list_is_empty(&overlap.waiting)) {
			handed_on[count++] = '(';
			show(handed_on, &count, &overlap);
			handed_on[count++] = ')';
		}
		cr_assert_str_eq(handed_on, row->handed_on, "%s", row->come);
		cr_assert_eq(overlap.bytes, 0);
		overlap_fini(&overlap);
	}
}

Test(overlap, many_events_push_out_the_oldest)
{
	struct overlap overlap;

	overlap_init(&overlap, &nothing);
	for (uint64_t i = 0; i < OVERLAP_EVENTS + 10; i++)
		cr_assert_eq(overlap_judge(&overlap, OVERLAP_OLD, i), OVERLAP_HAND_ON);
	cr_assert_eq(overlap_judge(&overlap, OVERLAP_NEW, 9), OVERLAP_WAIT, "it was forgotten");
	cr_assert_eq(overlap_judge(&overlap, OVERLAP_NEW, 10), OVERLAP_MEET);
	overlap_fini(&overlap);
}

Test(overlap, what_waits_is_bounded)
{
	static char text[100000];
	struct overlap overlap;
	int kept = 0;

	overlap_init(&overlap, &nothing);
	while (kept < 1000 && overlap_keep(&overlap, ENCODING_JSON, 1, span_of(text, 1)))
		kept++;
	cr_assert_eq(kept, OVERLAP_EVENTS);
	overlap_fini(&overlap);
	for (kept = 0; overlap_keep(&overlap, ENCODING_JSON, 1, span_of(text, sizeof(text)));)
		kept++;
	cr_assert_eq(kept, 10);
	overlap_fini(&overlap);
}

Test(overlap, given_up_only_the_new_side_counts)
{
	struct overlap overlap;

	overlap_init(&overlap, &nothing);
	overlap_judge(&overlap, OVERLAP_OLD, 1);
	overlap_judge(&overlap, OVERLAP_OLD, 2);
	overlap_give_up(&overlap);
	/* It was behind. */
	cr_assert_eq(overlap_judge(&overlap, OVERLAP_NEW, 2), OVERLAP_REPEAT);
	cr_assert_eq(overlap_judge(&overlap, OVERLAP_NEW, 3), OVERLAP_HAND_ON);
	cr_assert_eq(overlap_judge(&overlap, OVERLAP_OLD, 3), OVERLAP_REPEAT);
	overlap_fini(&overlap);
}

Test(overlap, given_up_events_that_look_alike_are_handed_on)
{
	struct overlap overlap;

	overlap_init(&overlap, &nothing);
	overlap_judge(&overlap, OVERLAP_OLD, 1);
	overlap_judge(&overlap, OVERLAP_OLD, 1);
	overlap_give_up(&overlap);
	cr_assert_eq(overlap_judge(&overlap, OVERLAP_NEW, 1), OVERLAP_HAND_ON);
	overlap_fini(&overlap);
}
