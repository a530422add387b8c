#include "broker/engine/value.h"

static enum wsb_err cut(struct strbuf *text, const struct message *answer, struct cache_value *out)
{
	size_t at = (size_t)(answer->id.at - answer->text.at);

	strbuf_clear(text);
	strbuf_add(text, span_of(answer->text.at, at));
	strbuf_add(text,
		   span_of(answer->id.at + answer->id.len, answer->text.len - at - answer->id.len));
	if (text->failed || at >= UINT32_MAX)
		return WSB_ENOMEM;
	*out = (struct cache_value){
		.bytes = strbuf_span(text),
		.encoding = answer->encoding,
		.id_at = (uint32_t)at,
	};
	return WSB_OK;
}

enum wsb_err value_cut(struct engine *engine, const struct message *answer, struct cache_value *out)
{
	return cut(&engine->cached.value, answer, out);
}

/* A message again: any id will do, it is exchanged right away. */
static enum wsb_err value_whole(struct engine *engine, const struct cache_value *value,
				enum encoding encoding, struct message *out)
{
	struct strbuf *text = &engine->scratch;
	struct span bytes = value->bytes;

	strbuf_clear(text);
	strbuf_add(text, span_of(bytes.at, value->id_at));
	strbuf_add(text, value->encoding == ENCODING_JSON ? span_text("0") : span_of("\0", 1));
	strbuf_add(text, span_of(bytes.at + value->id_at, bytes.len - value->id_at));
	if (text->failed)
		return WSB_ENOMEM;
	if (encoding != value->encoding) {
		enum wsb_err err;

		strbuf_clear(&engine->scratch2);
		err = transcode(value->encoding, encoding, strbuf_span(text), &engine->scratch2);
		if (err)
			return err;
		text = &engine->scratch2;
	}
	return envelope_scan(engine->envelope, FROM_UPSTREAM, encoding, strbuf_span(text), out);
}

enum wsb_err value_turn(struct engine *engine, const struct cache_value *value,
			struct cache_value *out)
{
	enum encoding other = value->encoding == ENCODING_JSON ? ENCODING_MSGPACK : ENCODING_JSON;
	struct message message;
	enum wsb_err err = value_whole(engine, value, other, &message);

	return err ? err : cut(&engine->cached.turned, &message, out);
}

enum wsb_err value_compose(struct engine *engine, const struct cache_value *value,
			   const struct caller *caller, struct span why, struct value_letter *out)
{
	struct message message;
	enum wsb_err err;

	out->edit = (struct message_edit){.id = caller->id};
	if (caller->encoding == value->encoding && why.len == 0) {
		out->pieces[0] = span_of(value->bytes.at, value->id_at);
		out->pieces[1] = caller->id;
		out->pieces[2] =
			span_of(value->bytes.at + value->id_at, value->bytes.len - value->id_at);
		out->count = 3;
		return WSB_OK;
	}
	err = value_whole(engine, value, caller->encoding, &message);
	if (err)
		return err;
	out->edit.options = why;
	if (why.len > 0 && caller->encoding == ENCODING_MSGPACK) {
		strbuf_clear(&engine->cached.text);
		err = transcode(ENCODING_JSON, ENCODING_MSGPACK, why, &engine->cached.text);
		if (err)
			return err;
		out->edit.options = strbuf_span(&engine->cached.text);
	}
	if (why.len == 0)
		out->edit.options = span_of(NULL, 0);
	out->count = message_splice(&message, &out->edit, out->pieces);
	return WSB_OK;
}
