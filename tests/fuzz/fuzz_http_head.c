#include <string.h>
#include "broker/io/http_chunks.h"
#include "broker/io/http_head.h"
#include "broker/io/http_text.h"
#include "tests/fuzz/fuzz.h"

/* However it is cut, the end of a head stands at the same place. */
static size_t find_end(struct span text, size_t step)
{
	size_t seen = 0;
	size_t len = 0;

	for (size_t at = step < text.len ? step : text.len; len == 0; at += step) {
		len = http_head_len(span_of(text.at, at < text.len ? at : text.len), &seen);
		if (at >= text.len)
			break;
	}
	return len;
}

#define BODY_MAX   64
#define CHUNKS_MAX 4096

struct body {
	enum http_chunks_verdict verdict;
	size_t len;  /* of the body */
	size_t kept; /* with what follows it */
	char text[CHUNKS_MAX];
};

static void take_chunks(struct body *body, struct span text, size_t step)
{
	struct http_chunks chunks = {0};

	body->verdict = HTTP_CHUNKS_MORE;
	body->kept = 0;
	for (size_t at = 0; at < text.len; at += step) {
		size_t len = text.len - at < step ? text.len - at : step;

		memcpy(body->text + body->kept, text.at + at, len);
		body->kept += len;
		if (body->verdict == HTTP_CHUNKS_MORE)
			body->verdict =
				http_chunks_take(&chunks, body->text, &body->kept, BODY_MAX);
	}
	body->len = chunks.len;
	must(body->len <= BODY_MAX && body->len <= body->kept && body->kept <= text.len);
}

/* However they are cut, chunks make the same body, which the same bytes follow. */
static void join_chunks(struct span text, size_t step)
{
	static struct body whole, pieces;

	if (text.len == 0 || text.len > CHUNKS_MAX)
		return;
	take_chunks(&whole, text, text.len);
	take_chunks(&pieces, text, step);
	must(whole.verdict == pieces.verdict);
	if (whole.verdict == HTTP_CHUNKS_WHOLE)
		must(whole.len == pieces.len && whole.kept == pieces.kept &&
		     memcmp(whole.text, pieces.text, whole.kept) == 0);
}

static void must_be_clean(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		must((unsigned char)text.at[i] >= ' ' || text.at[i] == '\t');
}

/* The first byte says how the bytes are cut. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head head;
	struct http_fault fault = {0};
	const char *why = NULL;
	struct span text;
	size_t len;

	if (size < 2)
		return 0;
	text = span_of((const char *)data + 1, size - 1);
	join_chunks(text, data[0] % 16u + 1u);
	len = find_end(text, text.len);
	must(find_end(text, data[0] % 16u + 1u) == len);
	if (len == 0)
		return 0;
	if (http_head_read(&head, span_of(text.at, len), &fault)) {
		must(fault.status >= 400 && fault.why);
		return 0;
	}
	must(http_is_token(head.method) && head.path.len > 0);
	must(!head.is_1_0 || !head.keeps_alive);
	must_be_clean(head.path);
	must_be_clean(head.query);
	must_be_clean(head.connection);
	must_be_clean(head.protocols);
	must(head.lines.at >= text.at && head.lines.at + head.lines.len + 2 == text.at + len);
	must(http_head_wants_websocket(&head) || !http_lists(head.upgrade, "websocket"));
	must(http_head_fits_upgrade(&head, &why) || why);
	return 0;
}
