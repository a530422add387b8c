#include "proto/transcode.h"

#include "proto/json_to_msgpack.h"
#include "proto/msgpack_to_json.h"

static void cut_back(struct strbuf *out, size_t len)
{
	out->len = len;
	if (out->text)
		out->text[len] = '\0';
}

enum wsb_err transcode(enum encoding from, enum encoding to, struct span text, struct strbuf *out)
{
	const size_t before = out->len;
	enum wsb_err err = WSB_OK;

	if (from == to)
		strbuf_add(out, text);
	else if (from == ENCODING_JSON)
		err = json_to_msgpack(text, out);
	else
		err = msgpack_to_json(text, out);
	if (err == WSB_OK && out->failed)
		err = WSB_ENOMEM;
	if (err != WSB_OK)
		cut_back(out, before);
	return err;
}
