#include <criterion/criterion.h>
#include "proto/position.h"

Test(position, writes_what_it_reads)
{
	static const struct {
		const char *text;
		struct position position;
	} cases[] = {
		{"1763795520123-4711", {UINT64_C(1763795520123), 4711}},
		{"1-0", {1, 0}},
		{"18446744073709551615-18446744073709551615", {UINT64_MAX, UINT64_MAX}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct position position = {0};
		char text[POSITION_TEXT_MAX];

		cr_assert(position_read(span_text(cases[i].text), &position), "%s", cases[i].text);
		cr_assert(position_equal(position, cases[i].position), "%s", cases[i].text);
		cr_assert_eq(position_write(position, text), strlen(cases[i].text));
		cr_assert_str_eq(text, cases[i].text);
	}
}

Test(position, reads_nothing_else)
{
	static const char *const cases[] = {
		"",
		"-",
		"1",
		"1-",
		"-1",
		"1--1",
		"1-1-",
		"+1-1",
		"1-+1",
		" 1-1",
		"1-1 ",
		"01-1",
		"1-01",
		"0-1",
		"0-0",
		"1_1",
		"a-1",
		"1-a",
		"1.0-1",
		"*",
		"$",
		"18446744073709551616-1",
		"1-18446744073709551616",
		"99999999999999999999999-1",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct position position = {7, 7};

		cr_assert_not(position_read(span_text(cases[i]), &position), "%s", cases[i]);
		cr_assert(position.epoch == 7 && position.seq == 7, "%s", cases[i]);
	}
}

Test(position, orders_by_epoch_first)
{
	cr_assert(position_before((struct position){1, 9}, (struct position){2, 1}));
	cr_assert(position_before((struct position){2, 1}, (struct position){2, 2}));
	cr_assert_not(position_before((struct position){2, 2}, (struct position){2, 2}));
	cr_assert_not(position_before((struct position){3, 1}, (struct position){2, 2}));
	cr_assert_not(position_is_set((struct position){0}));
}
