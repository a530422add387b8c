#include <stdio.h>
#include "tests/unit/proto/scan.h"
#include "tests/unit/proto/json_rejected.h"

Test(envelope, finds_the_parts_of_a_request)
{
	struct envelope *envelope = envelope_of(NULL);
	struct message message;

	scan_json(envelope, FROM_CLIENT,
		  " {\"jsonrpc\":\"2.0\",\"id\": 7 "
		  ",\"method\":\"a.b\",\"params\":[1,{\"id\":2}],\"x\":0} ",
		  &message);
	cr_assert_eq(message.flaw, FLAW_NONE);
	cr_assert_eq(message.members, 5);
	cr_assert(message.jsonrpc && !message.batch && !message.failed && !message.id_is_null);
	check_span(message.id, "7");
	check_span(message.method, "a.b");
	check_span(message.params, "[1,{\"id\":2}]");
	check_span(message.result, NULL);
	check_span(message.error, NULL);
	check_span(message.options, NULL);
	envelope_destroy(envelope);
}

Test(envelope, finds_the_parts_of_an_answer)
{
	struct envelope *envelope = envelope_of(NULL);
	struct message message;

	scan_json(envelope, FROM_UPSTREAM, "{\"id\":\"x\",\"result\":{\"error\":1},\"error\":null}",
		  &message);
	check_span(message.id, "\"x\"");
	check_span(message.result, "{\"error\":1}");
	check_span(message.error, "null");
	cr_assert(!message.failed);
	scan_json(envelope, FROM_UPSTREAM, "{\"id\":1,\"error\":{\"code\":-1}}", &message);
	cr_assert(message.failed);
	scan_json(envelope, FROM_UPSTREAM, "{\"id\":1,\"error\":false}", &message);
	cr_assert(!message.failed);
	scan_json(envelope, FROM_UPSTREAM, "{\"id\":1,\"error\":0}", &message);
	cr_assert(message.failed);
	scan_json(envelope, FROM_CLIENT, "{\"id\":1,\"method\":\"m\",\"error\":1}", &message);
	cr_assert(!message.failed);
	envelope_destroy(envelope);
}

static const char *const good_ids[] = {
	"0",
	"-1",
	"1.50",
	"1e3",
	"9007199254740993",
	"-123456789012345678901234567890",
	"null",
	"\"\"",
	"\"a\\\"b\\u00e9\"",
	"\"\xc3\xa9\"",
	"\"6f1c2b1e-9f0e-4f6e-8d5a-0123456789ab\"",
	"\"1\"",
};

Test(envelope, every_form_of_id_is_kept_as_it_stands)
{
	struct envelope *envelope = envelope_of(NULL);

	for (size_t i = 0; i < sizeof(good_ids) / sizeof(good_ids[0]); i++) {
		struct message message;
		char text[128];

		snprintf(text, sizeof(text), "{\"id\":%s,\"method\":\"m\"}", good_ids[i]);
		scan_json(envelope, FROM_CLIENT, text, &message);
		check_span(message.id, good_ids[i]);
		cr_assert_eq(message.id_is_null, strcmp(good_ids[i], "null") == 0);
		cr_assert_eq(message.flaw, FLAW_NONE);
		snprintf(text, sizeof(text), "{\"method\":\"m\" , \"id\" :\t%s }", good_ids[i]);
		scan_json(envelope, FROM_CLIENT, text, &message);
		check_span(message.id, good_ids[i]);
	}
	envelope_destroy(envelope);
}

static void check_flaw(const struct envelope *envelope, const char *text, enum message_flaw flaw,
		       const char *id)
{
	struct message message;
	struct span packed = msgpack_of(text);

	scan_json(envelope, FROM_CLIENT, text, &message);
	cr_assert_eq(message.flaw, flaw, "%s", text);
	check_span(message.id, id);
	scan(envelope, FROM_CLIENT, ENCODING_MSGPACK, packed, &message);
	cr_assert_eq(message.flaw, flaw, "%s as MessagePack", text);
	cr_assert_eq(message.id.at != NULL, id != NULL);
	exact_free(packed);
}

Test(envelope, flaws_are_told_apart_and_leave_the_id)
{
	struct envelope *envelope = envelope_of(NULL);

	check_flaw(envelope, "1", FLAW_NOT_AN_OBJECT, NULL);
	check_flaw(envelope, "null", FLAW_NOT_AN_OBJECT, NULL);
	check_flaw(envelope, " \"{}\" ", FLAW_NOT_AN_OBJECT, NULL);
	check_flaw(envelope, "{\"id\":true,\"method\":\"m\"}", FLAW_ID_TYPE, NULL);
	check_flaw(envelope, "{\"id\":[1],\"method\":\"m\"}", FLAW_ID_TYPE, NULL);
	check_flaw(envelope, "{\"id\":{},\"method\":\"m\"}", FLAW_ID_TYPE, NULL);
	check_flaw(envelope, "{\"id\":1,\"method\":2}", FLAW_METHOD_TYPE, "1");
	check_flaw(envelope, "{\"id\":1,\"method\":null}", FLAW_METHOD_TYPE, "1");
	check_flaw(envelope, "{\"id\":1,\"id\":1}", FLAW_DUPLICATE, NULL);
	check_flaw(envelope, "{\"id\":1,\"method\":\"m\",\"method\":\"m\"}", FLAW_DUPLICATE, "1");
	check_flaw(envelope, "{\"params\":1,\"id\":3,\"params\":2}", FLAW_DUPLICATE, "3");
	check_flaw(envelope, "{\"id\":1,\"wsbroker\":{},\"wsbroker\":{}}", FLAW_DUPLICATE, "1");
	check_flaw(envelope, "{\"id\":1,\"jsonrpc\":\"2.0\",\"jsonrpc\":\"2.0\"}", FLAW_DUPLICATE,
		   "1");
	check_flaw(envelope, "{\"id\":1,\"\\u0069d\":2}", FLAW_DUPLICATE, NULL);
	check_flaw(envelope, "{\"id\":1,\"x\":1,\"x\":2,\"y\":{\"id\":1,\"id\":2}}", FLAW_NONE,
		   "1");
	check_flaw(envelope, "{\"id\":1,\"params\":{\"a\":1,\"a\":2}}", FLAW_NONE, "1");
	check_flaw(envelope, "{}", FLAW_NONE, NULL);
	envelope_destroy(envelope);
}

Test(envelope, names_compare_after_unescaping)
{
	struct envelope *envelope = envelope_of(NULL);
	struct message message;

	scan_json(envelope, FROM_CLIENT,
		  "{\"\\u0069d\":5,\"\\u006d\\u0065\\u0074\\u0068\\u006f\\u0064\":\"\\u0061\\/b\","
		  "\"par\\u0061ms\":1}",
		  &message);
	check_span(message.id, "5");
	check_span(message.method, "a/b");
	check_span(message.params, "1");
	scan_json(envelope, FROM_CLIENT, "{\"\\\\u0069d\":5,\"Id\":1,\"i\":1,\"idd\":2,\"ID\":3}",
		  &message);
	check_span(message.id, NULL);
	envelope_destroy(envelope);
}

Test(envelope, a_method_with_escapes_fits_the_scratch_or_is_flawed)
{
	struct envelope *envelope = envelope_of(NULL);
	char text[METHOD_SCRATCH + 64];

	for (size_t len = METHOD_SCRATCH - 1; len <= METHOD_SCRATCH + 1; len++) {
		struct message message;

		snprintf(text, sizeof(text), "{\"method\":\"%0*d\\u0041\"}", (int)len - 1, 0);
		scan_json(envelope, FROM_CLIENT, text, &message);
		if (len <= METHOD_SCRATCH) {
			cr_assert_eq(message.flaw, FLAW_NONE);
			cr_assert_eq(message.method.len, len);
			cr_assert_eq(message.method.at[len - 1], 'A');
		} else {
			cr_assert_eq(message.flaw, FLAW_METHOD_TYPE);
			check_span(message.method, NULL);
		}
	}
	envelope_destroy(envelope);
}

Test(envelope, an_array_is_a_batch)
{
	struct envelope *envelope = envelope_of(NULL);
	struct batch_walk walk;
	struct message message;
	struct span member;

	scan_json(envelope, FROM_CLIENT, " [ ] ", &message);
	cr_assert(message.batch && message.members == 0);
	batch_begin(&walk, &message);
	cr_assert(!batch_next(&walk, &member));
	scan_json(envelope, FROM_CLIENT, " [ {\"id\":1} , 7,[[]] ,\"x\"\t] ", &message);
	cr_assert(message.batch && message.members == 4);
	cr_assert_eq(message.flaw, FLAW_NONE);
	check_span(message.id, NULL);
	batch_begin(&walk, &message);
	cr_assert(batch_next(&walk, &member));
	check_span(member, "{\"id\":1}");
	cr_assert(batch_next(&walk, &member));
	check_span(member, "7");
	cr_assert(batch_next(&walk, &member));
	check_span(member, "[[]]");
	cr_assert(batch_next(&walk, &member));
	check_span(member, "\"x\"");
	cr_assert(!batch_next(&walk, &member));
	envelope_destroy(envelope);
}

Test(envelope, a_batch_in_messagepack)
{
	struct envelope *envelope = envelope_of(NULL);
	struct span packed = msgpack_of("[{\"id\":1},7]");
	struct batch_walk walk;
	struct message message;
	struct span member;

	scan(envelope, FROM_CLIENT, ENCODING_MSGPACK, packed, &message);
	cr_assert(message.batch && message.members == 2);
	batch_begin(&walk, &message);
	cr_assert(batch_next(&walk, &member));
	check_span(member, "\x81\xa2id\x01");
	cr_assert(batch_next(&walk, &member));
	check_span(member, "\x07");
	cr_assert(!batch_next(&walk, &member));
	exact_free(packed);
	envelope_destroy(envelope);
}

static const struct envelope_settings platform = {
	.id = "/requestId",
	.method = "/type",
	.params = "/payload",
	.result = "/payload",
	.error = "/error",
	.ids = ID_STRING,
};

Test(envelope, a_form_of_its_own_with_places_that_coincide)
{
	struct envelope *envelope = envelope_of(&platform);
	struct message message;

	scan_json(envelope, FROM_CLIENT,
		  "{\"type\":\"property.get\",\"requestId\":\"q-1\",\"payload\":{\"id\":42}}",
		  &message);
	cr_assert(!message.jsonrpc);
	check_span(message.id, "\"q-1\"");
	check_span(message.method, "property.get");
	check_span(message.params, "{\"id\":42}");
	check_span(message.result, "{\"id\":42}");
	/* What is an envelope's member elsewhere is none here. */
	scan_json(envelope, FROM_CLIENT, "{\"id\":1,\"id\":2,\"method\":3,\"requestId\":4}",
		  &message);
	cr_assert_eq(message.flaw, FLAW_NONE);
	check_span(message.id, "4");
	cr_assert_eq(envelope_id_form(envelope), ID_STRING);
	envelope_destroy(envelope);
}

Test(envelope, jsonrpc_is_read_in_any_envelope)
{
	struct envelope *envelope = envelope_of(&platform);
	struct message message;

	scan_json(envelope, FROM_CLIENT,
		  "{\"method\":\"wsbroker.ping\",\"id\":1,\"requestId\":2,\"requestId\":3,"
		  "\"jsonrpc\":\"2.0\"}",
		  &message);
	cr_assert(message.jsonrpc);
	cr_assert_eq(message.flaw, FLAW_NONE);
	check_span(message.id, "1");
	check_span(message.method, "wsbroker.ping");
	envelope_destroy(envelope);
}

/* Where the parts of a message lie in forms of all kinds. NULL: nowhere. */
struct reading {
	const char *what;
	struct envelope_settings settings;
	const char *text;
	const char *id, *method, *params;
	size_t members;
};

#define NESTED                                                                                     \
	{                                                                                          \
		.id = "/meta/id", .method = "/meta/call/name", .params = "/args/0"                 \
	}
#define ALIKE                                                                                      \
	{                                                                                          \
		.id = "/requestIdentifier", .method = "/requestIdentity", .params = "/request"     \
	}

static const struct reading readings[] = {
	{"nested places", NESTED,
	 "{\"meta\":{\"call\":{\"name\":\"m\",\"id\":0},\"id\":\"x\"},\"args\":[{\"a\":1},2],"
	 "\"id\":9}",
	 "\"x\"", "m", "{\"a\":1}", 3},
	{"an array where an object should be, and the other way round", NESTED,
	 "{\"meta\":[1],\"args\":{\"0\":5}}", NULL, NULL, "5", 2},
	{"the whole message as its params",
	 {.id = "/id", .method = "/cmd", .params = "", .result = ""},
	 " {\"cmd\":\"get\",\"id\":1,\"key\":5} ",
	 "1",
	 "get",
	 "{\"cmd\":\"get\",\"id\":1,\"key\":5}",
	 3},
	{"pointers of RFC 6901",
	 {.id = "/a~1b", .method = "/m~0n", .params = "/"},
	 "{\"a/b\":1,\"m~n\":\"x\",\"\":[]}",
	 "1",
	 "x",
	 "[]",
	 3},
	{"long names that begin alike", ALIKE,
	 "{\"requestIdentifiers\":0,\"requestIdentity\":\"m\",\"requestI\":0,"
	 "\"requestIdentifier\":5,\"request\":6}",
	 "5", "m", "6", 5},
	{"only one of those", ALIKE, "{\"request\":6}", NULL, NULL, "6", 1},
};

Test(envelope, the_parts_lie_where_the_pointers_say)
{
	for (size_t i = 0; i < sizeof(readings) / sizeof(readings[0]); i++) {
		const struct reading *reading = &readings[i];
		struct envelope *envelope = envelope_of(&reading->settings);
		struct message message;

		scan_json(envelope, FROM_CLIENT, reading->text, &message);
		cr_assert_eq(message.flaw, FLAW_NONE, "%s", reading->what);
		cr_assert_eq(message.members, reading->members, "%s", reading->what);
		check_span(message.id, reading->id);
		check_span(message.method, reading->method);
		check_span(message.params, reading->params);
		envelope_destroy(envelope);
	}
}

Test(envelope, a_nested_place_that_stands_twice_is_a_flaw)
{
	const struct envelope_settings settings = NESTED;
	struct envelope *envelope = envelope_of(&settings);
	struct message message;

	scan_json(envelope, FROM_CLIENT, "{\"meta\":{\"id\":1},\"meta\":{\"id\":2}}", &message);
	cr_assert_eq(message.flaw, FLAW_DUPLICATE);
	check_span(message.id, NULL);
	envelope_destroy(envelope);
}

Test(envelope, messages_that_are_arrays)
{
	const struct envelope_settings settings = {
		.id = "/0/id", .method = "/1", .params = "/2", .result = "/2"};
	struct envelope *envelope = envelope_of(&settings);
	struct message message;

	scan_json(envelope, FROM_CLIENT, "[{\"id\":7},\"m\",[1,2]]", &message);
	cr_assert(!message.batch);
	cr_assert_eq(message.members, 3);
	check_span(message.id, "7");
	check_span(message.method, "m");
	check_span(message.params, "[1,2]");
	scan_json(envelope, FROM_CLIENT, "[{\"id\":7,\"jsonrpc\":\"2.0\"},{\"id\":8}]", &message);
	cr_assert(message.batch);
	cr_assert_eq(message.members, 2);
	scan_json(envelope, FROM_CLIENT, "{\"id\":7,\"jsonrpc\":\"2.0\",\"method\":\"m\"}",
		  &message);
	cr_assert(message.jsonrpc);
	check_span(message.method, "m");
	envelope_destroy(envelope);
}

Test(envelope, answers_and_pushes_may_differ)
{
	const struct envelope_settings settings = {
		.id = "/seq", .answer_id = "/re/seq", .method = "/op", .push = "/event"};
	struct envelope *envelope = envelope_of(&settings);
	const char *text = "{\"seq\":1,\"re\":{\"seq\":2},\"op\":\"o\",\"event\":\"e\"}";
	struct message message;

	scan_json(envelope, FROM_CLIENT, text, &message);
	check_span(message.id, "1");
	check_span(message.method, "o");
	scan_json(envelope, FROM_UPSTREAM, text, &message);
	check_span(message.id, "2");
	check_span(message.method, "e");
	envelope_destroy(envelope);
}

static bool fails(const char *pointer, const char *value, const char *text)
{
	const struct envelope_settings settings = {
		.id = "/id", .error = pointer, .error_value = value};
	struct envelope *envelope = envelope_of(&settings);
	struct span packed = msgpack_of(text);
	struct message json, msgpack;

	scan_json(envelope, FROM_UPSTREAM, text, &json);
	scan(envelope, FROM_UPSTREAM, ENCODING_MSGPACK, packed, &msgpack);
	cr_assert_eq(json.failed, msgpack.failed, "%s", text);
	exact_free(packed);
	envelope_destroy(envelope);
	return json.failed;
}

Test(envelope, failure_by_a_value)
{
	cr_assert(fails("/type", "\"error\"", "{\"type\":\"error\"}"));
	cr_assert(fails("/type", "\"error\"", "{\"type\":\"\\u0065rror\"}"));
	cr_assert(fails("/type", "\"error\"", "{\"error\":1,\"type\":\"error\"}"));
	cr_assert(!fails("/type", "\"error\"", "{\"type\":\"errors\"}"));
	cr_assert(!fails("/type", "\"error\"", "{\"type\":null}"));
	cr_assert(!fails("/type", "\"error\"", "{}"));
	cr_assert(fails("/ok", "false", "{\"ok\":false}"));
	cr_assert(!fails("/ok", "false", "{\"ok\":true}"));
	cr_assert(!fails("/ok", "false", "{\"ok\":0}"));
	cr_assert(fails("/status", "-1", "{\"status\":-1}"));
	cr_assert(fails("/status", "1", "{\"status\":1.0}"));
	cr_assert(!fails("/status", "1", "{\"status\":\"1\"}"));
	cr_assert(fails("/status", "null", "{\"status\":null}"));
	cr_assert(fails("/a/b/c", " 1e2 ", "{\"a\":{\"b\":{\"c\":100}}}"));
	cr_assert(fails("/type", "\"error\"", "{\"jsonrpc\":\"2.0\",\"error\":{}}"));
	cr_assert(!fails("/type", "\"error\"", "{\"jsonrpc\":\"2.0\",\"type\":\"error\"}"));
}

static void check_refused(struct envelope_settings settings, const char *part)
{
	struct envelope *envelope = (struct envelope *)&settings;
	char why[128] = "";

	cr_assert_eq(envelope_create(&envelope, &settings, why, sizeof(why)), WSB_EINVAL, "%s",
		     part);
	cr_assert_null(envelope);
	cr_assert(strncmp(why, part, strlen(part)) == 0, "%s: %s", part, why);
}

Test(envelope, bad_settings_are_refused_with_the_reason)
{
	const char *name = "/1234567890123456789012345678901234567890123456789012345678901234x";

	check_refused((struct envelope_settings){.id = "id"}, "id: a pointer begins");
	check_refused((struct envelope_settings){.id = ""}, "id: must name");
	check_refused((struct envelope_settings){.method = ""}, "method: must name");
	check_refused((struct envelope_settings){.params = "/a/b/c/d"}, "params: a pointer has");
	check_refused((struct envelope_settings){.result = "/a~2"}, "result: ~");
	check_refused((struct envelope_settings){.result = "/a~"}, "result: ~");
	check_refused((struct envelope_settings){.error = name}, "error: a name");
	check_refused((struct envelope_settings){.error = "/a\"b"}, "error: a name has a quote");
	check_refused((struct envelope_settings){.error = "/\xff"}, "error: a pointer is UTF-8");
	check_refused((struct envelope_settings){.push = "/wsbroker/x"}, "push: the member");
	check_refused((struct envelope_settings){.answer_id = "/wsbroker"},
		      "answer_id: the member");
	check_refused((struct envelope_settings){.id = "/0", .method = "/type"}, "either");
	check_refused((struct envelope_settings){.id = "/1000"}, "either");
	check_refused((struct envelope_settings){.error = "/e", .error_value = "{}"}, "error: ");
	check_refused((struct envelope_settings){.error = "/e", .error_value = "yes"}, "error: ");
	check_refused((struct envelope_settings){.error = "/e", .error_value = ""}, "error: ");
	check_refused((struct envelope_settings){.id = "/i", .reply = "{\"id\":\"$id\"}"},
		      "reply: ");
	check_refused((struct envelope_settings){.id = "/i", .reply = "{$id:1}"}, "reply: ");
	check_refused((struct envelope_settings){.id = "/i", .reply = "{\"id\":$ids}"}, "reply: ");
	check_refused((struct envelope_settings){.id = "/i", .reply = "{\"id\":$result}"},
		      "reply: ");
	check_refused((struct envelope_settings){.id = "/i", .reply = "{\"id\":$}"}, "reply: ");
	check_refused((struct envelope_settings){.id = "/i", .reply = ""}, "reply: ");
}

Test(envelope, what_is_not_json_is_an_error_whatever_the_envelope)
{
	struct envelope *builtin = envelope_of(NULL), *own = envelope_of(&platform);
	struct message message;

	for (size_t i = 0; i < JSON_REJECTED; i++) {
		const struct span text = exact_copy(json_rejected[i]);

		cr_assert_eq(envelope_scan(builtin, FROM_CLIENT, ENCODING_JSON, text, &message),
			     WSB_EPARSE, "case %zu", i);
		cr_assert_eq(envelope_scan(own, FROM_UPSTREAM, ENCODING_JSON, text, &message),
			     WSB_EPARSE, "case %zu", i);
		exact_free(text);
	}
	for (size_t i = 0; i < JSON_ACCEPTED; i++)
		scan(builtin, FROM_CLIENT, ENCODING_JSON, json_accepted[i], &message);
	envelope_destroy(own);
	envelope_destroy(builtin);
}

Test(envelope, every_beginning_of_a_message_is_an_error)
{
	const char *json =
		" {\"jsonrpc\":\"2.0\",\"id\":\"\\u00e9\",\"method\":\"\xc3\xa9.get\",\"params\":"
		"{\"a\":[1.5e3,true,null,\"x\"],\"b\":{}},\"wsbroker\":{\"explain\":true}}";
	struct envelope *envelope = envelope_of(NULL);
	struct span packed = msgpack_of(json);
	struct message message;

	for (size_t len = 0; len < strlen(json); len++) {
		const struct span text = exact_copy(span_of(json, len));

		cr_assert_eq(envelope_scan(envelope, FROM_CLIENT, ENCODING_JSON, text, &message),
			     WSB_EPARSE);
		exact_free(text);
	}
	for (size_t len = 0; len < packed.len; len++) {
		const struct span text = exact_copy(span_of(packed.at, len));

		cr_assert_eq(envelope_scan(envelope, FROM_CLIENT, ENCODING_MSGPACK, text, &message),
			     WSB_EPARSE);
		exact_free(text);
	}
	exact_free(packed);
	envelope_destroy(envelope);
}

Test(envelope, places_at_the_depth_limit)
{
	const struct envelope_settings settings = {.id = "/a/b/c", .params = "/p"};
	struct envelope *envelope = envelope_of(&settings);
	char text[2 * CODEC_DEPTH_MAX + 16];

	for (size_t inner = CODEC_DEPTH_MAX - 2; inner <= CODEC_DEPTH_MAX; inner++) {
		const enum wsb_err wanted = inner < CODEC_DEPTH_MAX ? WSB_OK : WSB_EPARSE;
		struct message message;
		size_t len = 5;

		memcpy(text, "{\"p\":", len);
		memset(text + len, '[', inner);
		memset(text + len + inner, ']', inner);
		len += 2 * inner;
		text[len++] = '}';
		cr_assert_eq(envelope_scan(envelope, FROM_CLIENT, ENCODING_JSON, span_of(text, len),
					   &message),
			     wanted);
	}
	envelope_destroy(envelope);
}
