#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/journal/journal.h"

#define EPOCH UINT64_C(1763795520123)

static struct journal *made(void)
{
	struct journal *journal;

	cr_assert_eq(journal_create(&journal, EPOCH, 42), WSB_OK);
	return journal;
}

/* An event whose id and only tag are its number. */
static enum wsb_err append(struct journal *journal, unsigned number, struct position at,
			   struct position *numbered)
{
	char text[16];
	struct span tag = span_of(text, (size_t)snprintf(text, sizeof(text), "%u", number));
	struct event event = {.source = span_text("/wsbroker/a/1"),
			      .id = tag,
			      .time_us = number * UINT64_C(1000000),
			      .position = at,
			      .what = {.tags = &tag, .tag_count = 1},
			      .cause = span_text("call")};

	return journal_append(journal, &event, numbered);
}

static void append_many(struct journal *journal, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		cr_assert_eq(append(journal, i, (struct position){0}, NULL), WSB_OK);
}

static void append_resync(struct journal *journal, struct position at)
{
	struct event event = {.type = EVENT_RESYNC,
			      .source = span_text("/wsbroker/a/1"),
			      .id = span_text("resync"),
			      .position = at,
			      .cause = span_text("epoch")};

	cr_assert_eq(journal_append(journal, &event, NULL), WSB_OK);
}

/* The number of the next event, 0 for a resync; -1: there is none, -2: overtaken. */
static int next_number(const struct journal *journal, journal_cursor *cursor)
{
	const struct journal_entry *entry;
	enum wsb_err err = journal_next(journal, cursor, &entry);

	if (err != WSB_OK)
		return err == WSB_ENOENT ? -1 : -2;
	if (entry->event.type == EVENT_RESYNC)
		return 0;
	cr_assert_eq(entry->event.what.tag_count, 1);
	cr_assert(span_equal(entry->event.what.tags[0], entry->event.id));
	return (int)strtol(entry->json.at + strlen("{\"specversion\":\"1.0\",\"type\":"
						   "\"wsbroker.cache.invalidated.v1\",\"source\":"
						   "\"/wsbroker/a/1\",\"id\":\""),
			   NULL, 10);
}

static void check_rest(const struct journal *journal, journal_cursor cursor, const int *numbers,
		       size_t count)
{
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(next_number(journal, &cursor), numbers[i], "at %zu", i);
	cr_assert_eq(next_number(journal, &cursor), -1);
}
#define CHECK_REST(journal, cursor, ...)                                                           \
	check_rest(journal, cursor, (const int[]){__VA_ARGS__},                                    \
		   sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

Test(journal, numbers_from_one_without_a_bus)
{
	struct journal *journal = made();
	struct position at;

	cr_assert(position_equal(journal_top(journal), (struct position){EPOCH, 0}));
	cr_assert_eq(append(journal, 1, (struct position){0}, &at), WSB_OK);
	cr_assert(position_equal(at, (struct position){EPOCH, 1}));
	cr_assert_eq(append(journal, 2, (struct position){0}, &at), WSB_OK);
	cr_assert(position_equal(at, (struct position){EPOCH, 2}));
	cr_assert(position_equal(journal_top(journal), at));
	journal_destroy(journal);
}

Test(journal, holds_both_texts_of_an_event)
{
	struct journal *journal = made();
	const struct journal_entry *entry;
	struct event_held held;
	journal_cursor cursor;
	size_t before;

	append_many(journal, 1, 1);
	cr_assert(journal_since(journal, (struct position){EPOCH, 0}, &cursor));
	cr_assert_eq(journal_next(journal, &cursor, &entry), WSB_OK);
	cr_assert_eq(event_read(ENCODING_JSON, entry->json, &held), WSB_OK);
	cr_assert(position_equal(held.event.position, (struct position){EPOCH, 1}));
	event_held_fini(&held);
	before = journal_bytes(journal);
	cr_assert_eq(event_read(ENCODING_MSGPACK, journal_packed(journal, entry), &held), WSB_OK);
	cr_assert_gt(journal_bytes(journal), before);
	cr_assert_eq(journal_packed(journal, entry).at, journal_packed(journal, entry).at);
	cr_assert(position_equal(held.event.position, (struct position){EPOCH, 1}));
	event_held_fini(&held);
	journal_destroy(journal);
}

Test(journal, replays_what_came_after_a_position)
{
	struct journal *journal = made();
	journal_cursor cursor;

	append_many(journal, 1, 3);
	cr_assert(journal_since(journal, (struct position){EPOCH, 0}, &cursor));
	CHECK_REST(journal, cursor, 1, 2, 3);
	cr_assert(journal_since(journal, (struct position){EPOCH, 2}, &cursor));
	CHECK_REST(journal, cursor, 3);
	cr_assert(journal_since(journal, (struct position){EPOCH, 3}, &cursor));
	cr_assert_eq(cursor, journal_end(journal));
	cr_assert_eq(next_number(journal, &cursor), -1);
	append_many(journal, 4, 1);
	CHECK_REST(journal, cursor, 4);
	journal_destroy(journal);
}

Test(journal, finds_a_hole_where_it_knows_nothing)
{
	static const struct position unknown[] = {
		{EPOCH, 4},	{EPOCH, 1000},	{EPOCH - 1, 2}, {EPOCH + 1, 2},
		{EPOCH + 1, 0}, {EPOCH - 1, 0}, {1, 1},		{UINT64_MAX, UINT64_MAX},
	};
	struct journal *journal = made();

	append_many(journal, 1, 3);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		journal_cursor cursor;

		cr_assert_not(journal_since(journal, unknown[i], &cursor), "%zu", i);
		cr_assert_eq(cursor, journal_end(journal));
	}
	journal_destroy(journal);
}

Test(journal, forgets_the_oldest)
{
	struct journal *journal = made();
	journal_cursor cursor, slow;

	cr_assert(journal_since(journal, (struct position){EPOCH, 0}, &slow));
	append_many(journal, 1, JOURNAL_EVENTS_MAX + 5);
	cr_assert_eq(journal_count(journal), JOURNAL_EVENTS_MAX);
	cr_assert_not(journal_since(journal, (struct position){EPOCH, 4}, &cursor));
	/* Nothing is missing after the latest that was forgotten. */
	cr_assert(journal_since(journal, (struct position){EPOCH, 5}, &cursor));
	cr_assert_eq(next_number(journal, &cursor), 6);
	cr_assert_eq(next_number(journal, &slow), -2);
	cr_assert_not(journal_holds(journal, slow));
	cr_assert(journal_holds(journal, journal_end(journal)));
	cr_assert_not(journal_knows(journal, span_text("/wsbroker/a/1"), span_text("5")));
	cr_assert(journal_knows(journal, span_text("/wsbroker/a/1"), span_text("6")));
	journal_destroy(journal);
}

Test(journal, is_bounded_in_memory)
{
	struct journal *journal = made();
	struct span tags[EVENT_NAMES_MAX];
	struct event event = {.source = span_text("s"),
			      .id = span_text("i"),
			      .what = {.tags = tags, .tag_count = 100}};
	static char text[TAG_GLOB_BYTES_MAX];

	memset(text, 't', sizeof(text));
	for (size_t i = 0; i < 100; i++)
		tags[i] = span_of(text, sizeof(text));
	for (size_t i = 0; i < 1000; i++)
		cr_assert_eq(journal_append(journal, &event, NULL), WSB_OK);
	cr_assert_leq(journal_bytes(journal), JOURNAL_BYTES_MAX + (1U << 20));
	cr_assert_lt(journal_count(journal), 1000);
	cr_assert_gt(journal_count(journal), 100);
	journal_destroy(journal);
}

Test(journal, knows_an_event_by_source_and_id)
{
	struct journal *journal = made();

	append_many(journal, 1, 3);
	cr_assert(journal_knows(journal, span_text("/wsbroker/a/1"), span_text("2")));
	cr_assert_not(journal_knows(journal, span_text("/wsbroker/a/1"), span_text("4")));
	cr_assert_not(journal_knows(journal, span_text("/wsbroker/b/1"), span_text("2")));
	cr_assert_not(journal_knows(journal, span_text("/wsbroker/a/12"), span_text("")));
	journal_destroy(journal);
}

Test(journal, takes_the_positions_of_a_bus)
{
	struct journal *journal = made();
	struct position at = {EPOCH + 5, 100};
	journal_cursor cursor;

	journal_begin(journal, at);
	cr_assert_eq(append(journal, 1, at, NULL), WSB_EEXIST);
	cr_assert_eq(append(journal, 1, (struct position){EPOCH + 5, 101}, NULL), WSB_OK);
	cr_assert_eq(append(journal, 2, (struct position){EPOCH + 5, 101}, NULL), WSB_EEXIST);
	cr_assert_eq(append(journal, 2, (struct position){EPOCH + 4, 900}, NULL), WSB_EEXIST);
	cr_assert_eq(append(journal, 2, (struct position){EPOCH + 6, 1}, NULL), WSB_OK);
	cr_assert(journal_since(journal, at, &cursor));
	CHECK_REST(journal, cursor, 1, 2);
	cr_assert_not(journal_since(journal, (struct position){EPOCH + 5, 99}, &cursor));
	journal_destroy(journal);
}

Test(journal, passes_over_what_no_reader_is_to_see)
{
	struct journal *journal = made();
	journal_cursor cursor;

	append_many(journal, 1, 1);
	cr_assert_eq(journal_pass(journal, (struct position){EPOCH, 2}), WSB_OK);
	cr_assert_eq(journal_pass(journal, (struct position){EPOCH, 2}), WSB_EEXIST);
	append_many(journal, 3, 1);
	cr_assert(journal_since(journal, (struct position){EPOCH, 0}, &cursor));
	CHECK_REST(journal, cursor, 1, 3);
	/* A reader of the log itself may have come as far as there. */
	cr_assert(journal_since(journal, (struct position){EPOCH, 2}, &cursor));
	CHECK_REST(journal, cursor, 3);
	journal_destroy(journal);
}

Test(journal, leads_readers_past_a_resync)
{
	struct journal *journal = made();
	journal_cursor cursor;

	append_many(journal, 1, 2);
	append_resync(journal, (struct position){0});
	append_many(journal, 3, 1);
	cr_assert(journal_since(journal, (struct position){EPOCH, 1}, &cursor));
	CHECK_REST(journal, cursor, 2, 0, 3);
	cr_assert(journal_since(journal, (struct position){EPOCH, 2}, &cursor));
	CHECK_REST(journal, cursor, 0, 3);
	append_resync(journal, (struct position){EPOCH + 9, 7});
	cr_assert_eq(append(journal, 4, (struct position){EPOCH + 9, 8}, NULL), WSB_OK);
	cr_assert(journal_since(journal, (struct position){EPOCH, 3}, &cursor));
	CHECK_REST(journal, cursor, 0, 4);
	cr_assert_not(journal_since(journal, (struct position){EPOCH + 9, 6}, &cursor));
	/* Who comes from where it stands has been told. */
	cr_assert(journal_since(journal, (struct position){EPOCH + 9, 7}, &cursor));
	CHECK_REST(journal, cursor, 4);
	journal_destroy(journal);
}

Test(journal, replays_by_time)
{
	struct journal *journal = made();
	journal_cursor cursor;

	append_many(journal, 1, 5);
	cr_assert(journal_since_time(journal, 0, &cursor));
	CHECK_REST(journal, cursor, 1, 2, 3, 4, 5);
	cr_assert(journal_since_time(journal, 4000000, &cursor));
	CHECK_REST(journal, cursor, 4, 5);
	cr_assert(journal_since_time(journal, 3000001, &cursor));
	CHECK_REST(journal, cursor, 4, 5);
	cr_assert(journal_since_time(journal, 6000000, &cursor));
	cr_assert_eq(cursor, journal_end(journal));
	append_many(journal, 6, JOURNAL_EVENTS_MAX);
	cr_assert_not(journal_since_time(journal, 4000000, &cursor));
	cr_assert_eq(next_number(journal, &cursor), 6);
	cr_assert(journal_since_time(journal, 9000000, &cursor));
	cr_assert_eq(next_number(journal, &cursor), 9);
	journal_destroy(journal);
}

static enum wsb_err recall(struct journal *journal, unsigned number, bool is_shown)
{
	char text[16];
	struct span tag = span_of(text, (size_t)snprintf(text, sizeof(text), "%u", number));
	struct event event = {.source = span_text("/wsbroker/a/1"),
			      .id = tag,
			      .time_us = number * UINT64_C(1000000),
			      .position = {EPOCH, number},
			      .what = {.tags = &tag, .tag_count = 1},
			      .cause = span_text("call")};

	return journal_recall(journal, &event, is_shown);
}

Test(journal, recalls_what_was_before)
{
	struct journal *journal = made();
	journal_cursor early, cursor;

	journal_begin(journal, (struct position){EPOCH, 5});
	early = journal_end(journal);
	cr_assert_eq(append(journal, 6, (struct position){EPOCH, 6}, NULL), WSB_OK);
	cr_assert_not(journal_since(journal, (struct position){EPOCH, 3}, &cursor));
	cr_assert_not(journal_since_time(journal, 0, &cursor));
	/* Only the one that stands right before. */
	cr_assert_eq(recall(journal, 4, true), WSB_EEXIST);
	cr_assert_eq(recall(journal, 6, true), WSB_EEXIST);
	cr_assert_eq(recall(journal, 5, true), WSB_OK);
	cr_assert_eq(recall(journal, 4, false), WSB_OK);
	cr_assert(journal_since(journal, (struct position){EPOCH, 3}, &cursor));
	CHECK_REST(journal, cursor, 5, 6);
	cr_assert(journal_since(journal, (struct position){EPOCH, 4}, &cursor));
	CHECK_REST(journal, cursor, 5, 6);
	/* Who was there hears nothing old. */
	CHECK_REST(journal, early, 6);
	cr_assert_eq(journal_top(journal).seq, 6);
	cr_assert(journal_knows(journal, span_text("/wsbroker/a/1"), span_text("5")));
	for (unsigned number = 3; number > 0; number--)
		cr_assert_eq(recall(journal, number, true), WSB_OK);
	cr_assert_eq(recall(journal, 0, true), WSB_EEXIST);
	cr_assert(journal_since_time(journal, 0, &cursor));
	CHECK_REST(journal, cursor, 1, 2, 3, 5, 6);
	append_many(journal, 7, 2);
	CHECK_REST(journal, cursor, 1, 2, 3, 5, 6, 7, 8);
	journal_destroy(journal);
}

Test(journal, recalls_no_more_than_it_may_keep)
{
	struct journal *journal = made();
	const unsigned most = JOURNAL_EVENTS_MAX;
	journal_cursor cursor;

	journal_begin(journal, (struct position){EPOCH, most + 7});
	for (unsigned number = most + 7; number > 7; number--)
		cr_assert_eq(recall(journal, number, true), WSB_OK);
	cr_assert_eq(recall(journal, 7, true), WSB_ELIMIT);
	cr_assert(journal_since(journal, (struct position){EPOCH, 7}, &cursor));
	cr_assert_eq(next_number(journal, &cursor), 8);
	append_many(journal, most + 8, 1);
	cr_assert_not(journal_since(journal, (struct position){EPOCH, 7}, &cursor));
	cr_assert_eq(recall(journal, 8, true), WSB_ELIMIT);
	journal_destroy(journal);
}

Test(journal, looks_no_further_than_its_work)
{
	static const struct {
		size_t work;
		enum wsb_err err;
		uint64_t read;
		size_t left;
	} cases[] = {
		/* Two globs, one tag: three for each entry, and none is begun for nothing. */
		{1, WSB_ETIMEOUT, 1, 0}, {3, WSB_ETIMEOUT, 1, 0}, {4, WSB_ETIMEOUT, 2, 0},
		{13, WSB_OK, 5, 0},	 {20, WSB_OK, 5, 5},
	};
	const struct span globs[] = {span_text("none"), span_text("5")};
	struct journal *journal = made();
	const journal_cursor first = journal_end(journal);

	append_many(journal, 1, 7);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct journal_entry *entry = NULL;
		journal_cursor cursor = first;
		size_t work = cases[i].work;

		cr_expect_eq(journal_next_of(journal, &cursor, globs, 2, &work, &entry),
			     cases[i].err, "%zu", i);
		cr_expect_eq(cursor - first, cases[i].read, "%zu", i);
		cr_expect_eq(work, cases[i].left, "%zu", i);
		cr_expect_eq(entry != NULL, cases[i].err == WSB_OK, "%zu", i);
	}
	journal_destroy(journal);
}

Test(journal, shares_the_work_among_its_readers)
{
	cr_expect_eq(journal_share(0), journal_share(1));
	cr_expect_eq(journal_share(64), journal_share(1) / 64);
	cr_expect_eq(journal_share(100000), journal_share(1000));
	cr_expect_gt(journal_share(100000), 0);
}
