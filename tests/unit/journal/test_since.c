#include <criterion/criterion.h>
#include <stdio.h>
#include "broker/journal/since.h"

#define EPOCH	UINT64_C(1700000000000)
#define WALL_US UINT64_C(1700000600000000)

/* Ten events, one a minute, the first when the log began. */
static struct journal *made(void)
{
	struct journal *journal;

	cr_assert_eq(journal_create(&journal, EPOCH, 1), WSB_OK);
	for (unsigned i = 0; i < 10; i++) {
		struct event event = {.source = span_text("s"),
				      .id = span_text("i"),
				      .time_us = EPOCH * 1000 + i * UINT64_C(60000000)};

		cr_assert_eq(journal_append(journal, &event, NULL), WSB_OK);
	}
	return journal;
}

Test(since, is_a_place_or_a_time)
{
	static const struct {
		const char *text;
		enum since verdict;
		uint64_t left; /* events from there on */
	} cases[] = {
		{"1700000000000-0", SINCE_WHOLE, 10},
		{"1700000000000-7", SINCE_WHOLE, 3},
		{"1700000000000-10", SINCE_WHOLE, 0},
		{"1700000000000-11", SINCE_HOLE, 0},
		{"1600000000000-3", SINCE_HOLE, 0},
		{"start", SINCE_WHOLE, 10},
		{"150s", SINCE_WHOLE, 2},
		{"1h", SINCE_WHOLE, 10},
		{"9d", SINCE_WHOLE, 10},
		{"1000000h", SINCE_INVALID, 0},
		{"0", SINCE_WHOLE, 0},
		{"2023-11-14T22:22:00Z", SINCE_WHOLE, 1},
		{"", SINCE_INVALID, 0},
		{"now", SINCE_INVALID, 0},
		{"1700000000000", SINCE_INVALID, 0},
		{"17-", SINCE_INVALID, 0},
		{"-5m", SINCE_INVALID, 0},
	};
	struct journal *journal = made();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		journal_cursor cursor = 777;

		cr_assert_eq(since_find(journal, span_text(cases[i].text), WALL_US, &cursor),
			     cases[i].verdict, "%s", cases[i].text);
		if (cases[i].verdict == SINCE_INVALID)
			cr_assert_eq(cursor, 777, "%s", cases[i].text);
		else
			cr_assert_eq(journal_end(journal) - cursor, cases[i].left, "%s",
				     cases[i].text);
	}
	journal_destroy(journal);
}
