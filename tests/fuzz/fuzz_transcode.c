#include "common/strbuf.h"
#include "proto/json_scan.h"
#include "proto/msgpack_scan.h"
#include "proto/transcode.h"
#include "tests/fuzz/fuzz.h"

static bool is_valid(enum encoding encoding, struct span text)
{
	if (text.len == 0)
		return false;
	if (encoding == ENCODING_JSON)
		return json_scan_is_valid(text);
	return msgpack_skip(text.at, text.at + text.len, 0) == text.at + text.len;
}

/* What could be carried once can be carried for ever, and the first two crossings settle it. */
static void check_crossings(enum encoding from, struct span text)
{
	const enum encoding to = from == ENCODING_JSON ? ENCODING_MSGPACK : ENCODING_JSON;
	struct strbuf there, back, again;
	enum wsb_err err;

	strbuf_init(&there);
	strbuf_init(&back);
	strbuf_init(&again);
	err = transcode(from, to, text, &there);
	must((err == WSB_EPARSE) == !is_valid(from, text));
	must(err == WSB_OK || there.len == 0);
	if (err == WSB_OK) {
		must(is_valid(to, strbuf_span(&there)));
		must(transcode(to, from, strbuf_span(&there), &back) == WSB_OK);
		must(is_valid(from, strbuf_span(&back)));
		must(transcode(from, to, strbuf_span(&back), &again) == WSB_OK);
		must(span_equal(strbuf_span(&there), strbuf_span(&again)));
	}
	strbuf_fini(&again);
	strbuf_fini(&back);
	strbuf_fini(&there);
}

/* The first byte says what the rest is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	check_crossings(data[0] & 1 ? ENCODING_MSGPACK : ENCODING_JSON,
			span_of((const char *)data + 1, size - 1));
	return 0;
}
