#include <criterion/criterion.h>
#include <string.h>
#include "broker/control/requests.h"
#include "common/strbuf.h"

#define S UINT64_C(1000000)

static struct requests requests;
static struct strbuf lines;
static struct log journal;

static void note_line(void *context, enum log_level level, struct span line)
{
	(void)context, (void)level;
	strbuf_add(&lines, line);
	strbuf_text(&lines, "\n");
}

static uint64_t wall(void)
{
	return S;
}

static void begin(void)
{
	cr_assert_eq(requests_init(&requests, (struct requests_settings){.slow_us = S}), WSB_OK);
	strbuf_init(&lines);
	strbuf_add(&lines, span_of("", 0));
	log_init(&journal, LOG_INFO, LOG_LOGFMT, note_line, NULL, wall);
}

static void end(void)
{
	requests_fini(&requests);
	strbuf_fini(&lines);
}

TestSuite(requests, .init = begin, .fini = end);

static void ends(enum request_result result, uint64_t duration_us)
{
	struct request_end request = {
		.result = result, .duration_us = duration_us, .method = span_text("get")};

	if (requests_want(&requests, result, duration_us))
		requests_end(&requests, &journal, &request);
}

Test(requests, keeps_those_that_were_slow_or_failed)
{
	static const struct {
		enum request_result result;
		uint64_t duration_us;
		bool slow, failed;
	} rows[] = {
		{RESULT_OK, S - 1, false, false},	{RESULT_OK, S, true, false},
		{RESULT_ERROR, 5, false, true},		{RESULT_TIMEOUT, 2 * S, true, true},
		{RESULT_OVERLOADED, 0, false, true},	{RESULT_NO_ROUTE, 0, false, true},
		{RESULT_LOCAL, 0, false, false},	{RESULT_ABANDONED, 5, false, false},
		{RESULT_ABANDONED, 2 * S, true, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t before = requests.newest_id;
		const struct request_record *record;

		ends(rows[i].result, rows[i].duration_us);
		record = requests_get(&requests, before + 1);
		if (!rows[i].slow && !rows[i].failed) {
			cr_assert_null(record, "row %zu", i);
			continue;
		}
		cr_assert_not_null(record, "row %zu", i);
		cr_assert_eq(record->slow, rows[i].slow, "row %zu", i);
		cr_assert_eq(record->failed, rows[i].failed, "row %zu", i);
		cr_assert_str_eq(record->method, "get");
		cr_assert_str_eq(record->endpoint, "");
	}
}

Test(requests, none_is_slow_when_that_is_off)
{
	requests.settings.slow_us = 0;
	ends(RESULT_OK, 3600 * S);
	cr_assert_eq(requests.newest_id, 0);
	cr_assert_eq(requests_oldest(&requests), 0);
}

Test(requests, keeps_the_latest_thousand)
{
	for (size_t i = 0; i < 2500; i++)
		ends(RESULT_TIMEOUT, i);
	cr_assert_eq(requests_oldest(&requests), 1501);
	cr_assert_null(requests_get(&requests, 1500));
	cr_assert_null(requests_get(&requests, 2501));
	cr_assert_eq(requests_get(&requests, 1501)->duration_us, 1500);
	cr_assert_eq(requests_get(&requests, 2500)->duration_us, 2499);
}

static size_t line_count(void)
{
	size_t count = 0;

	for (const char *at = lines.text; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

Test(requests, writes_as_many_lines_as_are_asked_for)
{
	static const struct {
		enum requests_log log;
		size_t lines;
	} rows[] = {{REQUESTS_LOG_OFF, 0}, {REQUESTS_LOG_SLOW, 2}, {REQUESTS_LOG_ALL, 3}};

	for (size_t i = 0; i < 3; i++) {
		strbuf_clear(&lines);
		strbuf_add(&lines, span_of("", 0));
		requests.settings.log = rows[i].log;
		ends(RESULT_OK, 1);
		ends(RESULT_OK, S);
		ends(RESULT_TIMEOUT, 1);
		cr_assert_eq(line_count(), rows[i].lines, "row %zu: %s", i, lines.text);
	}
	cr_assert_not_null(strstr(lines.text, "level=warn event=request method=get "
					      "result=timeout"));
}

/* Each of them counts, so none is left out as a repeat. */
Test(requests, lines_are_no_repeats)
{
	requests.settings.log = REQUESTS_LOG_ALL;
	for (size_t i = 0; i < 100; i++)
		ends(RESULT_OK, 1);
	cr_assert_eq(line_count(), 100);
}
