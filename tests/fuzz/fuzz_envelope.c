#include "common/strbuf.h"
#include "proto/envelope.h"
#include "proto/reply.h"
#include "proto/transcode.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message.h"

/* The first byte chooses the envelope and the side, the second the encoding; the rest is the
 * message. */
static const struct envelope_settings choices[] = {
	{.id = "/id",
	 .method = "/method",
	 .params = "/params",
	 .result = "/result",
	 .error = "/error"},
	{.id = "/requestId",
	 .method = "/type",
	 .params = "/payload",
	 .result = "/payload",
	 .error = "/error",
	 .ids = ID_STRING,
	 .reply = "{\"type\":\"error\",\"requestId\":$id,\"error\":[$code,$message,$data]}"},
	{.id = "/meta/id",
	 .method = "/meta/op/name",
	 .params = "/args/0",
	 .result = "",
	 .ids = ID_UUID},
	{.id = "/0/id", .method = "/1", .params = "/2", .result = "/2/0", .error = "/3"},
	{.id = "/0", .method = "/1", .params = "/2", .result = "/2"},
	{.id = "/seq", .answer_id = "/re/seq", .method = "/op", .push = "/event", .result = "/v"},
	{.id = "/id", .method = "/t", .result = "/t/r", .error = "/t", .error_value = "\"error\""},
	{.id = "/", .method = "/~0~1", .error = "/a/b/c", .error_value = "1"},
};
#define CHOICES (sizeof(choices) / sizeof(choices[0]))

static const struct envelope *choose(uint8_t choice)
{
	static struct envelope *envelopes[CHOICES + 1];
	const size_t at = choice % (CHOICES + 1);
	char why[64];

	if (!envelopes[at])
		must(envelope_create(&envelopes[at], at < CHOICES ? &choices[at] : NULL, why,
				     sizeof(why)) == WSB_OK);
	return envelopes[at];
}

/* Whatever the id is, the broker's own answers must carry it back where answers keep it. */
static void check_replies(const struct envelope *envelope, const struct message *message)
{
	const struct reply_to to = {.envelope = envelope,
				    .encoding = message->encoding,
				    .jsonrpc = message->jsonrpc,
				    .id = message->id};
	const struct span none = {.at = NULL};
	struct message answer;
	struct strbuf out;

	strbuf_init(&out);
	must(reply_error(&to, -32000, "late", span_text("{}"), none, &out) == WSB_OK);
	must(envelope_scan(envelope, FROM_UPSTREAM, to.encoding, strbuf_span(&out), &answer) ==
	     WSB_OK);
	if (to.jsonrpc && to.id.at)
		must(span_equal(answer.id, to.id));
	strbuf_clear(&out);
	must(reply_respond(&to, span_text("{\"ok\":true}"), span_text("{}"), &out) == WSB_OK);
	must(envelope_scan(envelope, FROM_UPSTREAM, to.encoding, strbuf_span(&out), &answer) ==
	     WSB_OK);
	must(answer.options.at && answer.flaw == FLAW_NONE);
	strbuf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct envelope *envelope;
	enum message_side side;
	enum encoding encoding;
	struct message message;
	struct span text;

	if (size < 2)
		return 0;
	envelope = choose(data[0] >> 1);
	side = data[0] & 1 ? FROM_UPSTREAM : FROM_CLIENT;
	encoding = data[1] & 1 ? ENCODING_MSGPACK : ENCODING_JSON;
	text = span_of((const char *)data + 2, size - 2);
	if (envelope_scan(envelope, side, encoding, text, &message) != WSB_OK)
		return 0;
	message_check(envelope, side, &message);
	check_replies(envelope, &message);
	return 0;
}
