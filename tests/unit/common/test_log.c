#include <criterion/criterion.h>
#include <stdio.h>
#include "common/clock.h"
#include "common/log.h"

static struct {
	char text[8192];
	size_t len;
	enum log_level level;
	int count;
} sunk;

static uint64_t fake_wall_us;

static void sink(void *context, enum log_level level, struct span line)
{
	cr_assert_eq(context, &sunk);
	cr_assert(line.len < 4096);
	memcpy(sunk.text, line.at, line.len);
	sunk.text[line.len] = '\0';
	sunk.len = line.len;
	sunk.level = level;
	sunk.count++;
}

static uint64_t wall_us(void)
{
	return fake_wall_us;
}

static struct log make(enum log_format format, uint64_t (*clock)(void))
{
	struct log log;

	fake_wall_us = UINT64_C(1795331520123456);
	log_init(&log, LOG_INFO, format, sink, &sunk, clock);
	return log;
}

Test(log, logfmt_line)
{
	struct log log = make(LOG_LOGFMT, wall_us);

	log_event(&log, LOG_WARN, "pool.connection.lost", log_text("endpoint", "main/a"),
		  log_number("in_flight", 3), log_real("load", 0.5),
		  log_span("reason", span_of("eof...", 3)));
	cr_assert_str_eq(sunk.text, "ts=2026-11-22T07:12:00.123Z level=warn "
				    "event=pool.connection.lost endpoint=main/a in_flight=3 "
				    "load=0.5 reason=eof");
	cr_assert_eq(sunk.level, LOG_WARN);
}

Test(log, json_line)
{
	struct log log = make(LOG_JSON, wall_us);

	log_event(&log, LOG_ERROR, "x.y", log_text("t", "a\"b"), log_number("n", -1),
		  log_real("r", 1e300 * 1e300), log_text("none", NULL));
	cr_assert_str_eq(sunk.text, "{\"ts\":\"2026-11-22T07:12:00.123Z\",\"level\":\"error\","
				    "\"event\":\"x.y\",\"t\":\"a\\\"b\",\"n\":-1,\"r\":null,"
				    "\"none\":\"\"}");
}

Test(log, a_line_needs_neither_fields_nor_a_clock)
{
	struct log log = make(LOG_LOGFMT, NULL);

	log_event(&log, LOG_INFO, "a.b");
	cr_assert_str_eq(sunk.text, "level=info event=a.b");
	log.format = LOG_JSON;
	log_event(&log, LOG_INFO, "a.b");
	cr_assert_str_eq(sunk.text, "{\"level\":\"info\",\"event\":\"a.b\"}");
}

Test(log, below_its_level_and_without_a_log_it_is_silent)
{
	struct log log = make(LOG_LOGFMT, wall_us);
	struct log *none = NULL;

	log_event(&log, LOG_DEBUG, "a.b");
	log_write(&log, LOG_DEBUG, "a.b", NULL, 0);
	log_event(none, LOG_ERROR, "a.b", log_number("n", 1));
	log_write(none, LOG_ERROR, "a.b", NULL, 0);
	cr_assert_eq(sunk.count, 0);
	cr_assert(log_wants(&log, LOG_INFO));
	cr_assert_not(log_wants(none, LOG_ERROR));
}

static void expect_value(struct span value, const char *expected)
{
	struct log log = make(LOG_LOGFMT, NULL);

	log_event(&log, LOG_INFO, "e", log_span("v", value));
	cr_assert_str_eq(sunk.text + strlen("level=info event=e v="), expected);
}

Test(log, logfmt_quotes_what_would_be_misread)
{
	expect_value(span_text("plain-1.0/x:y"), "plain-1.0/x:y");
	expect_value(span_text(""), "\"\"");
	expect_value(span_text("two words"), "\"two words\"");
	expect_value(span_text("a=b"), "\"a=b\"");
	expect_value(span_text("say \"x\""), "\"say \\\"x\\\"\"");
	expect_value(span_text("a\\b"), "\"a\\\\b\"");
	expect_value(span_text("a\nlevel=error"), "\"a\\nlevel=error\"");
	expect_value(span_of("\x1b[2J\0", 5), "\"\\u001b[2J\\u0000\"");
	expect_value(span_text("\xff"), "\xef\xbf\xbd");
	expect_value(span_text("caf\xc3\xa9"), "caf\xc3\xa9");
	expect_value(span_text("\xc2\x9b"), "\"\\u009b\"");
}

Test(log, a_long_value_is_cut_between_characters)
{
	enum log_format formats[] = {LOG_LOGFMT, LOG_JSON};

	for (int f = 0; f < 2; f++) {
		struct log log = make(formats[f], NULL);
		char value[5000];

		for (size_t i = 0; i + 3 <= sizeof(value); i += 3)
			memcpy(value + i, "\xe2\x82\xac", 3);
		log_event(&log, LOG_INFO, "e", log_span("v", span_of(value, 4998)),
			  log_number("after", 1));
		cr_assert_not_null(strstr(sunk.text, "\xe2\x82\xac\xe2\x80\xa6"));
		cr_assert_not_null(strstr(sunk.text, "after"));
		cr_assert(sunk.len < 1200);
	}
}

Test(log, a_line_stays_within_its_bound_and_well_formed)
{
	for (size_t value_len = 0; value_len < 1100; value_len++) {
		struct log log = make(LOG_JSON, wall_us);
		struct log_field fields[12];
		char value[1100];
		size_t quotes = 0;

		memset(value, value_len % 3 ? 'x' : '\x01', sizeof(value));
		for (int i = 0; i < 12; i++)
			fields[i] = log_span("some_key", span_of(value, value_len));
		log_write(&log, LOG_INFO, "e", fields, 12);
		cr_assert_eq(sunk.text[sunk.len - 1], '}');
		for (size_t i = 0; i < sunk.len; i++)
			quotes += sunk.text[i] == '"';
		cr_assert_eq(quotes % 2, 0);
	}
	cr_assert_eq(sunk.count, 1100);
}

Test(log, repeats_are_counted_not_printed)
{
	struct log log = make(LOG_LOGFMT, wall_us);

	for (int i = 0; i < 25; i++)
		log_event(&log, LOG_INFO, "flood");
	cr_assert_eq(sunk.count, LOG_BURST);
	log_event(&log, LOG_INFO, "other");
	cr_assert_eq(sunk.count, LOG_BURST + 1);
	cr_assert_null(strstr(sunk.text, "suppressed"));
	fake_wall_us += US_PER_S;
	log_event(&log, LOG_INFO, "flood", log_number("n", 1));
	cr_assert_str_eq(strstr(sunk.text, "event="), "event=flood n=1 suppressed=15");
	log_event(&log, LOG_INFO, "flood");
	cr_assert_null(strstr(sunk.text, "suppressed"));
}

Test(log, many_event_ids_share_the_table)
{
	struct log log = make(LOG_LOGFMT, wall_us);

	for (int i = 0; i < 500; i++) {
		char event[16];

		snprintf(event, sizeof(event), "event.%d", i);
		log_event(&log, LOG_INFO, event);
		fake_wall_us += US_PER_S / 100;
	}
	cr_assert_eq(sunk.count, 500);
}
