#include <criterion/criterion.h>
#include <string.h>
#include "common/clock.h"
#include "proto/event_words.h"
#include "proto/transcode.h"

/* The example of the contract. */
static const char invalidated[] =
	"{\"specversion\":\"1.0\",\"type\":\"wsbroker.cache.invalidated.v1\","
	"\"source\":\"/wsbroker/broker-a/01JD\",\"id\":\"01JE\","
	"\"time\":\"2026-11-22T07:12:00.123Z\","
	"\"data\":{\"position\":\"1763795520123-4711\",\"op\":\"invalidate\",\"mode\":\"hard\","
	"\"tags\":[\"property:42\"],\"match\":\"any\",\"keys\":[],\"methods\":[],"
	"\"cause\":\"push\"}}";

static struct event sample(void)
{
	static const struct span tags[] = {{.at = "property:42", .len = 11}};
	struct event event = {.source = span_text("/wsbroker/broker-a/01JD"),
			      .id = span_text("01JE"),
			      .position = {UINT64_C(1763795520123), 4711},
			      .what = {.tags = tags, .tag_count = 1},
			      .cause = span_text("push")};

	cr_assert_eq(clock_read(span_text("2026-11-22T07:12:00.123Z"), &event.time_us), WSB_OK);
	return event;
}

static void check_text(const struct event *event, const char *json)
{
	struct strbuf text, packed, expected;

	strbuf_init(&text);
	strbuf_init(&packed);
	strbuf_init(&expected);
	cr_assert_eq(event_write(ENCODING_JSON, event, &text), WSB_OK);
	cr_assert_str_eq(text.text, json);
	/* The same map. */
	cr_assert_eq(event_write(ENCODING_MSGPACK, event, &packed), WSB_OK);
	strbuf_clear(&text);
	cr_assert_eq(transcode(ENCODING_MSGPACK, ENCODING_JSON, strbuf_span(&packed), &text),
		     WSB_OK);
	cr_assert_str_eq(text.text, json);
	strbuf_fini(&text);
	strbuf_fini(&packed);
	strbuf_fini(&expected);
}

Test(event, has_the_form_of_the_contract)
{
	struct event event = sample();

	check_text(&event, invalidated);
}

Test(event, of_each_type_is_written_and_read)
{
	struct event event = sample();

	event.type = EVENT_FLUSHED;
	event.what = (struct invalidation){.all = true, .mode = INVALIDATE_SOFT};
	event.position = (struct position){0};
	check_text(&event,
		   "{\"specversion\":\"1.0\",\"type\":\"wsbroker.cache.flushed.v1\","
		   "\"source\":\"/wsbroker/broker-a/01JD\",\"id\":\"01JE\","
		   "\"time\":\"2026-11-22T07:12:00.123Z\",\"data\":{\"position\":null,"
		   "\"op\":\"flush\",\"mode\":\"soft\",\"tags\":[],\"match\":\"any\",\"keys\":[],"
		   "\"methods\":[],\"cause\":\"push\"}}");
	event.type = EVENT_RESYNC;
	event.cause = span_text("epoch");
	check_text(&event,
		   "{\"specversion\":\"1.0\",\"type\":\"wsbroker.cache.resync.v1\","
		   "\"source\":\"/wsbroker/broker-a/01JD\",\"id\":\"01JE\","
		   "\"time\":\"2026-11-22T07:12:00.123Z\",\"data\":{\"position\":null,"
		   "\"op\":\"resync\",\"mode\":\"soft\",\"tags\":[],\"match\":\"any\",\"keys\":[],"
		   "\"methods\":[],\"cause\":\"epoch\"}}");
	event.type = EVENT_HEARTBEAT;
	event.heartbeat = (struct event_heartbeat){.node = span_text("broker-a"),
						   .version = span_text("0.1.0"),
						   .clients = 500,
						   .score = 93.5};
	check_text(&event, "{\"specversion\":\"1.0\",\"type\":\"wsbroker.heartbeat.v1\","
			   "\"source\":\"/wsbroker/broker-a/01JD\",\"id\":\"01JE\","
			   "\"time\":\"2026-11-22T07:12:00.123Z\",\"data\":{\"position\":null,"
			   "\"op\":\"heartbeat\",\"node\":\"broker-a\",\"version\":\"0.1.0\","
			   "\"clients\":500,\"score\":93.5}}");
}

static void read_back(enum encoding encoding, const struct event *event, struct event_held *held)
{
	struct strbuf text;

	strbuf_init(&text);
	cr_assert_eq(event_write(encoding, event, &text), WSB_OK);
	cr_assert_eq(event_read(encoding, strbuf_span(&text), held), WSB_OK);
	strbuf_fini(&text);
}

Test(event, says_after_reading_what_was_written)
{
	static const struct span keys[] = {{.at = "front \"page\"\n", .len = 13},
					   {.at = "\xc3\xa9", .len = 2}};
	static const struct span methods[] = {{.at = "agent.*", .len = 7}};
	static const enum encoding encodings[] = {ENCODING_JSON, ENCODING_MSGPACK};
	struct event event = sample();

	event.what.mode = INVALIDATE_SOFT;
	event.what.match = MATCH_ALL;
	event.what.keys = keys;
	event.what.key_count = 2;
	event.what.methods = methods;
	event.what.method_count = 1;
	for (size_t i = 0; i < 2; i++) {
		struct event_held held;
		const struct event *read = &held.event;

		read_back(encodings[i], &event, &held);
		cr_assert_eq(read->type, EVENT_INVALIDATED);
		cr_assert(span_equal(read->source, event.source));
		cr_assert(span_equal(read->id, event.id));
		cr_assert_eq(read->time_us, event.time_us);
		cr_assert(position_equal(read->position, event.position));
		cr_assert(read->what.mode == INVALIDATE_SOFT && read->what.match == MATCH_ALL);
		cr_assert(read->what.tag_count == 1 && read->what.key_count == 2 &&
			  read->what.method_count == 1);
		cr_assert(span_equal(read->what.tags[0], event.what.tags[0]));
		cr_assert(span_equal(read->what.keys[0], keys[0]));
		cr_assert(span_equal(read->what.keys[1], keys[1]));
		cr_assert(span_equal(read->what.methods[0], methods[0]));
		cr_assert(span_is(read->cause, "push"));
		event_held_fini(&held);
	}
}

Test(event, of_everything_reads_as_everything)
{
	struct event event = sample();
	struct event_held held;

	event.type = EVENT_FLUSHED;
	event.what = (struct invalidation){.all = true};
	read_back(ENCODING_MSGPACK, &event, &held);
	cr_assert(held.event.type == EVENT_FLUSHED && held.event.what.all);
	event_held_fini(&held);
	event.type = EVENT_HEARTBEAT;
	event.heartbeat = (struct event_heartbeat){
		.node = span_text("b"), .version = span_text("1"), .clients = 3, .score = -1};
	read_back(ENCODING_JSON, &event, &held);
	cr_assert(held.event.type == EVENT_HEARTBEAT && held.event.heartbeat.clients == 3 &&
		  held.event.heartbeat.score < 0 && span_is(held.event.heartbeat.node, "b"));
	event_held_fini(&held);
}

Test(event, is_written_around_its_position)
{
	struct event event = sample();
	struct strbuf out, whole;
	size_t gap;

	strbuf_init(&out);
	strbuf_init(&whole);
	event.position = (struct position){0};
	strbuf_text(&out, "before");
	cr_assert_eq(event_write_around(ENCODING_JSON, &event, &out, &gap), WSB_OK);
	strbuf_add(&whole, span_of(out.text + 6, gap - 6));
	strbuf_text(&whole, "\"1763795520123-4711\"");
	strbuf_add(&whole, span_of(out.text + gap, out.len - gap));
	cr_assert_str_eq(whole.text, invalidated);
	strbuf_fini(&out);
	strbuf_fini(&whole);
}

#define HEAD                                                                                       \
	"{\"specversion\":\"1.0\",\"type\":\"wsbroker.cache.invalidated.v1\",\"source\":\"s\","    \
	"\"id\":\"i\""

Test(event, lets_a_later_version_pass)
{
	struct event_held held;

	cr_assert_eq(event_read(ENCODING_JSON,
				span_text("{\"specversion\":\"1.0\",\"type\":\"wsbroker.new.v9\","
					  "\"source\":\"s\",\"id\":\"i\",\"extra\":[1],"
					  "\"data\":{\"position\":\"5-6\",\"tags\":3}}"),
				&held),
		     WSB_OK);
	cr_assert_eq(held.event.type, EVENT_OTHER);
	cr_assert(position_equal(held.event.position, (struct position){5, 6}));
	event_held_fini(&held);
	/* Nor need members be there that have a meaning without. */
	cr_assert_eq(event_read(ENCODING_JSON, span_text(HEAD ",\"data\":{\"new\":1}}"), &held),
		     WSB_OK);
	cr_assert(held.event.what.mode == INVALIDATE_HARD && held.event.what.tag_count == 0);
	cr_assert_not(position_is_set(held.event.position));
	event_held_fini(&held);
}

Test(event, is_refused_when_it_is_none)
{
	static const char *const cases[] = {
		"",
		"{",
		"null",
		"[]",
		"\"x\"",
		"{}",
		HEAD "}",
		HEAD ",\"data\":[]}",
		HEAD ",\"data\":{\"tags\":\"a\"}}",
		HEAD ",\"data\":{\"tags\":[1]}}",
		HEAD ",\"data\":{\"tags\":[\"\"]}}",
		HEAD ",\"data\":{\"keys\":{}}}",
		HEAD ",\"data\":{\"methods\":null}}",
		HEAD ",\"data\":{\"mode\":\"gentle\"}}",
		HEAD ",\"data\":{\"match\":1}}",
		HEAD ",\"data\":{\"cause\":1}}",
		HEAD ",\"data\":{\"position\":\"5\"}}",
		HEAD ",\"data\":{\"position\":5}}",
		"{\"specversion\":\"0.3\",\"type\":\"t\",\"source\":\"s\",\"id\":\"i\"}",
		"{\"specversion\":1.0,\"type\":\"t\",\"source\":\"s\",\"id\":\"i\"}",
		"{\"specversion\":\"1.0\",\"type\":\"\",\"source\":\"s\",\"id\":\"i\"}",
		"{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"\",\"id\":\"i\"}",
		"{\"specversion\":\"1.0\",\"type\":\"t\",\"source\":\"s\",\"id\":7}",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct event_held held;

		cr_assert_eq(event_read(ENCODING_JSON, span_text(cases[i]), &held), WSB_EPARSE,
			     "%s", cases[i]);
		cr_assert_null(held.tree);
		cr_assert_null(held.spans);
	}
}

static enum wsb_err read_list(size_t count, size_t spaces)
{
	struct event_held held;
	struct strbuf text;
	enum wsb_err err;

	strbuf_init(&text);
	strbuf_text(&text, HEAD ",\"data\":{\"keys\":[\"a\"");
	for (size_t i = 1; i < count; i++)
		strbuf_text(&text, ",\"a\"");
	strbuf_text(&text, "]}}");
	for (size_t i = 0; i < spaces; i++)
		strbuf_text(&text, " ");
	err = event_read(ENCODING_JSON, strbuf_span(&text), &held);
	event_held_fini(&held);
	strbuf_fini(&text);
	return err;
}

Test(event, is_bounded)
{
	cr_assert_eq(read_list(EVENT_NAMES_MAX, 0), WSB_OK);
	cr_assert_eq(read_list(EVENT_NAMES_MAX + 1, 0), WSB_ELIMIT);
	cr_assert_eq(read_list(1, 65000), WSB_OK);
	cr_assert_eq(read_list(1, EVENT_BYTES_MAX), WSB_ELIMIT);
}

Test(event, concerns_whoever_asked_for_a_tag_of_it)
{
	static const struct {
		const char *tag;
		const char *glob;
		bool concerns;
	} cases[] = {
		{"property:42", "property:42", true},
		{"property:42", "property:*", true},
		{"property:42", "property:43", false},
		{"property:42", "city:*", false},
		{"property:*", "property:42", true},
		{"property:*", "city:1", false},
		{"property:*", "*:42", true},
		{"a\\*b", "a\\*b", true},
		{"a\\*b", "axb", false},
		{"a\\*b", "a*", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct span tags[] = {span_text("other"), span_text(cases[i].tag)};
		const struct span globs[] = {span_text("none"), span_text(cases[i].glob)};
		struct event event = {.what = {.tags = tags, .tag_count = 2}};

		cr_assert_eq(event_concerns(&event, globs, 2), cases[i].concerns, "%s for %s",
			     cases[i].tag, cases[i].glob);
		cr_assert(event_concerns(&event, NULL, 0));
	}
}

Test(event, about_everything_concerns_everybody)
{
	static const enum event_type types[] = {EVENT_FLUSHED, EVENT_RESYNC};
	const struct span globs[] = {span_text("property:42")};

	for (size_t i = 0; i < 2; i++) {
		struct event event = {.type = types[i]};

		cr_assert(event_concerns(&event, globs, 1));
	}
}

static struct strbuf written;

static struct span write_out(const struct event *event)
{
	strbuf_fini(&written);
	cr_assert_eq(event_write(ENCODING_JSON, event, &written), WSB_OK);
	return strbuf_span(&written);
}

/* What a log is full of needs no tree. */
Test(event, that_was_written_here_is_scanned)
{
	static const struct span names[] = {{"a", 1}, {"b,]\xc3\xa9", 5}, {"*", 1}};
	struct event event = sample();
	struct event_held held;

	event.what.keys = names;
	event.what.key_count = 3;
	event.what.methods = names;
	event.what.method_count = 1;
	event.what.mode = INVALIDATE_SOFT;
	event.what.match = MATCH_ALL;
	cr_assert(event_scan(write_out(&event), &held));
	cr_expect_null(held.tree);
	cr_expect(span_equal(held.event.json, strbuf_span(&written)));
	cr_expect(position_equal(held.event.position, event.position));
	cr_expect_eq(held.event.time_us, event.time_us);
	cr_expect_eq(held.event.what.mode, INVALIDATE_SOFT);
	cr_expect_eq(held.event.what.match, MATCH_ALL);
	cr_expect(span_is(held.event.what.tags[0], "property:42"));
	cr_expect(span_is(held.event.what.keys[1], "b,]\xc3\xa9"));
	cr_expect(span_is(held.event.what.methods[0], "a"));
	cr_expect(span_is(held.event.cause, "push"));
	event_place(&held.event, event.position);
	cr_expect(held.event.json.at);
	event_place(&held.event, (struct position){1, 2});
	cr_expect_null(held.event.json.at);
	event_held_fini(&held);
	event.type = EVENT_FLUSHED;
	event.what = (struct invalidation){.all = true};
	event.position = (struct position){0};
	cr_assert(event_scan(write_out(&event), &held));
	cr_expect(held.event.what.all);
	cr_expect_not(position_is_set(held.event.position));
	event_held_fini(&held);
	strbuf_fini(&written);
}

/* One byte more, less or another: it is left to the tree, or read as the tree reads it. */
Test(event, that_is_not_quite_what_is_written_here_is_read_as_ever)
{
	static const char others[] = "\"\\{}[],: x0\x7f\x80\xc2";
	struct event event = sample();
	struct span text = write_out(&event);
	char changed[512];

	for (size_t i = 0; i < text.len; i++) {
		for (size_t k = 0; k < sizeof(others); k++) {
			struct event_held scanned, read;
			struct strbuf again;

			memcpy(changed, text.at, text.len);
			changed[i] = others[k];
			if (!event_scan(span_of(changed, text.len), &scanned))
				continue;
			cr_assert_eq(
				event_read_tree(ENCODING_JSON, span_of(changed, text.len), &read),
				WSB_OK);
			strbuf_init(&again);
			cr_assert_eq(event_write(ENCODING_JSON, &read.event, &again), WSB_OK);
			cr_assert(span_equal(strbuf_span(&again), span_of(changed, text.len)),
				  "%.*s", (int)text.len, changed);
			strbuf_fini(&again);
			event_held_fini(&read);
			event_held_fini(&scanned);
		}
		cr_assert_not(event_scan(span_of(text.at, i), &(struct event_held){0}));
	}
	strbuf_fini(&written);
}
