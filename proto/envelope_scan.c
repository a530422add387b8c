#include "proto/envelope.h"

#include "proto/envelope_form.h"
#include "proto/json_codec.h"
#include "proto/msgpack_codec.h"
#include "proto/token.h"

enum wsb_err envelope_find(const struct envelope *envelope, enum encoding encoding,
			   struct span text, struct places_found *found)
{
	if (text.len == 0)
		return WSB_EPARSE;
	if (encoding == ENCODING_JSON)
		return json_find(&envelope->tree, text, found);
	return msgpack_find(&envelope->tree, text, found);
}

static inline struct span part_of(const struct places_found *found, uint8_t place)
{
	return place_seen(found, place) ? found->at[place] : span_of(NULL, 0);
}

/* The first flaw that is found stays: the ones before it say more. */
static void flaw_note(struct message *message, enum message_flaw flaw)
{
	if (message->flaw == FLAW_NONE)
		message->flaw = flaw;
}

static void take_id(struct message *message, struct span id)
{
	if (!id.at)
		return;
	switch (token_kind(message->encoding, id)) {
	case TOKEN_NULL:
		message->id_is_null = true;
		/* fall through */
	case TOKEN_STRING:
	case TOKEN_NUMBER:
		message->id = id;
		return;
	default:
		flaw_note(message, FLAW_ID_TYPE);
	}
}

/* escapes: whether any string of the text has some. */
static void take_method(struct message *message, struct span method, bool escapes)
{
	if (!method.at)
		return;
	if (message->encoding == ENCODING_JSON && *method.at == '"' && !escapes)
		message->method = span_of(method.at + 1, method.len - 2);
	else if (token_kind(message->encoding, method) == TOKEN_STRING)
		message->method = token_string(message->encoding, method, message->method_scratch,
					       METHOD_SCRATCH);
	if (!message->method.at)
		flaw_note(message, FLAW_METHOD_TYPE);
}

static bool says_failed(const struct envelope *envelope, const struct message *message)
{
	if (!message->error.at)
		return false;
	if (envelope->error_value && !message->jsonrpc)
		return token_equal(message->encoding, message->error,
				   span_text(envelope->error_value));
	switch (token_kind(message->encoding, message->error)) {
	case TOKEN_NULL:
	case TOKEN_FALSE:
		return false;
	default:
		return true;
	}
}

static void take_parts(const struct envelope *envelope, enum message_side side,
		       const struct places_found *found, struct message *message)
{
	const enum form form = message->jsonrpc ? FORM_JSONRPC : FORM_OWN;
	/* A copy, so that its place is not reckoned anew for each part. */
	const struct parts parts = envelope->parts[form][side];
	const uint64_t twice = found->twice & parts.watch;

	if (twice)
		message->flaw = FLAW_DUPLICATE;
	/* Of two ids neither is the one. */
	if (!(twice & parts.id_path))
		take_id(message, part_of(found, parts.at[PART_ID]));
	take_method(message, part_of(found, parts.at[PART_METHOD]), found->escapes);
	message->params = part_of(found, parts.at[PART_PARAMS]);
	message->result = part_of(found, parts.at[PART_RESULT]);
	message->error = part_of(found, parts.at[PART_ERROR]);
	if (found->kind == '{' && place_seen(found, envelope->tree.options)) {
		message->options = found->at[envelope->tree.options];
		message->options_member = found->options_member;
	}
	message->failed = side == FROM_UPSTREAM && says_failed(envelope, message);
}

/* All but the scratch, which need not be blank. One by one: for a struct of this size the compiler
 * takes a string instruction, whose start alone takes longer. */
static inline void message_begin(struct message *message, enum encoding encoding, struct span text)
{
	const struct span none = span_of(NULL, 0);

	message->encoding = encoding;
	message->flaw = FLAW_NONE;
	message->batch = false;
	message->jsonrpc = false;
	message->failed = false;
	message->id_is_null = false;
	message->text = text;
	message->id = none;
	message->method = none;
	message->params = none;
	message->result = none;
	message->error = none;
	message->options = none;
	message->options_member = none;
}

enum wsb_err envelope_scan(const struct envelope *envelope, enum message_side side,
			   enum encoding encoding, struct span text, struct message *message)
{
	struct places_found found;
	enum wsb_err err = envelope_find(envelope, encoding, text, &found);

	if (err != WSB_OK)
		return err;
	message_begin(message, encoding, text);
	message->members = found.members;
	message->jsonrpc =
		envelope->jsonrpc || (found.kind == '{' && place_seen(&found, envelope->version));
	if (found.kind == 's') {
		message->flaw = FLAW_NOT_AN_OBJECT;
		return WSB_OK;
	}
	if (found.kind == '[' &&
	    (!envelope->tree.arrays || place_seen(&found, envelope->batch_version))) {
		message->batch = true;
		return WSB_OK;
	}
	take_parts(envelope, side, &found, message);
	return WSB_OK;
}
