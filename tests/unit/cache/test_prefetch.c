/* What is guessed of what is asked. */
#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/cache/prefetch.h"
#include "broker/cache/verdicts.h"
#include "common/rng.h"
#include "proto/transcode.h"

#define MS UINT64_C(1000)

static struct envelope *envelope;
static struct prefetch *prefetch;
static uint64_t now_us;
static enum encoding encoding;
static struct strbuf asked;			/* the latest request */
static struct strbuf guessed[PREFETCH_GUESSES]; /* as JSON */
static uint32_t rules[PREFETCH_GUESSES];

static void set_up(void)
{
	cr_assert_eq(envelope_create(&envelope, NULL, NULL, 0), WSB_OK);
	cr_assert_eq(prefetch_create(&prefetch, UINT64_C(1) << 20, 7), WSB_OK);
	now_us = 1000 * MS;
	encoding = ENCODING_JSON;
}

static void tear_down(void)
{
	prefetch_destroy(prefetch);
	envelope_destroy(envelope);
	strbuf_fini(&asked);
	for (size_t i = 0; i < PREFETCH_GUESSES; i++)
		strbuf_fini(&guessed[i]);
}

TestSuite(prefetch, .init = set_up, .fini = tear_down);

static void put_in(struct strbuf *out, enum encoding to, struct span text)
{
	strbuf_clear(out);
	if (to == encoding)
		strbuf_add(out, text);
	else
		cr_assert_eq(transcode(encoding, to, text, out), WSB_OK);
}

/* The message as it travels. */
static void scan(enum message_side side, const char *json, struct strbuf *text,
		 struct message *message)
{
	strbuf_clear(text);
	if (encoding == ENCODING_JSON)
		strbuf_text(text, json);
	else
		cr_assert_eq(transcode(ENCODING_JSON, encoding, span_text(json), text), WSB_OK);
	cr_assert_eq(envelope_scan(envelope, side, encoding, strbuf_span(text), message), WSB_OK,
		     "%s", json);
}

static size_t keep(size_t count, const struct prefetch_guess *guesses)
{
	for (size_t i = 0; i < count; i++) {
		cr_assert_eq(guesses[i].encoding, encoding);
		put_in(&guessed[i], ENCODING_JSON, guesses[i].text);
		rules[i] = guesses[i].rule;
	}
	return count;
}

static size_t ask_keyed(uint64_t client, const char *common, const char *json)
{
	struct prefetch_guess guesses[PREFETCH_GUESSES];
	struct message message;
	struct prefetch_request request = {
		.client = client, .common = span_text(common), .message = &message};

	now_us += 10 * MS;
	scan(FROM_CLIENT, json, &asked, &message);
	return keep(prefetch_note(prefetch, &request, now_us, guesses), guesses);
}

/* Here the text itself stands for the part of the key that is the same for all. */
static size_t ask(uint64_t client, const char *json)
{
	return ask_keyed(client, json, json);
}

static size_t answer(uint64_t client, const char *question, const char *json)
{
	struct prefetch_guess guesses[PREFETCH_GUESSES];
	struct message message, result;
	struct strbuf text;
	struct prefetch_request request = {
		.client = client, .common = span_text(question), .message = &message};
	size_t count;

	strbuf_init(&text);
	scan(FROM_CLIENT, question, &asked, &message);
	scan(FROM_UPSTREAM, json, &text, &result);
	count = keep(prefetch_answered(prefetch, &request, &result, now_us, guesses), guesses);
	strbuf_fini(&text);
	return count;
}

static const char *call(const char *method, const char *params)
{
	static char texts[8][512];
	static size_t at;
	char *text = texts[at++ % 8];

	snprintf(text, sizeof(texts[0]),
		 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	return text;
}

static const char *call_id(const char *method, const char *format, unsigned int id)
{
	char params[128];

	snprintf(params, sizeof(params), format, id, id);
	return call(method, params);
}

static void expect_guess(size_t count, const char *text)
{
	cr_assert_eq(count, 1, "%zu guesses, one was %s", count, text);
	cr_expect_str_eq(guessed[0].text, text);
}

Test(prefetch, what_followed_twice_is_expected_again)
{
	const char *a = call("a", "{\"x\":1}");

	for (int i = 0; i < 2; i++) {
		cr_expect_eq(ask(1, a), 0);
		cr_expect_eq(ask(1, call("b", "[\"two\"]")), 0);
		cr_expect_eq(ask(1, call("c", "[3]")), 0);
	}
	/* Of one client by another one: but for method and params the message is its own. */
	expect_guess(ask_keyed(2, a,
			       "{\"id\":\"q\",\"method\":\"a\",\"jsonrpc\":\"2.0\",\"auth\":7,"
			       "\"params\":{\"x\":1}}"),
		     "{\"id\":\"q\",\"method\":\"b\",\"jsonrpc\":\"2.0\",\"auth\":7,\"params\":["
		     "\"two\"]}");
}

Test(prefetch, what_follows_half_of_the_time_is_expected)
{
	size_t guesses = 0;

	for (unsigned int i = 0; i < 13; i++) {
		guesses = ask(1, call("a", "[1]"));
		ask(1, call("b", i % 2 ? "[1]" : "[2]"));
	}
	cr_expect_eq(guesses, 2);
	for (unsigned int i = 0; i < 12; i++) {
		guesses = ask(2, call("x", "[1]"));
		ask(2, call_id("y", "[%u]", i % 3));
	}
	cr_expect_eq(guesses, 0);
}

static void learn_rights(uint64_t client, unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		ask(client, call_id("getUser", "{\"id\":%u,\"lang\":\"cs\"}", 100 + i));
		ask(client, call_id("getRights", "[{\"user\":%u},true,\"all\"]", 100 + i));
	}
}

Test(prefetch, values_that_were_never_seen_are_foreseen)
{
	for (int form = ENCODING_JSON; form <= ENCODING_MSGPACK; form++) {
		encoding = form;
		learn_rights(1 + (uint64_t)form, 4);
		expect_guess(ask(9 + (uint64_t)form,
				 call_id("getUser", "{\"id\":%u,\"lang\":\"en\"}", 70000)),
			     call_id("getRights", "[{\"user\":%u},true,\"all\"]", 70000));
	}
}

Test(prefetch, values_of_a_result_are_waited_for)
{
	for (unsigned int i = 0; i < 6; i++) {
		const char *search = call_id("search", "{\"name\":\"n%u\"}", i);
		char result[128];

		snprintf(result, sizeof(result),
			 "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"hits\":[{\"id\":\"k-%u\"}]}}",
			 i * 7);
		cr_expect_eq(ask(1, search), 0);
		answer(1, search, result);
		ask(1, call_id("getItem", "{\"id\":\"k-%u\"}", i * 7));
	}
	cr_expect_eq(ask(1, call("search", "{\"name\":\"x\"}")), 0);
	expect_guess(
		answer(1, call("search", "{\"name\":\"x\"}"),
		       "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"hits\":[{\"id\":\"k-999\"},"
		       "{\"id\":\"k-1\"}]}}"),
		call("getItem", "{\"id\":\"k-999\"}"));
}

Test(prefetch, each_client_has_an_order_of_its_own)
{
	/* Interleaved, so that nothing follows itself in the order of arrival. */
	for (unsigned int i = 0; i < 5; i++) {
		for (uint64_t client = 1; client <= 3; client++)
			ask(client, call_id("getUser", "[%u]", (unsigned int)client * 1000 + i));
		for (uint64_t client = 3; client >= 1; client--)
			ask(client, call_id("getRights", "[%u]", (unsigned int)client * 1000 + i));
	}
	expect_guess(ask(7, call("getUser", "[5]")), call("getRights", "[5]"));
}

Test(prefetch, what_comes_a_minute_later_does_not_follow)
{
	for (int i = 0; i < 6; i++) {
		ask(1, call("a", "[1]"));
		now_us += 60000 * MS;
		ask(1, call("b", "[2]"));
		now_us += 60000 * MS;
	}
	cr_expect_eq(ask(1, call("a", "[1]")), 0);
}

/* Asks for a user, and sends what is guessed. True: there was a guess. */
static bool ask_and_send(unsigned int id)
{
	size_t count = ask(1, call_id("getUser", "{\"id\":%u}", id));

	for (size_t i = 0; i < count; i++)
		prefetch_issued(prefetch, rules[i], strbuf_span(&guessed[i]), now_us);
	return count > 0;
}

static void follow_up(unsigned int id)
{
	ask(1, call_id("getRights", "{\"user\":%u}", id));
}

static struct prefetch_stats stats(void)
{
	struct prefetch_stats out;

	prefetch_stats(prefetch, now_us, &out);
	return out;
}

/* Guesses whose time is up are wasted. */
static void let_pass(uint64_t us)
{
	now_us += us;
	for (int i = 0; i < 256; i++)
		prefetch_upkeep(prefetch, now_us);
}

Test(prefetch, what_is_asked_for_was_used)
{
	unsigned int id = 1;

	for (; id <= 10; id++) {
		ask_and_send(id);
		follow_up(id);
	}
	cr_expect_geq(stats().issued, 5);
	cr_expect_eq(stats().used, stats().issued);
	cr_expect_eq(stats().wasted, 0);
	cr_assert(ask_and_send(id));
	let_pass(PREFETCH_WAIT_US - 1);
	cr_expect_eq(stats().wasted, 0);
	let_pass(2);
	cr_expect_eq(stats().wasted, 1);
	cr_expect_eq(stats().issued, stats().used + 1);
}

/* Of 20 are 11 followed up: enough to go on guessing, and too few to be believed for long. Ends
 * with a rest. Returns how many guesses were sent. */
static size_t guess_badly(unsigned int *id)
{
	size_t sent = 0;

	for (unsigned int i = 0; i < 400 && stats().resting == 0; i++, ++*id) {
		sent += ask_and_send(*id);
		if (i % 2 == 0 || i % 20 == 1)
			follow_up(*id);
		else
			ask(1, call_id("somethingElse", "[\"%u\"]", *id));
		for (int second = 0; i % 20 == 19 && second <= 30 && stats().resting == 0; second++)
			let_pass(1000 * MS);
	}
	cr_assert_eq(stats().resting, 1);
	return sent;
}

Test(prefetch, a_rule_that_is_mostly_wrong_switches_itself_off_for_a_while)
{
	unsigned int id = 1;

	cr_expect_geq(guess_badly(&id), 100);
	for (int i = 0; i < 10; i++, id++) {
		cr_expect_not(ask_and_send(id));
		follow_up(id);
	}
	/* It tries again, and is believed less. */
	let_pass(VERDICTS_REST_US);
	cr_expect_eq(stats().resting, 0);
	cr_expect_lt(guess_badly(&id), 60);
	cr_expect_eq(stats().rests, 2);
	let_pass(VERDICTS_REST_US);
	cr_expect_eq(stats().resting, 1);
	/* And when the world is as it says, it stays. */
	let_pass(VERDICTS_REST_US);
	for (int i = 0; i < 300; i++, id++) {
		ask_and_send(id);
		follow_up(id);
	}
	cr_expect_eq(stats().resting, 0);
	cr_expect(ask_and_send(id));
}

Test(prefetch, verdicts_are_those_of_the_last_hundred)
{
	struct verdicts verdicts = {.count = 0};

	for (int i = 0; i < 99; i++)
		cr_assert_not(verdicts_add(&verdicts, false, 1, 1));
	cr_expect(verdicts_add(&verdicts, true, 1, 1));
	cr_expect_not(verdicts_allow(&verdicts, VERDICTS_REST_US));
	cr_expect(verdicts_allow(&verdicts, 1 + VERDICTS_REST_US));
	/* What was sent before says nothing of how it is now. */
	for (int i = 0; i < 99; i++)
		cr_assert_not(verdicts_add(&verdicts, false, 1, 2 + VERDICTS_REST_US));
	cr_expect(verdicts_allow(&verdicts, 2 + VERDICTS_REST_US));
	verdicts = (struct verdicts){.count = 0};
	for (int i = 0; i < 1000; i++)
		cr_assert_not(verdicts_add(&verdicts, i % 5 < 3, 1, 1), "%d", i);
	for (int i = 0; i < 5; i++)
		if (verdicts_add(&verdicts, false, 1, 1))
			return;
	cr_assert_fail("59 of 100 are fewer than 60");
}

Test(prefetch, chance_is_no_habit)
{
	struct rng rng;
	size_t guesses = 0;

	rng_init(&rng, 3);
	for (int i = 0; i < 5000; i++)
		guesses += ask(1, call_id("get", "[%u]", (unsigned int)rng_below(&rng, 500)));
	cr_expect_lt(guesses, 50, "%zu", guesses);
}

Test(prefetch, memory_is_bounded)
{
	struct rng rng;

	rng_init(&rng, 4);
	for (unsigned int i = 0; i < 60000; i++) {
		char params[300];
		char method[32];

		snprintf(method, sizeof(method), "m%u", (unsigned int)rng_below(&rng, 3000));
		snprintf(params, sizeof(params), "[%u,\"%0250u\"]", i % 7000, i % 7000);
		ask(rng_below(&rng, 100000), call(method, params));
		if (i % 3 == 0)
			ask(i % 50, call("same", params));
	}
	cr_expect_leq(stats().bytes, UINT64_C(1) << 20);
	cr_expect_leq(stats().methods, 512);
}

Test(prefetch, what_cannot_be_rewritten_is_left_alone)
{
	static const char *const texts[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"get\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\u0067et\",\"params\":[1]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (int round = 0; round < 4; round++) {
			cr_expect_eq(ask(i, texts[i]), 0);
			ask(i, call("next", "[1]"));
			ask(i, call("last", "[2]"));
		}
	}
}

static uint64_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* Whatever is asked: many methods, many clients, params of any length, what follows what. */
Test(prefetch, takes_no_more_memory_than_it_is_given)
{
	static const uint64_t sizes[] = {PREFETCH_BYTES_MIN, UINT64_C(1) << 20, UINT64_C(4) << 20};
	static char json[2048];
	struct rng rng;

	rng_init(&rng, 5);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t before;

		prefetch_destroy(prefetch);
		before = allocated();
		cr_assert_eq(prefetch_create(&prefetch, sizes[i], 7), WSB_OK);
		for (uint32_t n = 0; n < 60000; n++) {
			uint32_t number = (uint32_t)rng_below(&rng, 20000) / 4 * 4;

			for (uint32_t k = 0; k < 3; k++) {
				snprintf(json, sizeof(json),
					 "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
					 "\"method.with.quite.a.name.%u\",\"params\":{\"a\":%u,"
					 "\"b\":\"%0*u\"}}",
					 (number + k) % 1000, number + k, (int)(number % 480) + 1,
					 number);
				ask(number % 999, json);
			}
		}
		cr_assert_leq(allocated() - before, sizes[i], "%lu of %lu",
			      (unsigned long)(allocated() - before), (unsigned long)sizes[i]);
	}
}
