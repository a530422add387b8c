#include <jansson.h>
#include "proto/envelope.h"
#include "proto/json_scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message.h"

/* jansson judges, except where it is known to differ (tests/unit/proto/test_jansson.c): numbers
 * that no double holds, NUL in a name, NUL behind a number, and depth. */
enum verdict { REFUSED, ACCEPTED, OF_ITS_OWN };

static enum verdict judge(struct span text)
{
	json_error_t error;
	json_t *tree =
		json_loadb(text.at, text.len,
			   JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);

	if (tree) {
		json_decref(tree);
		return ACCEPTED;
	}
	switch (json_error_code(&error)) {
	case json_error_numeric_overflow:
	case json_error_null_byte_in_key:
	case json_error_stack_overflow:
		return OF_ITS_OWN;
	default:
		return REFUSED;
	}
}

/* How deep brackets nest that stand in no string. */
static size_t depth_of(struct span text)
{
	size_t depth = 0, deepest = 0;
	bool string = false;

	for (size_t i = 0; i < text.len; i++) {
		if (string && text.at[i] == '\\')
			i++;
		else if (text.at[i] == '"')
			string = !string;
		else if (!string && (text.at[i] == '[' || text.at[i] == '{'))
			depth++;
		else if (!string && (text.at[i] == ']' || text.at[i] == '}') && depth > 0)
			depth--;
		if (depth > deepest)
			deepest = depth;
	}
	return deepest;
}

static void compare(struct span text, bool accepts)
{
	const enum verdict verdict = judge(text);

	if (text.len > 0 && memchr(text.at, '\0', text.len))
		must(!accepts);
	else if (verdict == ACCEPTED && depth_of(text) > CODEC_DEPTH_MAX)
		must(!accepts);
	else if (verdict != OF_ITS_OWN)
		must(accepts == (verdict == ACCEPTED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct envelope *envelope;
	const struct span text = span_of((const char *)data, size);
	struct message message;
	enum wsb_err err;
	char why[64];

	if (!envelope)
		must(envelope_create(&envelope, NULL, why, sizeof(why)) == WSB_OK);
	err = envelope_scan(envelope, FROM_CLIENT, ENCODING_JSON, text, &message);
	must(err == WSB_OK || err == WSB_EPARSE);
	must(json_scan_is_valid(text) == (err == WSB_OK));
	compare(text, err == WSB_OK);
	if (err == WSB_OK)
		message_check(envelope, FROM_CLIENT, &message);
	return 0;
}
