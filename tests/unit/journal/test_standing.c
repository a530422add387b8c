#include <criterion/criterion.h>
#include "broker/journal/standing.h"

static const struct {
	const char *what;
	struct position top, newest, own;
	bool is_there, is_same;
	enum standing standing;
} cases[] = {
	{"empty, new reader", {0}, {0}, {0}, false, false, STANDING_RENUMBER},
	{"empty, old reader", {0}, {0}, {9, 3}, false, false, STANDING_RENUMBER},
	{"new reader", {9, 3}, {9, 3}, {0}, false, false, STANDING_FRESH},
	{"new reader, nothing logged", {9, 0}, {0}, {0}, false, false, STANDING_FRESH},
	{"nothing missed", {9, 3}, {9, 3}, {9, 3}, true, true, STANDING_WHOLE},
	{"some missed", {9, 30}, {9, 30}, {9, 3}, true, true, STANDING_WHOLE},
	{"nothing read yet", {9, 30}, {9, 30}, {9, 0}, false, false, STANDING_WHOLE},
	{"trimmed", {9, 30}, {9, 30}, {9, 3}, false, false, STANDING_HOLE},
	{"another event", {9, 30}, {9, 30}, {9, 3}, true, false, STANDING_RENUMBER},
	{"lost its tail", {9, 2}, {9, 2}, {9, 3}, false, false, STANDING_RENUMBER},
	{"renumbered by another", {10, 1}, {10, 1}, {9, 3}, false, false, STANDING_HOLE},
	{"an older epoch", {8, 90}, {8, 90}, {9, 3}, false, false, STANDING_RENUMBER},
	{"stream ahead", {9, 3}, {9, 4}, {9, 3}, true, true, STANDING_RENUMBER},
	{"stream of a later epoch", {9, 3}, {10, 1}, {9, 3}, true, true, STANDING_RENUMBER},
	{"stream ahead, new reader", {9, 3}, {9, 4}, {0}, false, false, STANDING_RENUMBER},
	{"no number is left",
	 {9, STANDING_NUMBER_MAX},
	 {9, STANDING_NUMBER_MAX},
	 {9, 3},
	 true,
	 true,
	 STANDING_RENUMBER},
	{"one number is left",
	 {9, STANDING_NUMBER_MAX - 1},
	 {9, 3},
	 {9, 3},
	 true,
	 true,
	 STANDING_WHOLE},
	{"stream emptied", {9, 3}, {0}, {9, 3}, false, false, STANDING_HOLE},
	{"stream emptied, as is known", {9, 3}, {0}, {9, 3}, false, true, STANDING_WHOLE},
	{"emptied, and more missed", {9, 4}, {0}, {9, 3}, false, true, STANDING_HOLE},
};

Test(standing, of_each_kind)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct look look = {.top = cases[i].top, .newest = cases[i].newest};

		look.own_event = cases[i].is_there ? span_text("x") : (struct span){0};
		cr_expect_eq(standing_judge(&look, cases[i].own, cases[i].is_same),
			     cases[i].standing, "%s", cases[i].what);
	}
}
