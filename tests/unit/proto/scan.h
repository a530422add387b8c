/* tests/unit/proto/scan.h: short ways to scan a message and to look at what came of it. */
#ifndef WSB_TESTS_UNIT_PROTO_SCAN_H
#define WSB_TESTS_UNIT_PROTO_SCAN_H

#include <criterion/criterion.h>
#include "common/strbuf.h"
#include "proto/envelope.h"
#include "proto/transcode.h"
#include "tests/unit/proto/exact.h"

static inline struct envelope *envelope_of(const struct envelope_settings *settings)
{
	struct envelope *envelope;
	char why[128] = "";

	cr_assert_eq(envelope_create(&envelope, settings, why, sizeof(why)), WSB_OK, "%s", why);
	return envelope;
}

/* Scans what must be well-formed. text must outlive the message. */
static inline void scan(const struct envelope *envelope, enum message_side side,
			enum encoding encoding, struct span text, struct message *message)
{
	cr_assert_eq(envelope_scan(envelope, side, encoding, text, message), WSB_OK, "%.*s",
		     (int)text.len, text.at);
}

static inline void scan_json(const struct envelope *envelope, enum message_side side,
			     const char *text, struct message *message)
{
	scan(envelope, side, ENCODING_JSON, span_text(text), message);
}

/* The MessagePack of a JSON text; the caller frees it with exact_free. */
static inline struct span msgpack_of(const char *json)
{
	struct strbuf out;
	struct span exact;

	strbuf_init(&out);
	cr_assert_eq(transcode(ENCODING_JSON, ENCODING_MSGPACK, span_text(json), &out), WSB_OK);
	exact = exact_copy(strbuf_span(&out));
	strbuf_fini(&out);
	return exact;
}

static inline void check_span(struct span span, const char *text)
{
	if (!text) {
		cr_assert_null(span.at, "unexpected %.*s", (int)span.len, span.at);
		return;
	}
	cr_assert_not_null(span.at, "missing %s", text);
	cr_assert(span_is(span, text), "%.*s is not %s", (int)span.len, span.at, text);
}

#endif
