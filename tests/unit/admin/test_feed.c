/* Events as a stream: what was, what is, what comes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "broker/admin/feed.h"

static struct history *history;
static struct feed feed;
static struct strbuf out;
static uint64_t now_us;

static void add(const char *type)
{
	struct history_event event = {.type = type, .pool = "main", .wall_us = 1000000};

	cr_assert_gt(history_add(history, &event), 0);
}

static void set_up(void)
{
	cr_assert_eq(history_create(&history), WSB_OK);
	strbuf_init(&out);
	now_us = FEED_SILENCE_US;
	add("pool.a");
	add("pool.b");
	add("endpoint.c");
}

static void tear_down(void)
{
	history_destroy(history);
	strbuf_fini(&out);
}

TestSuite(feed, .init = set_up, .fini = tear_down);

/* One step; the ids that came: "23". */
static void expect(const char *ids)
{
	char found[16] = "";
	size_t count = 0;
	const char *at;

	strbuf_clear(&out);
	feed_step(&feed, history, now_us, &out);
	at = strbuf_span(&out).at;
	while ((at = strstr(at, "id: ")) != NULL) {
		found[count++] = at[4];
		at += 4;
	}
	cr_expect_str_eq(found, ids, "%s", strbuf_span(&out).at);
}

static void begin(const struct filter *filter, const char *last_event_id)
{
	feed_begin(&feed, filter, span_text(last_event_id), history);
}

Test(feed, begins_with_what_happens_from_now_on)
{
	begin(&(struct filter){0}, NULL);
	expect("");
	add("pool.d");
	expect("4");
	cr_expect_str_eq(
		out.text,
		"id: 4\nevent: pool.d\ndata: {\"id\":4,\"time\":\"1970-01-01T00:00:01.000Z\","
		"\"type\":\"pool.d\",\"object\":null,\"pool\":\"main\",\"endpoint\":null,"
		"\"before\":null,\"after\":null,\"reason\":null,\"actor\":null,"
		"\"detail\":null}\n\n");
	expect("");
}

Test(feed, begins_where_it_is_told)
{
	begin(&(struct filter){.bounded = true, .history = {.last = 2}}, NULL);
	expect("23");
	begin(&(struct filter){.bounded = true, .history = {.since_us = 1, .last = 9}}, NULL);
	expect("123");
	begin(&(struct filter){0}, "1");
	expect("23");
	begin(&(struct filter){0}, "3");
	expect("");
}

Test(feed, an_id_of_another_life_gets_all)
{
	begin(&(struct filter){0}, "99");
	expect("123");
	begin(&(struct filter){0}, "nonsense");
	expect("");
}

Test(feed, keeps_to_its_filter)
{
	struct filter filter = {.type = "pool.*"};

	filter.history.type = filter.type;
	begin(&filter, "0");
	memset(&filter, 'x', sizeof(filter));
	expect("12");
	add("endpoint.e");
	expect("");
	add("pool.f");
	expect("5");
}

Test(feed, much_comes_in_parts)
{
	size_t steps = 0;
	size_t bytes = 0;

	for (int i = 0; i < 2000; i++)
		add("pool.many");
	begin(&(struct filter){.bounded = true, .history = {.last = 2000}}, NULL);
	do {
		strbuf_clear(&out);
		feed_step(&feed, history, now_us, &out);
		cr_expect_lt(out.len, FEED_STEP_BYTES + 1024);
		bytes += out.len;
		steps++;
	} while (out.len > 0 && steps < 100);
	cr_expect_gt(steps, 4);
	cr_expect_gt(bytes, 2000 * 150);
	cr_expect_eq(feed.filter.history.after_id, 2003);
}

static size_t count(const char *text)
{
	size_t found = 0;

	for (const char *at = strbuf_span(&out).at; (at = strstr(at, text)); at++)
		found++;
	return found;
}

/* However far back somebody begins who wants little of it, no step looks at more than a part. */
Test(feed, little_is_looked_for_in_parts)
{
	static const struct {
		struct history_query query;
		size_t found;
	} cases[] = {
		{{.since_us = 1}, 3},
		{{.last = 2}, 2},
		{{.last = 9}, 5},
	};
	const size_t many = 3 * FEED_STEP_LOOKS;

	for (size_t i = 0; i < 3 * many; i++)
		add(i % many == many / 2 ? "rare.one" : "pool.many");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filter filter = {
			.bounded = true, .history = cases[i].query, .type = "rare.*"};
		size_t found = 0, steps = 0;

		filter.history.type = filter.type;
		begin(&filter, NULL);
		for (; feed.filter.history.after_id < history_newest(history); steps++) {
			uint64_t before = feed.filter.history.after_id;

			strbuf_clear(&out);
			feed_step(&feed, history, now_us, &out);
			found += count("event: rare.");
			cr_assert_leq(feed.filter.history.after_id - before, FEED_STEP_LOOKS);
			cr_assert_lt(steps, 100);
		}
		cr_expect_eq(found, cases[i].found, "case %zu: %zu", i, found);
		cr_expect_geq(steps, 9);
		/* It goes on like any other. */
		add("pool.later");
		add("rare.later");
		strbuf_clear(&out);
		feed_step(&feed, history, now_us, &out);
		cr_expect_eq(count("event: rare.later"), 1);
	}
}

Test(feed, silence_is_broken_now_and_then)
{
	begin(&(struct filter){0}, NULL);
	feed.spoke_us = now_us;
	expect("");
	cr_expect_eq(out.len, 0);
	now_us += FEED_SILENCE_US;
	expect("");
	cr_expect_str_eq(out.text, ": nothing has happened\n\n");
	expect("");
	cr_expect_eq(out.len, 0);
}
