/* Invalidations as a stream: from a position, for a tag, with the truth about holes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "broker/admin/admin.h"

#define EPOCH "1700000000000"
#define WORK  1000

static struct journal *journal;
static struct invalidation_feed feed;
static struct strbuf out;
static uint64_t now_us;

static enum wsb_err missed(void *instance, struct strbuf *text)
{
	(void)instance;
	strbuf_text(text, "{\"resync\":true}");
	return WSB_OK;
}

static const struct admin_backend *backend(void)
{
	static struct admin_backend made;

	made = (struct admin_backend){.journal = journal, .missed = missed};
	return &made;
}

static void add(const char *tag)
{
	const struct span tags[] = {span_text(tag)};
	const struct event event = {.source = span_text("s"),
				    .id = span_text("i"),
				    .time_us = 1700000000000000,
				    .what = {.tags = tags, .tag_count = 1}};

	cr_assert_eq(journal_append(journal, &event, NULL), WSB_OK);
}

static void set_up(void)
{
	cr_assert_eq(journal_create(&journal, 1700000000000, 1), WSB_OK);
	strbuf_init(&out);
	now_us = FEED_SILENCE_US;
	add("property:1");
	add("city:2");
	add("property:3");
}

static void tear_down(void)
{
	journal_destroy(journal);
	strbuf_fini(&out);
}

TestSuite(invalidation_feed, .init = set_up, .fini = tear_down);

static bool begin(const char *query, const char *last_event_id)
{
	strbuf_clear(&out);
	return invalidation_feed_begin(&feed, journal, span_text(query), span_text(last_event_id),
				       1700000600000000, &out);
}

/* One step; the last digits of the ids that came, R before that of a resync. */
static void expect(const char *ids)
{
	char found[64] = "";
	size_t count = 0;
	const char *at;

	strbuf_clear(&out);
	cr_expect(invalidation_feed_step(&feed, backend(), WORK, now_us, &out));
	at = strbuf_span(&out).at;
	while ((at = strstr(at, "id: " EPOCH "-")) != NULL && count < sizeof(found) - 3) {
		at += strlen("id: " EPOCH "-");
		if (strstr(at, "event: wsbroker.cache.resync.v1\ndata: {\"resync\":true}\n\n") ==
		    strchr(at, '\n') + 1)
			found[count++] = 'R';
		found[count++] = at[0];
	}
	cr_expect_str_eq(found, ids, "%s", strbuf_span(&out).at);
}

Test(invalidation_feed, begins_with_what_comes)
{
	cr_assert(begin("", NULL));
	/* The place is known before anything has come. */
	cr_expect_str_eq(out.text, "id: " EPOCH "-3\n: invalidations\n\n");
	expect("");
	cr_expect_eq(out.len, 0);
	add("a");
	add("b");
	expect("45");
	expect("");
}

Test(invalidation_feed, is_made_of_server_sent_events)
{
	const struct journal_entry *entry;
	journal_cursor cursor;
	struct strbuf expected;

	cr_assert(begin("since=" EPOCH "-0&tag=property:1", NULL));
	cr_expect_str_eq(out.text, ": invalidations\n\n");
	expect("1");
	cr_assert(journal_since_time(journal, 0, &cursor));
	cr_assert_eq(journal_next(journal, &cursor, &entry), WSB_OK);
	strbuf_init(&expected);
	strbuf_text(&expected, "id: " EPOCH "-1\nevent: wsbroker.cache.invalidated.v1\ndata: ");
	strbuf_add(&expected, entry->json);
	strbuf_text(&expected, "\n\n");
	cr_expect_str_eq(out.text, expected.text);
	strbuf_fini(&expected);
}

Test(invalidation_feed, goes_on_where_a_reader_was)
{
	static const struct {
		const char *query, *id, *ids;
	} cases[] = {
		{"since=" EPOCH "-1", NULL, "23"},
		{"since=start", NULL, "123"},
		{"since=1h", NULL, "123"},
		{"since=5m", NULL, ""},
		{"", EPOCH "-2", "3"},
		{"", EPOCH "-3", ""},
		/* What it has seen itself counts more than what it asked for at first. */
		{"since=start", EPOCH "-2", "3"},
		{"tag=property:%2A&since=start", NULL, "13"},
		{"tag=city:2&tag=property:3&since=start", NULL, "23"},
		{"tag=none&since=start", NULL, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert(begin(cases[i].query, cases[i].id), "%zu", i);
		expect(cases[i].ids);
	}
}

Test(invalidation_feed, tells_of_a_hole_first)
{
	static const char *const ids[] = {EPOCH "-9", "1600000000000-1", "17"};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		cr_assert(begin("tag=property:1", ids[i]));
		expect("R3");
		expect("");
	}
	cr_assert(begin("since=1-1", NULL));
	expect("R3");
	add("a");
	expect("4");
}

Test(invalidation_feed, refuses_what_means_nothing)
{
	static const char *const queries[] = {"since=soon", "since=", "since=7-", "tag="};
	char many[256] = "";
	char longer[256] = "";

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		cr_expect_not(begin(queries[i], NULL), "%s", queries[i]);
		cr_expect_gt(out.len, 10);
	}
	for (size_t i = 0; i <= INVALIDATION_FEED_TAGS; i++)
		memcpy(many + 6 * i, "tag=a&", 7);
	cr_expect_not(begin(many, NULL));
	/* Too long to be anything is not nothing. */
	snprintf(longer, sizeof(longer), "since=%0200d", 7);
	cr_expect_not(begin(longer, NULL));
}

Test(invalidation_feed, keeps_silence_short_and_says_where_it_is)
{
	cr_assert(begin("tag=none", NULL));
	expect("");
	add("a");
	now_us += FEED_SILENCE_US - 1;
	expect("");
	now_us++;
	expect("4");
	cr_expect_str_eq(out.text, "id: " EPOCH "-4\n: nothing has happened\n\n");
	expect("");
}

Test(invalidation_feed, gives_much_in_parts_and_cuts_who_falls_behind)
{
	size_t steps = 0;

	cr_assert(begin("since=start", NULL));
	for (size_t i = 0; i < 1000; i++)
		add("a");
	for (;; steps++) {
		strbuf_clear(&out);
		cr_assert(invalidation_feed_step(&feed, backend(), WORK, now_us, &out));
		cr_assert_lt(out.len, FEED_STEP_BYTES + 1000);
		if (out.len == 0)
			break;
	}
	cr_expect_gt(steps, 3);
	for (size_t i = 0; i <= JOURNAL_EVENTS_MAX; i++)
		add("a");
	cr_expect_not(invalidation_feed_step(&feed, backend(), WORK, now_us, &out));
}

Test(invalidation_feed, looks_a_part_at_a_time_for_what_is_rare)
{
	char ids[8] = "";
	size_t steps = 0;

	for (size_t i = 0; i < WORK; i++)
		add("b");
	add("rare");
	cr_assert(begin("tag=rare&tag=none&since=start", NULL));
	for (; steps < 10 && ids[0] == '\0'; steps++) {
		strbuf_clear(&out);
		cr_assert(invalidation_feed_step(&feed, backend(), WORK, now_us, &out));
		if (out.len > 0)
			snprintf(ids, sizeof(ids), "%.4s", strstr(out.text, EPOCH "-") + 14);
	}
	/* Each of the 1003 before it costs three. */
	cr_expect_eq(steps, 4);
	cr_expect_str_eq(ids, "1004");
}
