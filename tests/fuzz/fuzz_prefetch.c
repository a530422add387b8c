#include "broker/cache/prefetch.h"
#include "common/strbuf.h"
#include "proto/transcode.h"
#include "tests/fuzz/fuzz.h"

static struct envelope *envelope;

static bool scan(enum message_side side, enum encoding encoding, struct span text,
		 struct message *message)
{
	return envelope_scan(envelope, side, encoding, text, message) == WSB_OK &&
	       message->flaw == FLAW_NONE && !message->batch;
}

/* What is guessed can be sent: a request of one's own encoding with the id of what it was made of.
 */
static void check_guesses(struct prefetch *prefetch, const struct message *of, size_t count,
			  const struct prefetch_guess *guesses)
{
	must(count <= PREFETCH_GUESSES);
	for (size_t i = 0; i < count; i++) {
		struct message message;

		must(guesses[i].encoding == of->encoding);
		must(scan(FROM_CLIENT, guesses[i].encoding, guesses[i].text, &message));
		must(message.method.at && message.params.at);
		must(span_equal(message.id, of->id));
	}
	for (size_t i = 0; i < count; i++)
		prefetch_issued(prefetch, guesses[i].rule, guesses[i].text, 0);
}

/* A line is a request, and its own answer. */
static void take(struct prefetch *prefetch, enum encoding encoding, struct span text,
		 uint64_t now_us)
{
	struct prefetch_guess guesses[PREFETCH_GUESSES];
	struct message message, answer;
	struct prefetch_request request = {.client = 1, .common = text, .message = &message};
	size_t count;

	if (!scan(FROM_CLIENT, encoding, text, &message) || !message.method.at)
		return;
	count = prefetch_note(prefetch, &request, now_us, guesses);
	check_guesses(prefetch, &message, count, guesses);
	if (!scan(FROM_UPSTREAM, encoding, text, &answer))
		return;
	count = prefetch_answered(prefetch, &request, &answer, now_us, guesses);
	check_guesses(prefetch, &message, count, guesses);
}

static void take_line(struct prefetch *prefetch, bool packed, struct span line, uint64_t now_us)
{
	struct strbuf text;

	strbuf_init(&text);
	if (!packed)
		take(prefetch, ENCODING_JSON, line, now_us);
	else if (transcode(ENCODING_JSON, ENCODING_MSGPACK, line, &text) == WSB_OK)
		take(prefetch, ENCODING_MSGPACK, strbuf_span(&text), now_us);
	strbuf_fini(&text);
}

/* A first byte that says in which encoding, and lines of JSON, played four times. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefetch *prefetch;

	if (size < 2)
		return 0;
	if (!envelope)
		must(envelope_create(&envelope, NULL, NULL, 0) == WSB_OK);
	must(prefetch_create(&prefetch, 0, 1) == WSB_OK);
	for (uint64_t round = 1; round <= 4; round++) {
		struct span rest = span_of((const char *)data + 1, size - 1);

		while (rest.len > 0) {
			const char *end = memchr(rest.at, '\n', rest.len);
			size_t len = end ? (size_t)(end - rest.at) : rest.len;

			take_line(prefetch, data[0] & 1, span_of(rest.at, len), round * 1000);
			len += end ? 1 : 0;
			rest = span_of(rest.at + len, rest.len - len);
		}
		prefetch_upkeep(prefetch, round * 20000000);
	}
	prefetch_destroy(prefetch);
	return 0;
}
