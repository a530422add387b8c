#include <criterion/criterion.h>
#include <string.h>
#include "broker/tool/tally.h"

static struct tally tally;

Test(tally, quantiles_of_what_is_measured)
{
	tally_init(&tally);
	for (uint64_t us = 1; us <= 10000; us++)
		tally_answer(&tally, us * 10, true);
	for (int i = 0; i < 5000; i++)
		tally_answer(&tally, 9000000, false);
	cr_assert_eq(tally.answers, 10000);
	cr_assert_eq(tally.recent.answers, 15000);
	cr_expect_float_eq((double)histogram_quantile_us(&tally.latency, 0.5), 50000, 1700);
	cr_expect_float_eq((double)histogram_quantile_us(&tally.latency, 0.9), 90000, 3000);
	cr_expect_float_eq((double)histogram_quantile_us(&tally.latency, 0.99), 99000, 3200);
	cr_expect_float_eq((double)histogram_quantile_us(&tally.latency, 0.999), 99900, 3200);
	cr_expect_eq(tally.latency.max_us, 100000);
	cr_expect_eq(histogram_quantile_us(&tally.recent.latency, 0.99), 9000000);
}

Test(tally, errors_by_code)
{
	tally_init(&tally);
	for (int i = 0; i < 3; i++)
		tally_error(&tally, -32000, true);
	tally_error(&tally, 77, true);
	tally_error(&tally, 77, false);
	cr_assert_eq(tally.errors, 4);
	cr_assert_eq(tally.code_count, 2);
	cr_assert_eq(tally.codes[0].code, -32000);
	cr_assert_eq(tally.codes[0].count, 3);
	cr_assert_eq(tally.codes[1].count, 1);
	cr_assert(tally_is_clean(&tally), "an error is an answer");
}

Test(tally, codes_without_end_are_counted_together)
{
	tally_init(&tally);
	for (int64_t code = 0; code < TALLY_CODES + 5; code++)
		tally_error(&tally, code, true);
	tally_error(&tally, 0, true);
	cr_assert_eq(tally.code_count, TALLY_CODES);
	cr_assert_eq(tally.codes[0].count, 2);
	cr_assert_eq(tally.other_codes, 5);
	cr_assert_eq(tally.errors, TALLY_CODES + 6);
}

Test(tally, the_first_wrong_answer_is_kept)
{
	char huge[1000];

	tally_init(&tally);
	memset(huge, 'x', sizeof(huge));
	tally_wrong(&tally, WRONG_FORM, span_of(huge, sizeof(huge)));
	tally_wrong(&tally, WRONG_TWICE, span_text("second"));
	tally_wrong(&tally, WRONG_TWICE, span_text("third"));
	cr_assert_eq(tally_wrongs(&tally), 3);
	cr_assert_eq(tally.wrong[WRONG_TWICE], 2);
	cr_assert_eq(strlen(tally.wrong_sample), TALLY_SAMPLE_MAX - 1);
	cr_assert_eq(tally.wrong_sample[0], 'x');
}

Test(tally, what_must_not_happen)
{
	tally_init(&tally);
	tally_unsent(&tally);
	cr_assert_eq(tally.unsent, 1);
	cr_assert(tally_is_clean(&tally));
	tally.lost = 1;
	cr_assert_not(tally_is_clean(&tally));
	tally.lost = 0;
	tally.connections_failed = 1;
	cr_assert_not(tally_is_clean(&tally));
	tally.connections_failed = 0;
	tally.connections_lost = 1;
	cr_assert_not(tally_is_clean(&tally));
	tally.connections_lost = 0;
	tally_wrong(&tally, WRONG_ID, span_text(""));
	cr_assert_not(tally_is_clean(&tally));
}

Test(tally, what_is_recent_begins_anew)
{
	tally_init(&tally);
	tally_answer(&tally, 5, true);
	tally_recent_reset(&tally);
	cr_assert_eq(tally.recent.answers, 0);
	cr_assert_eq(tally.recent.latency.count, 0);
	cr_assert_eq(tally.answers, 1);
}
