#include "tests/unit/proto/scan.h"

#include "proto/reply.h"

static const struct envelope_settings platform = {
	.id = "/requestId",
	.method = "/type",
	.params = "/payload",
	.result = "/payload",
	.error = "/error",
	.reply = "{\"type\":\"error\",\"requestId\":$id,\"cost\":\"5$$\",\"error\":{\"code\":$code,"
		 "\"message\":$message,\"data\":$data}}",
};

static void check_message(enum encoding encoding, const struct strbuf *out, const char *wanted)
{
	struct span packed;

	if (encoding == ENCODING_JSON) {
		check_span(strbuf_span(out), wanted);
		return;
	}
	packed = msgpack_of(wanted);
	cr_assert(span_equal(strbuf_span(out), packed), "%s in MessagePack", wanted);
	exact_free(packed);
}

/* Runs a check in both encodings; id and options are JSON, or NULL. */
struct ask {
	const struct envelope_settings *settings;
	const char *id;
	const char *options;
	bool jsonrpc;
};

enum answer { ANSWER_ERROR, ANSWER_RESULT, ANSWER_RESPOND };

static enum wsb_err write_answer(enum answer answer, const struct reply_to *to, const char *text,
				 struct span options, struct strbuf *out)
{
	switch (answer) {
	case ANSWER_ERROR:
		return reply_error(to, -32002, "too \"late\"", span_text(text), options, out);
	case ANSWER_RESULT:
		return reply_result(to, span_text(text), options, out);
	default:
		return reply_respond(to, span_text(text), options, out);
	}
}

static void check(struct ask ask, enum answer answer, const char *text, const char *wanted)
{
	struct envelope *envelope = envelope_of(ask.settings);

	for (int encoding = ENCODING_JSON; encoding <= ENCODING_MSGPACK; encoding++) {
		struct span id = span_text(ask.id);
		struct reply_to to = {
			.envelope = envelope, .encoding = encoding, .jsonrpc = ask.jsonrpc};
		struct strbuf out;

		if (encoding == ENCODING_MSGPACK && ask.id)
			id = msgpack_of(ask.id);
		to.id = id;
		strbuf_init(&out);
		cr_assert_eq(write_answer(answer, &to, text, span_text(ask.options), &out), WSB_OK);
		check_message(encoding, &out, wanted);
		strbuf_fini(&out);
		if (encoding == ENCODING_MSGPACK && ask.id)
			exact_free(id);
	}
	envelope_destroy(envelope);
}

Test(reply, errors_of_jsonrpc)
{
	check((struct ask){.id = "\"a\""}, ANSWER_ERROR, "{\"reason\":\"timeout\"}",
	      "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32002,\"message\":\"too "
	      "\\\"late\\\"\",\"data\":{\"reason\":\"timeout\"}}}");
	check((struct ask){0}, ANSWER_ERROR, NULL,
	      "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32002,\"message\":\"too "
	      "\\\"late\\\"\",\"data\":null}}");
	check(
		(struct ask){
			.id = "7", .settings = &platform, .jsonrpc = true, .options = "{\"a\":1}"},
		ANSWER_ERROR, "1",
		"{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32002,\"message\":\"too "
		"\\\"late\\\"\",\"data\":1},\"wsbroker\":{\"a\":1}}");
}

Test(reply, errors_of_a_template)
{
	check((struct ask){.id = "\"q-1\"", .settings = &platform}, ANSWER_ERROR, "{}",
	      "{\"type\":\"error\",\"requestId\":\"q-1\",\"cost\":\"5$\",\"error\":{\"code\":-"
	      "32002,"
	      "\"message\":\"too \\\"late\\\"\",\"data\":{}}}");
	check((struct ask){.settings = &platform, .options = "true"}, ANSWER_ERROR, NULL,
	      "{\"type\":\"error\",\"requestId\":null,\"cost\":\"5$\",\"error\":{\"code\":-32002,"
	      "\"message\":\"too \\\"late\\\"\",\"data\":null},\"wsbroker\":true}");
}

Test(reply, results)
{
	const struct envelope_settings nested = {.id = "/m/id", .result = "/m/out/value"};
	const struct envelope_settings dollars = {.id = "/$id", .result = "/$$"};
	const struct envelope_settings arrays = {.id = "/2", .result = "/0/r"};
	const struct envelope_settings whole = {.id = "/id", .result = ""};

	check((struct ask){.id = "1"}, ANSWER_RESULT, "[1,2]",
	      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[1,2]}");
	check((struct ask){.id = "1", .options = "{}"}, ANSWER_RESULT, "null",
	      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null,\"wsbroker\":{}}");
	check((struct ask){.id = "\"x\"", .settings = &platform}, ANSWER_RESULT, "{\"a\":1}",
	      "{\"requestId\":\"x\",\"payload\":{\"a\":1}}");
	check((struct ask){.id = "\"x\"", .settings = &nested}, ANSWER_RESULT, "true",
	      "{\"m\":{\"id\":\"x\",\"out\":{\"value\":true}}}");
	check((struct ask){.id = "5", .settings = &dollars}, ANSWER_RESULT, "6",
	      "{\"$id\":5,\"$$\":6}");
	check((struct ask){.id = "5", .settings = &arrays}, ANSWER_RESULT, "6",
	      "[{\"r\":6},null,5]");
	check((struct ask){.id = "5", .settings = &whole}, ANSWER_RESULT, "{\"v\":6}",
	      "{\"v\":6,\"id\":5}");
}

Test(reply, responds_in_jsonrpc)
{
	check((struct ask){.id = "1"}, ANSWER_RESPOND, "{\"ok\":true}",
	      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"ok\":true}}");
	check((struct ask){.id = "1"}, ANSWER_RESPOND, "[1]",
	      "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[1]}");
	check((struct ask){.id = "1"}, ANSWER_RESPOND,
	      "{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":5}}",
	      "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":5}}");
	check((struct ask){.id = "1", .options = "2"}, ANSWER_RESPOND,
	      "{\"jsonrpc\":\"2.0\",\"result\":5}",
	      "{\"jsonrpc\":\"2.0\",\"result\":5,\"id\":1,\"wsbroker\":2}");
}

Test(reply, responds_in_a_form_of_its_own)
{
	const struct envelope_settings nested = {.id = "/m/a/id"};

	check((struct ask){.settings = &platform}, ANSWER_RESPOND, "{\"type\":\"auth_success\"}",
	      "{\"type\":\"auth_success\"}");
	check((struct ask){.id = "4", .settings = &platform}, ANSWER_RESPOND,
	      "{\"type\":\"auth_success\"}", "{\"type\":\"auth_success\",\"requestId\":4}");
	check((struct ask){.id = "4", .settings = &platform}, ANSWER_RESPOND, "{}",
	      "{\"requestId\":4}");
	check((struct ask){.id = "4", .settings = &platform}, ANSWER_RESPOND,
	      "{\"requestId\":\"?\",\"type\":\"x\"}", "{\"requestId\":4,\"type\":\"x\"}");
	check((struct ask){.id = "4", .settings = &nested}, ANSWER_RESPOND, "{\"b\":1}",
	      "{\"b\":1,\"m\":{\"a\":{\"id\":4}}}");
	check((struct ask){.id = "4", .settings = &nested}, ANSWER_RESPOND, "{\"m\":{},\"b\":1}",
	      "{\"m\":{\"a\":{\"id\":4}},\"b\":1}");
	check((struct ask){.id = "4", .settings = &nested}, ANSWER_RESPOND,
	      "{\"m\":{\"x\":0},\"b\":1}", "{\"m\":{\"x\":0,\"a\":{\"id\":4}},\"b\":1}");
	/* There is nowhere to put it. */
	check((struct ask){.id = "4", .settings = &nested}, ANSWER_RESPOND, "{\"m\":7}",
	      "{\"m\":7}");
}

Test(reply, ids_come_back_byte_for_byte)
{
	static const struct span ids[] = {
		{"\xcd\0\1", 3},		 /* 1, wider than need be */
		{"\xcb\x7f\xf8\0\0\0\0\0\0", 9}, /* NaN: not even JSON */
		{"\xda\0\1x", 4},
		{"\xc0", 1},
	};
	struct envelope *envelope = envelope_of(NULL);

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const struct reply_to to = {
			.envelope = envelope, .encoding = ENCODING_MSGPACK, .id = ids[i]};
		struct message message;
		struct strbuf out;

		strbuf_init(&out);
		cr_assert_eq(reply_error(&to, 1, "m", span_of(NULL, 0), span_of(NULL, 0), &out),
			     WSB_OK);
		scan(envelope, FROM_UPSTREAM, ENCODING_MSGPACK, strbuf_span(&out), &message);
		cr_assert(span_equal(message.id, ids[i]));
		cr_assert(message.failed);
		strbuf_fini(&out);
	}
	envelope_destroy(envelope);
}

Test(reply, what_cannot_be_carried_is_refused)
{
	struct envelope *envelope = envelope_of(NULL);
	struct reply_to to = {.envelope = envelope, .encoding = ENCODING_MSGPACK};
	struct strbuf out;

	strbuf_init(&out);
	cr_assert_eq(reply_result(&to, span_text("1e999"), span_of(NULL, 0), &out), WSB_EINVAL);
	cr_assert_eq(out.len, 0);
	cr_assert_eq(reply_respond(&to, span_text("nonsense"), span_of(NULL, 0), &out), WSB_EINVAL);
	strbuf_fini(&out);
	envelope_destroy(envelope);
}

Test(reply, requests_have_the_form_of_the_envelope)
{
	static const struct envelope_settings nested = {
		.id = "/meta/id", .method = "/meta/op", .params = "/body"};
	static const struct envelope_settings array = {
		.id = "/0", .method = "/2", .params = "/3/0"};
	static const struct envelope_settings whole = {.id = "/id", .method = "/do", .params = ""};
	const struct {
		const struct envelope_settings *settings;
		bool jsonrpc;
		const char *wanted;
	} table[] = {
		{NULL, false,
		 "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"a\\\"b\",\"params\":[1]}"},
		{&platform, true,
		 "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"a\\\"b\",\"params\":[1]}"},
		{&platform, false, "{\"requestId\":7,\"type\":\"a\\\"b\",\"payload\":[1]}"},
		{&nested, false, "{\"meta\":{\"id\":7,\"op\":\"a\\\"b\"},\"body\":[1]}"},
		{&array, false, "[7,null,\"a\\\"b\",{\"0\":[1]}]"},
		{&whole, false, "{\"id\":7,\"do\":\"a\\\"b\"}"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct envelope *envelope = envelope_of(table[i].settings);
		struct strbuf out;

		strbuf_init(&out);
		cr_assert_eq(request_compose(envelope, table[i].jsonrpc, span_text("7"),
					     span_text("a\"b"), span_text("[1]"), &out),
			     WSB_OK);
		check_span(strbuf_span(&out), table[i].wanted);
		strbuf_fini(&out);
		envelope_destroy(envelope);
	}
}
