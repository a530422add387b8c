#include <criterion/criterion.h>
#include <stdio.h>
#include "broker/journal/pending.h"

static struct pending *pending;

static void make(size_t events_max, size_t bytes_max)
{
	cr_assert_eq(pending_create(&pending, events_max, bytes_max, 1), WSB_OK);
}

static void set_up(void)
{
	make(1000, 1 << 20);
}

static void tear_down(void)
{
	pending_destroy(pending);
}

TestSuite(pending, .init = set_up, .fini = tear_down);

struct names {
	const char *tags[4];
	const char *keys[4];
	const char *methods[4];
};

static size_t fill(struct span *out, const char *const *names)
{
	size_t count = 0;

	while (count < 4 && names[count]) {
		out[count] = span_text(names[count]);
		count++;
	}
	return count;
}

static void add_what(struct invalidation what, struct names names)
{
	struct span tags[4], keys[4], methods[4];
	struct event event = {.source = span_text("s"), .id = span_text("id"), .what = what};

	event.what.tags = tags;
	event.what.tag_count = fill(tags, names.tags);
	event.what.keys = keys;
	event.what.key_count = fill(keys, names.keys);
	event.what.methods = methods;
	event.what.method_count = fill(methods, names.methods);
	cr_assert_eq(pending_add(pending, &event, (struct span){0}, true), WSB_OK);
}

static void add(const char *tag)
{
	add_what((struct invalidation){0}, (struct names){.tags = {tag}});
}

static void add_soft(const char *tag)
{
	add_what((struct invalidation){.mode = INVALIDATE_SOFT}, (struct names){.tags = {tag}});
}

static const struct pending_event *next(uint64_t number, const char *tag)
{
	const struct pending_event *event = pending_next(pending);

	cr_assert(event, "%s", tag);
	cr_expect_eq(event->number, number, "%s: number %llu", tag,
		     (unsigned long long)event->number);
	if (event->event.what.tag_count)
		cr_expect(span_is(event->event.what.tags[0], tag), "%.*s is not %s",
			  (int)event->event.what.tags[0].len, event->event.what.tags[0].at, tag);
	return event;
}

Test(pending, leaves_in_order_and_is_settled)
{
	add("a");
	add("b");
	cr_expect_eq(pending_serial(pending), 2);
	next(1, "a");
	next(2, "b");
	cr_expect_null(pending_next(pending));
	cr_expect_eq(pending_settled(pending), 0);
	pending_logged(pending);
	cr_expect_eq(pending_settled(pending), 1);
	pending_logged(pending);
	cr_expect_eq(pending_settled(pending), 2);
	pending_logged(pending); /* there is none any more: no harm */
}

Test(pending, comes_again_under_the_same_numbers)
{
	add("a");
	add("b");
	add("c");
	next(1, "a");
	next(2, "b");
	pending_logged(pending);
	pending_rewind(pending);
	next(2, "b");
	pending_rewind(pending);
	next(2, "b");
	next(3, "c");
	pending_rewind(pending);
	next(2, "b");
	pending_rewind(pending);
	next(2, "b");
	next(3, "c");
	cr_expect_null(pending_next(pending));
}

/* A number below one that was logged would be taken for sent already. */
Test(pending, a_refused_one_gets_a_new_number)
{
	add("a");
	add("b");
	add("c");
	next(1, "a");
	next(2, "b");
	pending_refused(pending);
	pending_rewind(pending);
	next(2, "b");
	cr_expect_eq(pending_settled(pending), 0);
	next(3, "a");
	next(4, "c");
	pending_logged(pending);
	cr_expect_eq(pending_settled(pending), 0, "a has a lower serial than b");
	pending_logged(pending);
	cr_expect_eq(pending_settled(pending), 2);
}

Test(pending, merges_what_says_no_more)
{
	static const struct {
		const char *tag;
		bool soft, merged;
	} cases[] = {
		{"a", false, false}, {"a", false, true},  {"a", true, true},  {"b", true, false},
		{"b", true, true},   {"b", false, false}, {"b", false, true}, {"c", false, false},
	};
	uint64_t merged = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].soft)
			add_soft(cases[i].tag);
		else
			add(cases[i].tag);
		merged += cases[i].merged;
		cr_expect_eq(pending_counts(pending)->merged, merged, "case %zu", i);
	}
	cr_expect_eq(pending_counts(pending)->waiting, 4);
}

Test(pending, keeps_what_is_new_of_an_event)
{
	const struct pending_event *event;

	add("a");
	add_what((struct invalidation){0},
		 (struct names){.tags = {"a", "d"}, .keys = {"a"}, .methods = {"a"}});
	next(1, "a");
	event = next(2, "d");
	cr_expect_eq(event->event.what.tag_count, 1);
	cr_expect_eq(event->event.what.key_count, 1);
	cr_expect_eq(event->event.what.method_count, 1);
}

/* What has been sent may have been read by others before the second one happened. */
Test(pending, does_not_merge_with_what_was_sent)
{
	add("a");
	next(1, "a");
	add("a");
	next(2, "a");
	pending_rewind(pending);
	add("a");
	cr_expect_eq(pending_counts(pending)->merged, 0);
}

Test(pending, tags_that_belong_together_stay_so)
{
	const struct invalidation all = {.match = MATCH_ALL};

	add("a");
	add_what(all, (struct names){.tags = {"a", "b"}});
	add("b");
	cr_expect_eq(pending_counts(pending)->waiting, 3);
	cr_expect_eq(pending_counts(pending)->merged, 0);
}

Test(pending, a_flush_covers_the_rest)
{
	add_what((struct invalidation){.all = true, .mode = INVALIDATE_SOFT}, (struct names){0});
	add_soft("a");
	cr_expect_eq(pending_counts(pending)->merged, 1);
	add("a");
	cr_expect_eq(pending_counts(pending)->merged, 1);
	add_what((struct invalidation){.all = true}, (struct names){0});
	add("b");
	add_what((struct invalidation){.all = true}, (struct names){0});
	cr_expect_eq(pending_counts(pending)->merged, 3);
	while (pending_next(pending))
		;
	add("b");
	cr_expect_eq(pending_counts(pending)->merged, 3, "it waits no more");
}

Test(pending, too_many_become_one_flush)
{
	const struct pending_event *event;
	char tag[16];

	pending_destroy(pending);
	make(10, 1 << 20);
	for (int i = 0; i < 11; i++) {
		snprintf(tag, sizeof(tag), "t%d", i);
		if (i == 3)
			add(tag);
		else
			add_soft(tag);
	}
	cr_expect_eq(pending_counts(pending)->overflows, 1);
	cr_expect_eq(pending_counts(pending)->waiting, 1);
	add("later");
	event = next(1, "");
	cr_expect(event->event.what.all);
	cr_expect_eq(event->event.what.mode, INVALIDATE_HARD, "one of them was");
	cr_expect_eq(event->event.type, EVENT_FLUSHED);
	cr_expect_null(pending_next(pending));
	pending_logged(pending);
	cr_expect_eq(pending_settled(pending), pending_serial(pending));
	cr_expect_eq(pending_counts(pending)->bytes, 0);
}

Test(pending, is_bounded_in_bytes)
{
	char tag[200];

	pending_destroy(pending);
	make(1000, 4000);
	for (int i = 0; i < 100; i++) {
		snprintf(tag, sizeof(tag), "%0150d", i);
		add(tag);
		cr_expect_leq(pending_counts(pending)->bytes, 4000 + 1000);
	}
	cr_expect_gt(pending_counts(pending)->overflows, 0);
}

Test(pending, what_the_inbox_asked_is_never_merged)
{
	struct span tag = span_text("a");
	struct event event = {.id = span_text("id"), .what = {.tags = &tag, .tag_count = 1}};

	add("a");
	cr_assert_eq(pending_add(pending, &event, span_text("7-1"), true), WSB_OK);
	next(1, "a");
	cr_expect(span_is(next(2, "a")->inbox_entry, "7-1"));
}

/* Another broker may have logged the entry already: before what happened here later. */
Test(pending, nothing_is_merged_with_what_the_inbox_asked)
{
	struct span tag = span_text("a");
	struct event event = {.id = span_text("id"), .what = {.tags = &tag, .tag_count = 1}};

	cr_assert_eq(pending_add(pending, &event, span_text("7-1"), true), WSB_OK);
	add("a");
	next(1, "a");
	next(2, "a");
	cr_expect_eq(pending_counts(pending)->merged, 0);
}
