#include "tests/support/compose.h"

#include <stdlib.h>
#include <string.h>
#include "proto/transcode.h"

static void add_byte(struct strbuf *out, unsigned int byte)
{
	char one = (char)(unsigned char)byte;

	strbuf_add(out, span_of(&one, 1));
}

void compose_text(struct strbuf *out, enum encoding encoding, const char *text)
{
	size_t len = strlen(text);

	if (encoding == ENCODING_JSON) {
		strbuf_json(out, span_text(text));
		return;
	}
	if (len < 32) {
		add_byte(out, 0xa0 | (unsigned int)len);
	} else if (len < 256) {
		add_byte(out, 0xd9);
		add_byte(out, (unsigned int)len);
	} else {
		add_byte(out, 0xda);
		add_byte(out, (unsigned int)(len >> 8 & 0xff));
		add_byte(out, (unsigned int)(len & 0xff));
	}
	strbuf_text(out, text);
}

void compose(struct strbuf *out, enum encoding encoding, const struct part *parts, size_t count)
{
	const char *separator = "{";
	unsigned int members = 0;

	for (size_t i = 0; i < count; i++)
		members += parts[i].value.at != NULL;
	if (encoding == ENCODING_MSGPACK)
		add_byte(out, 0x80 | members);
	for (size_t i = 0; i < count; i++) {
		if (!parts[i].value.at)
			continue;
		if (encoding == ENCODING_JSON)
			strbuf_text(out, separator);
		separator = ",";
		compose_text(out, encoding, parts[i].name);
		if (encoding == ENCODING_JSON)
			strbuf_text(out, ":");
		strbuf_add(out, parts[i].value);
	}
	if (encoding == ENCODING_JSON)
		strbuf_text(out, members ? "}" : "{}");
}

static struct span version_token(enum encoding encoding)
{
	return span_text(encoding == ENCODING_JSON ? "\"2.0\""
						   : "\xa3"
						     "2.0");
}

void compose_request(struct strbuf *out, enum encoding encoding, struct span id, const char *method,
		     struct span params, struct span options)
{
	struct strbuf name;

	strbuf_init(&name);
	if (method)
		compose_text(&name, encoding, method);
	compose(out, encoding,
		(struct part[]){
			{"jsonrpc", version_token(encoding)},
			{"id", id},
			{"method", method ? strbuf_span(&name) : span_of(NULL, 0)},
			{"params", params},
			{"wsbroker", options},
		},
		5);
	strbuf_fini(&name);
}

void compose_answer(struct strbuf *out, enum encoding encoding, struct span id, const char *member,
		    struct span value)
{
	compose(out, encoding,
		(struct part[]){
			{"jsonrpc", version_token(encoding)},
			{"id", id},
			{member, value},
		},
		3);
}

void compose_batch(struct strbuf *out, enum encoding encoding, size_t at, size_t count)
{
	if (encoding == ENCODING_JSON) {
		strbuf_text(out, at == 0 ? "[" : at < count ? "," : "]");
		if (at == 0 && count == 0)
			strbuf_text(out, "]");
		return;
	}
	if (at > 0)
		return;
	if (count < 16) {
		add_byte(out, 0x90 | (unsigned int)count);
		return;
	}
	add_byte(out, 0xdc);
	add_byte(out, (unsigned int)(count >> 8 & 0xff));
	add_byte(out, (unsigned int)(count & 0xff));
}

void compose_json(struct strbuf *out, enum encoding encoding, const char *json)
{
	if (transcode(ENCODING_JSON, encoding, span_text(json), out))
		abort();
}
