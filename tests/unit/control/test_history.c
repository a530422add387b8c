#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "broker/control/history.h"

#define S   UINT64_C(1000000)
#define DAY UINT64_C(86400000000)

static struct history *history;

static void begin(void)
{
	cr_assert_eq(history_create(&history), WSB_OK);
}

static void end(void)
{
	history_destroy(history);
}

TestSuite(history, .init = begin, .fini = end);

static void add(uint64_t wall_us, const char *type, const char *pool)
{
	history_add(history,
		    &(struct history_event){.wall_us = wall_us, .type = type, .pool = pool});
}

/* The ids of what is found, as text: "1 2 5 ". */
static void expect(const struct history_query *query, const char *ids)
{
	struct history_walk walk;
	struct history_event event;
	char found[256] = "";

	history_begin(&walk, history, query);
	while (history_next(&walk, &event))
		snprintf(found + strlen(found), sizeof(found) - strlen(found), "%" PRIu64 " ",
			 event.id);
	cr_assert_str_eq(found, ids);
}

Test(history, gives_back_what_it_was_given)
{
	struct history_query all = {0};
	struct history_walk walk;
	struct history_event event;

	cr_assert_eq(history_add(history, &(struct history_event){.wall_us = 7,
								  .type = "endpoint.down",
								  .pool = "main",
								  .endpoint = "a",
								  .object = "main/a",
								  .before = "up",
								  .after = "down",
								  .reason = "connect",
								  .detail = "refused",
								  .actor = "broker"}),
		     1);
	history_begin(&walk, history, &all);
	cr_assert(history_next(&walk, &event));
	cr_assert_eq(event.id, 1);
	cr_assert_eq(event.wall_us, 7);
	cr_assert_str_eq(event.type, "endpoint.down");
	cr_assert_str_eq(event.pool, "main");
	cr_assert_str_eq(event.endpoint, "a");
	cr_assert_str_eq(event.object, "main/a");
	cr_assert_str_eq(event.before, "up");
	cr_assert_str_eq(event.after, "down");
	cr_assert_str_eq(event.reason, "connect");
	cr_assert_str_eq(event.detail, "refused");
	cr_assert_str_eq(event.actor, "broker");
	cr_assert_not(history_next(&walk, &event));
}

Test(history, cuts_long_texts_and_knows_none)
{
	struct history_query all = {0};
	struct history_walk walk;
	struct history_event event;
	char text[1024];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	history_add(history, &(struct history_event){.detail = text});
	history_begin(&walk, history, &all);
	cr_assert(history_next(&walk, &event));
	cr_assert_eq(strlen(event.detail), 200);
	cr_assert_str_eq(event.type, "");
	cr_assert_str_eq(event.actor, "");
}

Test(history, finds_by_time_pool_type_and_id)
{
	add(1 * S, "pool.resized", "main");
	add(2 * S, "connection.ready", "main");
	add(3 * S, "connection.ready", "other");
	add(4 * S, "endpoint.down", "main");
	add(5 * S, "config.reloaded", NULL);

	expect(&(struct history_query){0}, "1 2 3 4 5 ");
	expect(&(struct history_query){.since_us = 3 * S}, "3 4 5 ");
	expect(&(struct history_query){.until_us = 3 * S}, "1 2 ");
	expect(&(struct history_query){.since_us = 2 * S, .until_us = 4 * S}, "2 3 ");
	expect(&(struct history_query){.pool = "main"}, "1 2 4 ");
	expect(&(struct history_query){.type = "connection.*"}, "2 3 ");
	expect(&(struct history_query){.type = "connection"}, "");
	expect(&(struct history_query){.after_id = 3}, "4 5 ");
	expect(&(struct history_query){.last = 2}, "4 5 ");
	expect(&(struct history_query){.pool = "main", .last = 2}, "2 4 ");
	expect(&(struct history_query){.last = 9}, "1 2 3 4 5 ");
	expect(&(struct history_query){.after_id = 5}, "");
}

/* As many as are promised stay, however old they are. */
Test(history, keeps_the_promised_number_for_ever)
{
	struct history_query all = {0};
	struct history_walk walk;
	struct history_event event;
	size_t count = 0;

	for (size_t i = 0; i < HISTORY_EVENTS_MIN; i++)
		add(S, "connection.ready", "main");
	add(10 * DAY, "connection.ready", "main");
	history_begin(&walk, history, &all);
	while (history_next(&walk, &event))
		count++;
	cr_assert_geq(count, HISTORY_EVENTS_MIN);
	cr_assert_eq(count, history_count(history));
}

Test(history, keeps_a_day_and_forgets_what_is_older)
{
	size_t many = (size_t)HISTORY_EVENTS_MIN * 3;

	for (size_t i = 0; i < many; i++)
		add(S, "connection.ready", "main");
	cr_assert_eq(history_count(history), many);
	add(DAY, "connection.ready", "main");
	cr_assert_eq(history_count(history), many + 1);
	for (size_t i = 0; i < HISTORY_EVENTS_MIN; i++)
		add(2 * DAY + i, "connection.ready", "main");
	cr_assert_lt(history_count(history), HISTORY_EVENTS_MIN + 1200U);
	cr_assert_eq(history_newest(history), many + 1 + HISTORY_EVENTS_MIN);
}

/* The largest events there can be: the bound on bytes holds, and so does the promised number. */
Test(history, is_bounded_in_bytes)
{
	char text[512];
	struct history_event event;
	struct history_walk walk;
	uint64_t first = 0;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	event = (struct history_event){.wall_us = S,
				       .type = text,
				       .pool = text,
				       .endpoint = text,
				       .object = text,
				       .before = text,
				       .after = text,
				       .reason = text,
				       .detail = text,
				       .actor = text};
	for (size_t i = 0; i < 60000; i++)
		history_add(history, &event);
	cr_assert_leq(history_bytes(history), HISTORY_BYTES_MAX + (128U << 10));
	cr_assert_geq(history_count(history), HISTORY_EVENTS_MIN);
	history_begin(&walk, history, &(struct history_query){0});
	while (history_next(&walk, &event)) {
		cr_assert(first == 0 || event.id == first + 1);
		first = event.id;
	}
	cr_assert_eq(first, 60000);
}
