#include <criterion/criterion.h>
#include "broker/pool/greeting.h"

#define NOW_US UINT64_C(1000000)

struct play {
	struct greeting_step steps[3];
	struct pool_settings settings;
	struct greeting greeting;
};

static json_t *object(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	cr_assert_not_null(value);
	return value;
}

static void play_step(struct play *play, const char *send, const char *expect, const char *reject)
{
	play->steps[play->settings.on_connect_count++] = (struct greeting_step){
		.send = send,
		.expect = expect ? object(expect) : NULL,
		.reject = reject ? object(reject) : NULL,
		.timeout_us = 5000,
	};
	play->settings.on_connect = play->steps;
}

static void play_end(struct play *play)
{
	for (size_t i = 0; i < 3; i++) {
		json_decref(play->steps[i].expect);
		json_decref(play->steps[i].reject);
	}
}

static enum greeting_verdict feed(struct play *play, const char *message)
{
	return greeting_feed(&play->greeting, ENCODING_JSON, span_text(message));
}

static void expect_send(struct play *play, uint64_t now_us, const char *text)
{
	struct span send;

	cr_assert_eq(greeting_next(&play->greeting, now_us, &send), GREETING_SEND);
	cr_assert(span_is(send, text));
}

static void expect_next(struct play *play, uint64_t now_us, enum greeting_verdict verdict)
{
	struct span send;

	cr_assert_eq(greeting_next(&play->greeting, now_us, &send), verdict);
}

Test(greeting, without_steps_is_done)
{
	struct play play = {0};

	greeting_begin(&play.greeting, &play.settings, GREET_USUAL);
	cr_assert_eq(greeting_check(&play.greeting, UINT64_MAX), GREETING_WAIT);
	expect_next(&play, NOW_US, GREETING_DONE);
	cr_assert_eq(feed(&play, "{}"), GREETING_PUSH);
}

Test(greeting, sends_waits_and_passes)
{
	struct play play = {0};

	play_step(&play, "{\"type\":\"login\"}", "{\"type\":\"ok\"}", "{\"type\":\"refused\"}");
	play_step(&play, "{\"type\":\"subscribe\"}", NULL, NULL);
	play_step(&play, "{\"type\":\"hello\"}", "{\"type\":\"hello\"}", NULL);
	greeting_begin(&play.greeting, &play.settings, GREET_USUAL);
	expect_send(&play, NOW_US, "{\"type\":\"login\"}");
	expect_next(&play, NOW_US, GREETING_WAIT);
	cr_assert_eq(feed(&play, "{\"type\":\"news\",\"n\":1}"), GREETING_PUSH);
	expect_next(&play, NOW_US, GREETING_WAIT);
	cr_assert_eq(feed(&play, "{\"type\":\"ok\",\"user\":7}"), GREETING_SEND);
	expect_send(&play, NOW_US, "{\"type\":\"subscribe\"}");
	expect_send(&play, NOW_US, "{\"type\":\"hello\"}");
	expect_next(&play, NOW_US, GREETING_WAIT);
	cr_assert_eq(feed(&play, "{\"type\":\"hello\"}"), GREETING_SEND);
	expect_next(&play, NOW_US, GREETING_DONE);
	cr_assert_eq(feed(&play, "{\"type\":\"hello\"}"), GREETING_PUSH);
	play_end(&play);
}

Test(greeting, a_refusal_ends_it_even_when_it_looks_expected)
{
	struct play play = {0};

	play_step(&play, "{}", "{\"id\":1}", "{\"error\":{}}");
	greeting_begin(&play.greeting, &play.settings, GREET_USUAL);
	expect_send(&play, NOW_US, "{}");
	cr_assert_eq(feed(&play, "{\"id\":1,\"error\":{\"code\":3}}"), GREETING_REJECTED);
	play_end(&play);
}

Test(greeting, is_late_after_its_time_and_not_before)
{
	struct play play = {0};

	play_step(&play, "{}", "{\"id\":1}", NULL);
	greeting_begin(&play.greeting, &play.settings, GREET_USUAL);
	cr_assert_eq(greeting_check(&play.greeting, UINT64_MAX), GREETING_WAIT);
	expect_send(&play, NOW_US, "{}");
	cr_assert_eq(greeting_check(&play.greeting, NOW_US + 4999), GREETING_WAIT);
	/* Pushes do not prolong it. */
	cr_assert_eq(feed(&play, "{\"id\":2}"), GREETING_PUSH);
	cr_assert_eq(greeting_check(&play.greeting, NOW_US + 5000), GREETING_LATE);
	play_end(&play);
}

Test(greeting, without_a_timeout_it_waits_for_ever)
{
	struct play play = {0};

	play_step(&play, "{}", "{\"id\":1}", NULL);
	play.steps[0].timeout_us = 0;
	greeting_begin(&play.greeting, &play.settings, GREET_USUAL);
	expect_send(&play, NOW_US, "{}");
	expect_next(&play, NOW_US, GREETING_WAIT);
	cr_assert_eq(greeting_check(&play.greeting, UINT64_MAX / 4), GREETING_WAIT);
	/* A standstill puts every deadline off, this one too. */
	play.greeting.deadline_us += NOW_US;
	cr_assert_eq(greeting_check(&play.greeting, UINT64_MAX / 4), GREETING_WAIT);
	play_end(&play);
}

Test(greeting, may_wait_before_it_speaks)
{
	struct play play = {0};

	play_step(&play, NULL, "{\"welcome\":true}", NULL);
	play_step(&play, NULL, NULL, NULL);
	play_step(&play, "{\"hi\":1}", NULL, NULL);
	greeting_begin(&play.greeting, &play.settings, GREET_USUAL);
	expect_next(&play, NOW_US, GREETING_WAIT);
	expect_next(&play, NOW_US, GREETING_WAIT);
	cr_assert_eq(feed(&play, "{\"welcome\":true}"), GREETING_SEND);
	expect_send(&play, NOW_US, "{\"hi\":1}");
	expect_next(&play, NOW_US, GREETING_DONE);
	play_end(&play);
}

Test(greeting, what_cannot_be_read_is_not_for_it)
{
	struct play play = {0};

	play_step(&play, "{}", "{\"id\":1}", NULL);
	greeting_begin(&play.greeting, &play.settings, GREET_USUAL);
	expect_send(&play, NOW_US, "{}");
	cr_assert_eq(feed(&play, "{\"id\":1"), GREETING_PUSH);
	cr_assert_eq(feed(&play, ""), GREETING_PUSH);
	cr_assert_eq(feed(&play, "[1]"), GREETING_PUSH);
	cr_assert_eq(feed(&play, "hello"), GREETING_PUSH);
	cr_assert_eq(feed(&play, "{\"id\":1}"), GREETING_SEND);
	play_end(&play);
}

Test(greeting, understands_messagepack)
{
	static const char ok[] = "\x82\xa2id\x01\xa2ok\xc3";
	struct play play = {0};

	play_step(&play, "{}", "{\"id\":1,\"ok\":true}", NULL);
	greeting_begin(&play.greeting, &play.settings, GREET_USUAL);
	expect_send(&play, NOW_US, "{}");
	cr_assert_eq(greeting_feed(&play.greeting, ENCODING_MSGPACK, span_of(ok, sizeof(ok) - 1)),
		     GREETING_SEND);
	expect_next(&play, NOW_US, GREETING_DONE);
	play_end(&play);
}

Test(greeting, steps_for_a_source_are_a_part_of_their_own)
{
	static const struct {
		enum greeting_part part;
		const char *sent;
	} table[] = {{GREET_ALL, "abc"}, {GREET_USUAL, "ac"}, {GREET_SOURCE, "b"}};
	struct greeting_step steps[] = {
		{.send = "a"}, {.send = "b", .push_source = true}, {.send = "c"}};
	struct pool_settings settings = {.on_connect = steps, .on_connect_count = 3};

	for (size_t i = 0; i < 3; i++) {
		struct greeting greeting;
		char sent[8] = "";
		struct span send;

		greeting_begin(&greeting, &settings, table[i].part);
		while (greeting_next(&greeting, 1, &send) == GREETING_SEND)
			strncat(sent, send.at, send.len);
		cr_assert_str_eq(sent, table[i].sent);
	}
}
