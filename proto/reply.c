#include "proto/reply.h"

#include <stdio.h>
#include "proto/envelope_form.h"
#include "proto/json_scan.h"
#include "proto/transcode.h"

static enum form form_of(const struct reply_to *to)
{
	return to->jsonrpc || to->envelope->jsonrpc ? FORM_JSONRPC : FORM_OWN;
}

/* The id as a JSON token: as it is, or as near as JSON comes; a MessagePack answer gets the
 * original bytes back in finish(). */
static struct span json_id(const struct reply_to *to, struct strbuf *scratch)
{
	if (!to->id.at)
		return span_text("null");
	if (transcode(to->encoding, ENCODING_JSON, to->id, scratch) != WSB_OK)
		return span_text("null");
	return strbuf_span(scratch);
}

/* Appends a message that is encoded already, with the id of the request where answers keep it and
 * with options. A template may have made something else than a message: that goes as it is. */
static enum wsb_err finish_encoded(const struct reply_to *to, struct span text, struct span options,
				   struct strbuf *out)
{
	struct message_edit edit = {.id = to->id, .options = options};
	struct span pieces[MESSAGE_PIECES_MAX];
	struct message message;
	enum wsb_err err;
	size_t count;

	err = envelope_scan(to->envelope, FROM_UPSTREAM, to->encoding, text, &message);
	if (err != WSB_OK)
		return WSB_EINVAL;
	count = message_splice(&message, &edit, pieces);
	for (size_t i = 0; i < count; i++)
		strbuf_add(out, pieces[i]);
	return out->failed ? WSB_ENOMEM : WSB_OK;
}

/* The same for a message in JSON, whichever encoding it is to have. */
static enum wsb_err finish(const struct reply_to *to, struct span json, struct span options,
			   struct strbuf *out)
{
	struct strbuf encoded, encoded_options;
	struct span added = {.at = NULL};
	enum wsb_err err;

	if (to->encoding == ENCODING_JSON)
		return finish_encoded(to, json, options, out);
	strbuf_init(&encoded);
	strbuf_init(&encoded_options);
	err = transcode(ENCODING_JSON, to->encoding, json, &encoded);
	if (err == WSB_OK && options.at) {
		err = transcode(ENCODING_JSON, to->encoding, options, &encoded_options);
		added = strbuf_span(&encoded_options);
	}
	if (err == WSB_OK)
		err = finish_encoded(to, strbuf_span(&encoded), added, out);
	strbuf_fini(&encoded_options);
	strbuf_fini(&encoded);
	return err;
}

/* values has all but the id. */
static enum wsb_err fill(const struct reply_to *to, const struct template *compiled,
			 struct span values[SLOT_COUNT], struct span options, struct strbuf *out)
{
	struct strbuf text, id;
	enum wsb_err err;

	strbuf_init(&text);
	strbuf_init(&id);
	values[SLOT_ID] = json_id(to, &id);
	template_fill(compiled, values, &text);
	err = text.failed ? WSB_ENOMEM : finish(to, strbuf_span(&text), options, out);
	strbuf_fini(&id);
	strbuf_fini(&text);
	return err;
}

enum wsb_err reply_error(const struct reply_to *to, int code, const char *message, struct span data,
			 struct span options, struct strbuf *out)
{
	struct span values[SLOT_COUNT] = {0};
	struct strbuf text;
	char number[16];
	enum wsb_err err;

	strbuf_init(&text);
	strbuf_json(&text, span_text(message));
	snprintf(number, sizeof(number), "%d", code);
	values[SLOT_CODE] = span_text(number);
	values[SLOT_MESSAGE] = strbuf_span(&text);
	values[SLOT_DATA] = data.at ? data : span_text("null");
	err = text.failed ? WSB_ENOMEM
			  : fill(to, to->envelope->errors[form_of(to)], values, options, out);
	strbuf_fini(&text);
	return err;
}

enum wsb_err reply_result(const struct reply_to *to, struct span result, struct span options,
			  struct strbuf *out)
{
	const struct template *const compiled = to->envelope->results[form_of(to)];
	struct span values[SLOT_COUNT] = {0};

	if (!compiled)
		return reply_respond(to, result, options, out);
	values[SLOT_RESULT] = result;
	return fill(to, compiled, values, options, out);
}

/* Adds to a JSON text a null at a place that it lacks, with what has to stand around it; false when
 * there is no object to put it into. */
static bool place_make(const struct place_tree *tree, uint8_t place, struct span text,
		       const struct places_found *found, struct strbuf *out)
{
	uint8_t missing[PLACE_STEPS_MAX];
	size_t count = 0;
	const char *close;

	for (; !place_seen(found, place); place = tree->places[place].parent)
		missing[count++] = place;
	if (*found->at[place].at != '{')
		return false;
	close = found->at[place].at + found->at[place].len - 1;
	strbuf_add(out, span_of(text.at, (size_t)(close - text.at)));
	if (*json_scan_space(found->at[place].at + 1) != '}')
		strbuf_text(out, ",");
	for (size_t i = count; i > 0; i--) {
		const struct place *const step = &tree->places[missing[i - 1]];

		if (i != count)
			strbuf_text(out, "{");
		strbuf_json(out, span_of(step->name, step->name_len));
		strbuf_text(out, ":");
	}
	strbuf_text(out, "null");
	for (size_t i = 1; i < count; i++)
		strbuf_text(out, "}");
	strbuf_add(out, span_of(close, (size_t)(text.at + text.len - close)));
	return true;
}

/* Whether a text is a whole JSON-RPC message, and not a result only. */
static bool is_jsonrpc(const struct envelope *envelope, const struct places_found *found)
{
	return found->kind == '{' && place_seen(found, envelope->version);
}

static enum wsb_err respond_whole(const struct reply_to *to, enum form form, struct span text,
				  const struct places_found *found, struct span options,
				  struct strbuf *out)
{
	const uint8_t id = to->envelope->parts[form][FROM_UPSTREAM].at[PART_ID];
	struct strbuf made;
	enum wsb_err err;

	if (!to->id.at || id == PLACE_NONE || place_seen(found, id))
		return finish(to, text, options, out);
	strbuf_init(&made);
	if (place_make(&to->envelope->tree, id, text, found, &made))
		text = strbuf_span(&made);
	err = made.failed ? WSB_ENOMEM : finish(to, text, options, out);
	strbuf_fini(&made);
	return err;
}

enum wsb_err reply_respond(const struct reply_to *to, struct span respond, struct span options,
			   struct strbuf *out)
{
	struct places_found found;
	enum wsb_err err;

	err = envelope_find(to->envelope, ENCODING_JSON, respond, &found);
	if (err != WSB_OK)
		return WSB_EINVAL;
	if (form_of(to) == FORM_OWN && !is_jsonrpc(to->envelope, &found))
		return respond_whole(to, FORM_OWN, respond, &found, options, out);
	if (is_jsonrpc(to->envelope, &found))
		return respond_whole(to, FORM_JSONRPC, respond, &found, options, out);
	return reply_result(to, respond, options, out);
}

enum wsb_err request_compose(const struct envelope *envelope, bool jsonrpc, struct span id,
			     struct span method, struct span params, struct strbuf *out)
{
	const enum form form = jsonrpc || envelope->jsonrpc ? FORM_JSONRPC : FORM_OWN;
	struct span values[SLOT_COUNT] = {[SLOT_ID] = id, [SLOT_PARAMS] = params};
	struct strbuf name;

	strbuf_init(&name);
	strbuf_json(&name, method);
	values[SLOT_METHOD] = strbuf_span(&name);
	out->failed |= name.failed;
	template_fill(envelope->requests[form], values, out);
	strbuf_fini(&name);
	return out->failed ? WSB_ENOMEM : WSB_OK;
}
