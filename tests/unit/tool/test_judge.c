#include <criterion/criterion.h>
#include "broker/tool/judge.h"

static struct outstanding outstanding;
static struct expectation expectation;
static struct tally tally;
static struct judge judge;

static void set_up(const char *expect)
{
	tally_init(&tally);
	cr_assert_eq(outstanding_init(&outstanding, 8), WSB_OK);
	cr_assert_eq(expectation_init(&expectation, expect), WSB_OK);
	cr_assert_eq(judge_init(&judge, &outstanding, &expectation, &tally), WSB_OK);
}

static void tear_down(void)
{
	judge_fini(&judge);
	expectation_fini(&expectation);
	outstanding_fini(&outstanding);
}

/* Asks on connection 0 at 1000 µs; the first id is 1. */
static void ask(uint64_t key)
{
	struct open_request *request = outstanding_add(&outstanding, 0);

	request->due_us = 1000;
	request->key = key;
	request->measured = true;
}

static bool hear(const char *text)
{
	return judge_message(&judge, 0, false, span_text(text), 3000);
}

Test(judge, a_right_answer)
{
	set_up(NULL);
	ask(0);
	cr_assert(hear("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}"));
	cr_assert_eq(tally.answers, 1);
	cr_assert_eq(tally.latency.max_us, 2000);
	cr_assert(tally_is_clean(&tally));
	tear_down();
}

Test(judge, an_error_is_an_answer)
{
	set_up("[1]");
	ask(0);
	cr_assert(hear("{\"id\":1,\"error\":{\"code\":-32002,\"message\":\"late\"}}"));
	cr_assert_eq(tally.answers, 1);
	cr_assert_eq(tally.errors, 1);
	cr_assert_eq(tally.codes[0].code, -32002);
	cr_assert(tally_is_clean(&tally));
	tear_down();
}

Test(judge, answers_that_nobody_asked_for)
{
	set_up(NULL);
	ask(0);
	cr_assert_not(hear("{\"id\":2,\"result\":1}"));
	cr_assert_not(hear("{\"id\":\"1\",\"result\":1}"));
	cr_assert_not(hear("{\"id\":1.0,\"result\":1}"));
	cr_assert_not(hear("{\"id\":null,\"result\":1}"));
	cr_assert_not(hear("{\"id\":-1,\"result\":1}"));
	cr_assert_eq(tally.wrong[WRONG_ID], 5);
	cr_assert_not(judge_message(&judge, 1, false, span_text("{\"id\":1,\"result\":1}"), 3000));
	cr_assert_eq(tally.wrong[WRONG_ID], 6);
	cr_assert(hear("{\"id\":1,\"result\":1}"));
	cr_assert_not(hear("{\"id\":1,\"result\":1}"));
	cr_assert_eq(tally.wrong[WRONG_TWICE], 1);
	cr_assert_eq(tally.answers, 1);
	tear_down();
}

Test(judge, what_is_no_answer)
{
	static const char *const texts[] = {
		"",
		"{",
		"7",
		"[]",
		"[{\"id\":1,\"result\":1}]",
		"{}",
		"{\"result\":1}",
		"{\"id\":1,\"id\":2,\"result\":1}",
		"{\"id\":[1],\"result\":1}",
		"\"\xff\"",
	};
	const size_t count = sizeof(texts) / sizeof(texts[0]);

	set_up(NULL);
	ask(0);
	for (size_t i = 0; i < count; i++) {
		cr_assert_not(hear(texts[i]), "%s", texts[i]);
		cr_assert_eq(tally.wrong[WRONG_FORM], i + 1, "%s", texts[i]);
	}
	cr_assert_not(judge_message(&judge, 0, true, span_of("\x81\xa2id\x01", 5), 3000));
	cr_assert_eq(tally.wrong[WRONG_FORM], count + 1, "MessagePack was not asked for");
	cr_assert_eq(outstanding.open, 1);
	tear_down();
}

Test(judge, neither_result_nor_error_frees_the_place_all_the_same)
{
	set_up(NULL);
	ask(0);
	cr_assert(hear("{\"jsonrpc\":\"2.0\",\"id\":1}"));
	cr_assert_eq(tally.wrong[WRONG_FORM], 1);
	cr_assert_eq(outstanding.open, 0);
	tear_down();
}

Test(judge, pushes_are_passed_over)
{
	set_up(NULL);
	ask(0);
	cr_assert_not(hear("{\"jsonrpc\":\"2.0\",\"method\":\"tick\",\"params\":[1]}"));
	cr_assert_not(hear("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ask\"}"));
	cr_assert(tally_is_clean(&tally));
	cr_assert_eq(outstanding.open, 1);
	tear_down();
}

Test(judge, the_content_depends_on_the_key)
{
	set_up("{\"id\": {key}}");
	ask(41);
	ask(42);
	cr_assert(hear("{\"id\":1,\"result\":{\"name\":\"x\",\"id\":41}}"));
	cr_assert(tally_is_clean(&tally));
	cr_assert(hear("{\"id\":2,\"result\":{\"id\":41}}"));
	cr_assert_eq(tally.wrong[WRONG_CONTENT], 1);
	cr_assert_eq(tally.answers, 2);
	tear_down();
}

Test(judge, codes)
{
	cr_assert_eq(error_code(span_text("{\"code\":-5}")), -5);
	cr_assert_eq(error_code(span_text("{\"code\":\"-5\"}")), 0);
	cr_assert_eq(error_code(span_text("{}")), 0);
	cr_assert_eq(error_code(span_text("\"no\"")), 0);
	cr_assert_eq(error_code(span_text("true")), 0);
}
